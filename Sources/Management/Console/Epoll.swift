internal import CConsole
internal import Glibc

/// Which of several descriptors have something to do.
final class Epoll {
  let descriptor: Int32

  init?() {
    descriptor = hauberk_epoll_make()
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  func add(_ other: Int32) -> Bool { hauberk_epoll_add(descriptor, other) }
  func await(_ other: Int32, isWriting: Bool) { hauberk_epoll_await(descriptor, other, isWriting) }
  func remove(_ other: Int32) { hauberk_epoll_remove(descriptor, other) }

  func wait(milliseconds: Int32) -> [hauberk_ready] {
    unsafe [hauberk_ready](unsafeUninitializedCapacity: 32) { buffer, filled in
      filled = Int(unsafe hauberk_epoll_wait(descriptor, buffer.baseAddress, Int32(buffer.count), milliseconds))
    }
  }
}

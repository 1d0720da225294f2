internal import CConsole
internal import Glibc

/// Wakes one thread. Ringing never waits.
final class Bell: Sendable {
  private let descriptor: Int32

  init?() {
    descriptor = hauberk_bell_make()
    if descriptor < 0 { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func ring() { hauberk_bell_ring(descriptor) }
  func wait() { hauberk_bell_wait(descriptor) }
}

@testable import CLI
@testable import Console
import Foundation
import Glibc
import Synchronization

/// A folder that is gone after the test.
final class Folder: Sendable {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("hauberk-\(UUID().uuidString.prefix(8))").path
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { path + "/" + name }
}

/// What goes wrong, as its code and sentence.
func failure(_ body: () throws(CommandFailure) -> Void) -> CommandFailure? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

/// A bare client: octets out, octets in, with turns of the server in between.
final class RawClient {
  let descriptor: Int32

  init(_ path: String) {
    descriptor = UnixSocket.make()
    precondition(UnixSocket.connect(descriptor, UnixAddress(path)!) == 0)
  }

  deinit { close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }
  func send(_ octets: [UInt8]) { _ = UnixSocket.send(descriptor, octets[...]) }
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Nil: nothing has come. Empty: the end.
  func receive() -> String? {
    UnixSocket.receive(descriptor, atMost: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
      ?? (errno == EAGAIN ? nil : "")
  }

  /// All that comes in a few turns, and whether the end was there.
  func answer(_ server: ControlServer, turns: Int = 20) -> (text: String, isOver: Bool) {
    var text = ""
    for _ in 0..<turns {
      server.turn()
      while let more = receive() {
        if more.isEmpty { return (text, true) }
        text += more
      }
    }
    return (text, false)
  }
}

/// A server with a thread of its own.
final class RunningServer: Sendable {
  private let goesOn = Atomic<Bool>(true)
  private let isOver = DispatchSemaphore(value: 0)

  init(_ path: String, _ answer: @escaping @Sendable (Request) -> Response) {
    let isReady = DispatchSemaphore(value: 0)
    Thread.detachNewThread { [self] in
      let server = try! ControlServer(path: path, answer: answer)
      isReady.signal()
      server.run { goesOn.load(ordering: .relaxed) }
      withExtendedLifetime(server) {}
      isOver.signal()
    }
    isReady.wait()
  }

  func stop() {
    goesOn.store(false, ordering: .relaxed)
    isOver.wait()
  }
}

@testable import CLI
@testable import Console
import Foundation
import Glibc
import Testing

@Suite struct ControlSocketTests {
  private let folder = Folder()
  private var path: String { folder.path("control.sock") }

  private func server(_ path: String) throws(CommandFailure) -> ControlServer {
    try ControlServer(path: path) { _ in .refused(.machine, "") }
  }

  /// A socket whose process is gone: bound, and closed.
  private func leaveOne() {
    let descriptor = UnixSocket.make()
    #expect(UnixAddress(path)!.with { bind(descriptor, $0, $1) } == 0)
    close(descriptor)
  }

  @Test func `what a dead process left is replaced, a live one is not`() throws {
    leaveOne()
    var first: ControlServer? = try server(path)
    let refusal = failure { () throws(CommandFailure) in _ = try server(path) }
    #expect(refusal?.description.contains("a gateway already answers at \(path): stop it with `hauberk stop`") == true)
    // The refused one took nothing away.
    let client = RawClient(path)
    client.send("{\"command\":\"status\"}\n")
    #expect(client.answer(first!).text.hasPrefix("{\"ok\":false"))
    // A queue that is full is a live one's.
    var waiting: [RawClient] = []
    for _ in 0..<17 { waiting.append(RawClient(path)) }
    #expect(failure { () throws(CommandFailure) in _ = try server(path) }?.description.contains("already") == true)
    waiting = []
    first = nil
    #expect(access(path, F_OK) != 0)
    _ = try server(path)
  }

  @Test func `a file of somebody else's stays`() throws {
    #expect(FileManager.default.createFile(atPath: path, contents: Data("mine".utf8)))
    #expect(failure { () throws(CommandFailure) in _ = try server(path) }?.description.contains("is no socket") == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    unlink(path)
    // Nor is the socket of a successor removed.
    var old: ControlServer? = try server(path)
    unlink(path)
    let new = try server(path)
    #expect(old != nil)
    old = nil
    #expect(access(path, F_OK) == 0)
    withExtendedLifetime(new) {}
  }

  @Test func `the folder is made, but not its parents`() throws {
    let below = folder.path("run/control.sock")
    let first = try server(below)
    withExtendedLifetime(first) {}
    let deep = folder.path("a/b/control.sock")
    let sentence = failure { () throws(CommandFailure) in _ = try server(deep) }?.description
    #expect(sentence?.contains("cannot open \(folder.path("a/b")), where the control socket goes") == true)
    #expect(UnixAddress("") == nil && UnixAddress(String(repeating: "x", count: 108)) == nil)
    #expect(UnixAddress(String(repeating: "x", count: 107)) != nil && UnixAddress("a\0b") == nil)
  }

  @Test func `many that start at once leave one that answers`() {
    for _ in 0..<20 {
      leaveOne()
      let results = Results()
      DispatchQueue.concurrentPerform(iterations: 8) { _ in results.add(try? server(path)) }
      #expect(results.count == 1)
      #expect(access(path, F_OK) == 0)
      results.clear()
    }
  }

  @Test func `nobody looks for what is stale while another does`() throws {
    leaveOne()
    let held = open(folder.path, O_RDONLY | O_DIRECTORY)
    #expect(flock(held, LOCK_EX) == 0)
    let refusal = failure { () throws(CommandFailure) in _ = try server(path) }
    #expect(refusal?.description.contains("another process has locked \(folder.path)") == true)
    #expect(access(path, F_OK) == 0, "what is there stays")
    close(held)
    _ = try server(path)
  }

  private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var servers: [ControlServer] = []
    var count: Int { servers.count }
    func add(_ server: ControlServer?) {
      lock.withLock { if let server { servers.append(server) } }
    }
    func clear() { servers = [] }
  }

  @Test func `a client says what is missing, and what to do`() throws {
    let absent = failure { () throws(CommandFailure) in _ = try ControlClient(path) }
    #expect(absent?.code == .unreachable)
    #expect(absent?.description.contains("no gateway runs here: there is no control socket \(path); start one") == true)
    leaveOne()
    let dead = failure { () throws(CommandFailure) in _ = try ControlClient(path) }
    #expect(dead?.code == .unreachable && dead?.description.contains("one that has ended left") == true)
    #expect(failure { () throws(CommandFailure) in _ = try ControlClient("") }?.code == .usage)
  }

  @Test func `a client gets what it asked for, or the refusal`() throws {
    let server = RunningServer(path) { request in
      switch request {
      case .status:
        var status = GatewayStatus()
        status.warnings = [String(repeating: "ü", count: 1_000_000)]
        return Response(status)
      case .reload: return .refused(.configuration, "line 3 is wrong")
      case .drain: return .result(.string("odd"))
      default: return Response(Done("done"))
      }
    }
    let client = try ControlClient(path)
    #expect(try client.result(of: .status, GatewayStatus.self).value.warnings[0].count == 1_000_000)
    let refusal = failure { () throws(CommandFailure) in _ = try client.result(of: .reload(begins: false), Done.self) }
    #expect(refusal?.code == .configuration && refusal?.description == "line 3 is wrong")
    let odd = failure { () throws(CommandFailure) in _ = try client.result(of: .drain, Done.self) }
    #expect(odd?.code == .unreachable && odd?.description.contains("no gateway of this version") == true)
    #expect(try client.result(of: .stop, Done.self).value.sentence == "done")
    #expect(try client.waitForEnd(seconds: 0.2) == false)
    server.stop()
    #expect(try client.waitForEnd(seconds: 10))
    #expect(
      failure { () throws(CommandFailure) in _ = try client.ask(.status) }?.description.contains("has gone") == true)
  }

  @Test func `one that does not answer is not waited for`() throws {
    let silent = UnixSocket.make()
    defer { close(silent) }
    #expect(UnixAddress(path)!.with { bind(silent, $0, $1) } == 0 && listen(silent, 1) == 0)
    let client = try ControlClient(path, patienceSeconds: 0.25)
    let sentence = failure { () throws(CommandFailure) in _ = try client.ask(.status) }
    #expect(sentence?.code == .unreachable && sentence?.description.contains("does not answer: 250.0 ms") == true)
  }
}

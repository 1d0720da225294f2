internal import CKernel
package import CLI
internal import Glibc

/// One connection to a running gateway. It waits, but never for ever, and a signal ends the waiting.
package final class ControlClient {
  /// A gateway answers at once: whatever takes longer is no answer.
  private let patienceSeconds: Double
  private static let mostAnswerBytes = 64 << 20

  private let path: String
  private let descriptor: Int32
  private var input: [UInt8] = []

  package init(_ path: String, patienceSeconds: Double = 5) throws(CommandFailure) {
    guard let address = UnixAddress(path) else {
      throw CommandFailure(.usage, "--control takes a path of 1 to \(UnixAddress.mostOctets) octets")
    }
    descriptor = UnixSocket.make()
    guard descriptor >= 0 else { throw CommandFailure(.machine, "cannot make a socket: \(UnixSocket.reason())") }
    self.path = path
    self.patienceSeconds = patienceSeconds
    let deadline = Console.now() + patienceSeconds
    while UnixSocket.connect(descriptor, address) != 0 {
      let code = errno
      // A full queue of clients; there is nothing to wait for but time.
      guard code == EAGAIN || code == EINTR else { throw Self.failure(code, path) }
      guard Console.now() < deadline else { throw silence() }
      if hauberk_was_interrupted() { throw Self.interrupted }
      hauberk_sleep_microseconds(10_000)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private static let interrupted = CommandFailure(.interrupted, "")

  private static func failure(_ code: Int32, _ path: String) -> CommandFailure {
    let remedy = "start one with `hauberk run CONFIG`, or name the socket of another with --control PATH"
    switch code {
    case ENOENT, ENOTDIR:
      return CommandFailure(.unreachable, "no gateway runs here: there is no control socket \(path); \(remedy)")
    case ECONNREFUSED:
      return CommandFailure(
        .unreachable, "no gateway runs here: one that has ended left the control socket \(path); \(remedy)")
    case EACCES, EPERM:
      return CommandFailure(
        .unreachable, "this user may not open the control socket \(path): use that of the gateway, or root")
    default:
      return CommandFailure(.unreachable, "cannot reach a gateway at \(path): \(UnixSocket.reason(code)); \(remedy)")
    }
  }

  private func silence() -> CommandFailure {
    CommandFailure(
      .unreachable,
      "the gateway at \(path) does not answer: \(Format.seconds(patienceSeconds)) have passed; "
        + "look at its log")
  }

  /// One request, one answer.
  package func ask(_ request: Request) throws(CommandFailure) -> Response {
    try send(Array((request.json.line + "\n").utf8)[...])
    let line = try nextLine()
    var limits = JSONLimits()
    limits.bytes = Self.mostAnswerBytes
    limits.values = 1 << 22
    do {
      return try Response(json: JSONReader.read(line, limits))
    } catch {
      throw CommandFailure(.unreachable, "what answers at \(path) is no gateway of this version: \(error)")
    }
  }

  /// The result of a request, or why there is none.
  package func result<Value: JSONCoded>(
    of request: Request, _ type: Value.Type = Value.self
  ) throws(CommandFailure) -> (value: Value, json: JSON) {
    switch try ask(request) {
    case .refused(let code, let sentence): throw CommandFailure(code, sentence)
    case .result(let json):
      do {
        return (try Value(json: json), json)
      } catch {
        throw CommandFailure(.unreachable, "what answers at \(path) is no gateway of this version: \(error)")
      }
    }
  }

  private func send(_ octets: ArraySlice<UInt8>) throws(CommandFailure) {
    let deadline = Console.now() + patienceSeconds
    var rest = octets
    while !rest.isEmpty {
      guard let count = UnixSocket.send(descriptor, rest) else {
        // Whoever turns us away does not read; there may be a sentence of his.
        guard errno == EAGAIN else { return }
        try wait(for: POLLOUT, deadline)
        continue
      }
      rest = rest.dropFirst(count)
    }
  }

  private func nextLine() throws(CommandFailure) -> [UInt8] {
    let deadline = Console.now() + patienceSeconds
    var searched = 0
    while true {
      if let end = input[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { input.removeSubrange(...end) }
        return Array(input[..<end])
      }
      searched = input.count
      guard let octets = UnixSocket.receive(descriptor, atMost: 1 << 16) else {
        guard errno == EAGAIN else { throw broken() }
        try wait(for: POLLIN, deadline)
        continue
      }
      guard !octets.isEmpty else { throw broken() }
      input += octets
      guard input.count <= Self.mostAnswerBytes else {
        throw CommandFailure(.unreachable, "what answers at \(path) does not end: it is no gateway")
      }
    }
  }

  private func broken() -> CommandFailure {
    CommandFailure(.unreachable, "the gateway at \(path) has gone while it was asked; look at its log")
  }

  private func wait(for events: Int32, _ deadline: Double) throws(CommandFailure) {
    var one = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    let left = deadline - Console.now()
    if hauberk_was_interrupted() { throw Self.interrupted }
    guard left > 0 else { throw silence() }
    // In short pieces, for a signal may come between the question and the waiting.
    unsafe _ = poll(&one, 1, Int32(min(100, left * 1000 + 1)))
  }

  /// Waits until the other end is gone, which is when the gateway has ended. False when it is still there.
  package func waitForEnd(seconds: Double) throws(CommandFailure) -> Bool {
    let deadline = Console.now() + seconds
    while Console.now() < deadline {
      var one = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if hauberk_was_interrupted() { throw Self.interrupted }
      unsafe _ = poll(&one, 1, 100)
      guard one.revents != 0 else { continue }
      guard let octets = UnixSocket.receive(descriptor, atMost: 4096) else {
        if errno == EAGAIN { continue }
        return true
      }
      if octets.isEmpty { return true }
    }
    return false
  }
}

internal import CConsole
internal import CKernel
package import CLI
internal import Glibc

/// What clients of a control socket may take.
package struct ControlLimits: Sendable {
  package var clients = 16
  package var requestBytes = 4096
  package var answerBytes = 16 << 20
  /// How long somebody may take no octet of his answer, and how long ask for nothing.
  package var slowMilliseconds: UInt64 = 5000
  package var idleMilliseconds: UInt64 = 60_000

  package init() {}
}

/// Answers clients on a local socket: one request a line, one answer a line, both JSON. It never waits for a client,
/// and what comes may be anything. It runs on one thread: that of whoever calls `turn`.
package final class ControlServer {
  /// Where everybody looks who was told no other place.
  package static let defaultPath = ControlOptions.standardPath

  package let path: String
  private let limits: ControlLimits
  private let answer: (Request) -> Response
  private let listener: ControlListener
  private let epoll: Epoll
  private let owner = geteuid()
  private var clients: [Int32: ControlClientState] = [:]
  /// Where the process has no descriptor left: when to try again.
  private var deafUntil: UInt64?

  package init(
    path: String = defaultPath, limits: ControlLimits = ControlLimits(), answer: @escaping (Request) -> Response
  ) throws(CommandFailure) {
    listener = try ControlListener(path)
    guard let epoll = Epoll(), epoll.add(listener.descriptor) else {
      throw CommandFailure(.machine, "cannot wait for clients: \(UnixSocket.reason())")
    }
    self.epoll = epoll
    self.path = path
    self.limits = limits
    self.answer = answer
  }

  deinit {
    for descriptor in clients.keys { close(descriptor) }
  }

  /// Readable when there is something to do, for an epoll or poll of the caller's. Without that, `turn` wants to be
  /// called once a second, to get rid of those who are slow.
  package var descriptor: Int32 { epoll.descriptor }
  package var clientCount: Int { clients.count }

  /// Does what there is to do; where there is nothing, waits that long for something.
  package func turn(waitMilliseconds: Int32 = 0) {
    let events = epoll.wait(milliseconds: waitMilliseconds)
    let now = hauberk_nanoseconds()
    for event in events where event.descriptor != listener.descriptor { serve(event, now) }
    // Last, because a new client may get the number of one who has just gone.
    if events.contains(where: { $0.descriptor == listener.descriptor }) { accept(now) }
    dropTheSlow(now)
  }

  /// A thread that does nothing else.
  package func run(while goesOn: () -> Bool) {
    while goesOn() { turn(waitMilliseconds: 200) }
  }

  private func accept(_ now: UInt64) {
    for _ in 0..<limits.clients {
      let descriptor = hauberk_accept(listener.descriptor)
      guard descriptor >= 0 else {
        // The queue stays readable, and asking it again and again would burn the processor.
        if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM {
          epoll.remove(listener.descriptor)
          deafUntil = now + 1_000_000_000
        }
        return
      }
      let peer = UnixSocket.peer(of: descriptor)
      if peer != 0, peer != owner {
        turnAway(descriptor, "this gateway answers its owner and root alone")
      } else if clients.count >= limits.clients {
        turnAway(descriptor, "too many clients: \(limits.clients) are being served; close one, and try again")
      } else if epoll.add(descriptor) {
        clients[descriptor] = ControlClientState(descriptor, now)
      } else {
        close(descriptor)
      }
    }
  }

  private func turnAway(_ descriptor: Int32, _ sentence: String) {
    // A fresh socket has room for a line.
    _ = UnixSocket.send(descriptor, Array((Response.refused(.machine, sentence).json.line + "\n").utf8)[...])
    close(descriptor)
  }

  private func serve(_ event: hauberk_ready, _ now: UInt64) {
    // Out of the table while it is worked on: a copy of its octets would be made otherwise.
    guard var client = clients.removeValue(forKey: event.descriptor) else { return }
    var isOver = event.is_over && !event.is_readable && !event.is_writable
    if !isOver, event.is_readable, client.output.isEmpty { isOver = !client.receive(atMost: limits.requestBytes, now) }
    if !isOver, event.is_writable { isOver = !client.send(now) }
    while !isOver, client.output.isEmpty, let line = client.nextLine(limits.requestBytes) {
      let response =
        switch line {
        case .request(let octets): self.response(to: octets)
        case .tooLong: Response.refused(.usage, "a request has at most \(limits.requestBytes) octets")
        }
      client.output = encoded(response)[...]
      // What the answer took is not the client's time.
      isOver = !client.send(hauberk_nanoseconds(), isFirst: true)
    }
    guard !isOver, !(client.hasEnded && client.output.isEmpty) else {
      close(client.descriptor)
      return
    }
    epoll.await(client.descriptor, isWriting: !client.output.isEmpty)
    clients[client.descriptor] = client
  }

  private func response(to octets: [UInt8]) -> Response {
    var jsonLimits = JSONLimits()
    jsonLimits.bytes = limits.requestBytes
    jsonLimits.depth = 4
    jsonLimits.values = 64
    do {
      return answer(try Request(json: JSONReader.read(octets, jsonLimits)))
    } catch let error as JSONFault {
      return .refused(.usage, "the request is no JSON: \(error)")
    } catch {
      return .refused(.usage, "not understood: \(error)")
    }
  }

  private func encoded(_ response: Response) -> [UInt8] {
    let octets = Array((response.json.line + "\n").utf8)
    guard octets.count > limits.answerBytes else { return octets }
    let sentence = "the answer has more than \(limits.answerBytes) octets: ask for fewer rows"
    return Array((Response.refused(.machine, sentence).json.line + "\n").utf8)
  }

  private func dropTheSlow(_ now: UInt64) {
    if let time = deafUntil, now >= time {
      deafUntil = epoll.add(listener.descriptor) ? nil : now + 1_000_000_000
    }
    for (descriptor, client) in clients {
      let limit = client.output.isEmpty ? limits.idleMilliseconds : limits.slowMilliseconds
      // The last progress may be later than the beginning of this turn.
      guard now > client.lastProgress + limit * 1_000_000 else { continue }
      clients[descriptor] = nil
      close(descriptor)
    }
  }
}

import CLI
import Console
import Foundation
import Synchronization

/// A control socket with a thread and a status of its own, for commands to ask.
final class TestedGateway: Sendable {
  let socket: String
  private let goesOn = Atomic<Bool>(true)
  private let isOver = DispatchSemaphore(value: 0)
  private let requests = Mutex<[Request]>([])
  static let routes = 2500

  init(_ folder: Folder) {
    socket = folder.path("control.sock")
    let isReady = DispatchSemaphore(value: 0)
    Thread.detachNewThread { [self] in
      do {
        let server = try ControlServer(path: socket) { [self] in answer($0) }
        isReady.signal()
        server.run { goesOn.load(ordering: .relaxed) }
      } catch { fatalError("\(error)") }
      isOver.signal()
    }
    isReady.wait()
  }

  func stop() {
    goesOn.store(false, ordering: .relaxed)
    isOver.wait()
  }

  var asked: [Request] { requests.withLock { $0 } }

  private var status: GatewayStatus {
    var status = GatewayStatus()
    status.state = .running
    status.process = 4711
    status.uptimeSeconds = Double(asked.count)
    status.configuration = "/etc/hauberk/gateway.yaml"
    status.ports = [PortStatus(), PortStatus()]
    for (index, side) in ["inside", "outside"].enumerated() {
      status.ports[index].side = side
      status.ports[index].received = TrafficStatus(packets: UInt64(1000 * asked.count), bytes: 64_000)
    }
    status.workers = [WorkerStatus()]
    status.drops = [DropStatus(reason: "replayed", meaning: "its sequence number was there before", packets: 7)]
    status.counters = [CounterStatus(name: "echoAnswered", meaning: "pings to the gateway", value: 40)]
    return status
  }

  private static var stories: [TraceStory] {
    var stories = [TraceStory](repeating: TraceStory(), count: 3)
    stories[0].time = 1.5
    stories[0].fate = .dropped
    (stories[0].reason, stories[0].meaning) = ("replayed", "it was there")
    (stories[1].came.source, stories[1].came.sourcePort, stories[1].came.destination) = ("10.0.0.2", 7, "10.0.0.3")
    stories[2].fate = .sealed
    return stories
  }

  private func answer(_ request: Request) -> Response {
    requests.withLock { $0.append(request) }
    switch request {
    case .status: return Response(status)
    case .show(.routes, let page):
      let all = (0..<Self.routes).map { number in
        RouteStatus("10.\(number / 256).\(number % 256).0/24", via: "10.0.0.1", interface: "inside", origin: "static")
      }
      return Response(Listing(all, page))
    case .show(.sas, let page):
      var sa = AssociationStatus()
      sa.name = "berlin"
      return Response(Listing([sa], page))
    case .show(.neighbours, let page): return Response(Listing([NeighbourStatus](), page))
    case .show(.config, _):
      var config = ConfigurationStatus()
      config.path = "/etc/hauberk/gateway.yaml"
      config.text = "it is right.\n"
      return Response(config)
    case .show(let what, let page): return Response(what, of: status, page)
    case .trace(_, let packets, let isFresh):
      // The first two at once, another later, and then nothing.
      let times = asked.count { if case .trace(_, 1..., _) = $0 { true } else { false } }
      if packets == 0 { return Response(TraceAnswer()) }
      let stories = isFresh ? Array(Self.stories[..<2]) : times == 2 || times == 4 ? [Self.stories[2]] : []
      return Response(TraceAnswer(stories: stories, left: packets - (times > 1 ? 3 : 2), untold: 3))
    case .reload: return .refused(.configuration, "gateway.yaml:3:7: there is no cipher 'rot13'")
    case .drain:
      var answer = DrainAnswer()
      answer.isDone = asked.count { $0 == .drain } > 1
      (answer.seconds, answer.refused) = (0.5, 3)
      if answer.isDone { goesOn.store(false, ordering: .relaxed) }
      return Response(answer)
    case .stop:
      goesOn.store(false, ordering: .relaxed)
      return Response(Done("stopping"))
    }
  }
}

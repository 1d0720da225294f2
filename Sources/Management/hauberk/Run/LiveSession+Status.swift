import CKernel
import CLI
import Config
import Console
import Contract
import Dataplane
import Glibc
import Memory
import Neighbours
import Wire

/// What a running gateway says of itself when it is asked.
extension LiveSession {
  func answer(_ request: Request) -> Response {
    switch request {
    case .status: return Response(status)
    case .show(let what, let page): return show(what, page)
    case .stop:
      stop()
      return Response(Done("stopping"))
    case .reload(let begins): return reload(begins: begins)
    case .trace(let wish, let packets, let isFresh):
      let now = hauberk_nanoseconds()
      guard let answer = trace.answer(wish, packets: packets, isFresh: isFresh, traceNames, now: now) else {
        return .refused(
          .machine, "somebody traces already: there is one trace at a time; end that one, or wait for its end")
      }
      return Response(answer)
    case .drain: return Response(drain())
    }
  }

  var metricsText: String { Metrics(status, associations(most: Metrics.mostAssociations)).text }

  private var status: GatewayStatus {
    var status = GatewayStatus()
    status.state = state
    status.process = Int(getpid())
    status.uptimeSeconds = Double(hauberk_nanoseconds() - started) / 1e9
    status.configuration = options.config
    status.personality = configuration.signer.map { "the key \($0)" }
    status.reloads = reloads
    status.polling = gateway.description.gateway.polling.rawValue
    status.engine = gateway.engineName
    status.cluster = membership?.status.line
    status.memory = "\(gateway.memory.arena.pages.rawValue), \(gateway.memory.arena.bytes >> 20) MiB of frames"
    status.workers = workers
    status.ports = portStatus
    status.associationCount = UInt64(gateway.associations.count)
    status.routeCount = UInt64(plan.routes.count)
    status.neighbourCount = UInt64(bridge.slow.snapshot(now: hauberk_nanoseconds()).neighbours.count)
    status.drops = drops
    status.counters = counters
    status.warnings =
      warnings + ports.sides.flatMap(\.warnings)
      + plan.unreachable.map {
        "no link leads to \($0.gateway.map { "\($0)" } ?? "nowhere"), the router for \($0.network)"
      }
    return status
  }

  private static let lost = DropReason.allCases.dropFirst().filter { !$0.isConsumption && $0 != .arp }

  var traceNames: TraceNames {
    TraceNames(gateway: gateway, hops: plan.hops) { [unowned self] in name(of: $0) }
  }

  private var plan: RoutePlan { bridge.plan }

  private var workers: [WorkerStatus] {
    gateway.counters.enumerated().map { number, counters in
      var worker = WorkerStatus()
      worker.number = number
      worker.processor = gateway.processors[number]
      worker.packets = counters.receivedPackets
      worker.bytes = counters.receivedBytes
      worker.bursts = counters.bursts
      let turns = counters.bursts + counters.idlePolls
      worker.idleShare = turns == 0 ? 1 : Double(counters.idlePolls) / Double(turns)
      worker.drops = Self.lost.reduce(0) { $0 + counters.drops($1) }
      return worker
    }
  }

  private var portStatus: [PortStatus] {
    gateway.description.gateway.ports.enumerated().map { index, port in
      var status = PortStatus()
      status.side = "\(port.side)"
      status.device = port.device
      status.method = ports.sides[index].words
      status.queues = gateway.description.gateway.workers
      status.hidesVLANTags = ports.sides[index].opened?.hidesVLANTags ?? false
      status.kernelDrops = kernelDrops(port.side)
      status.link =
        switch ports.sides[index].state {
        case .up: .up
        case .down: .down
        case .gone: .absent
        }
      status.mac = (port.mac ?? devices[index].mac).description
      status.mtu = devices[index].mtu
      let all = gateway.ports.map { port.side == .inside ? $0.inside.counters : $0.outside.counters }
      func sum(_ count: (PortCounters) -> UInt64) -> UInt64 { all.reduce(0) { $0 + count($1) } }
      func lost(_ isReceived: Bool) -> [(name: String, count: UInt64)] {
        PortDrop.allCases.filter { $0.isReceived == isReceived }.map { drop in (drop.name, sum { $0.drops(drop) }) }
          .filter { $0.1 > 0 }
      }
      let early = ports.droppedEarly(port.side)
      status.received = TrafficStatus(
        packets: sum(\.receivedPackets), bytes: sum(\.receivedBytes),
        drops: lost(true) + (early > 0 ? [("notMineEarly", early)] : []))
      status.finishedChecksums = sum(\.finishedChecksums)
      status.unfinishedChecksums = sum(\.unfinishedChecksums)
      status.sent = TrafficStatus(packets: sum(\.sentPackets), bytes: sum(\.sentBytes), drops: lost(false))
      return status
    }
  }

  /// What the kernel had for us and could not hand over, before any of it reached a worker.
  private func kernelDrops(_ side: Side) -> NamedCounts {
    var sum = XDPKernelCounts()
    for ports in gateway.ports {
      guard let counts = (side == .inside ? ports.inside : ports.outside).kernelCounts else { return NamedCounts() }
      sum.ringFull += counts.ringFull
      sum.noFrame += counts.noFrame
      sum.tooLong += counts.tooLong
      sum.badDescriptors += counts.badDescriptors
    }
    return NamedCounts([
      ("ringFull", sum.ringFull), ("noFrame", sum.noFrame), ("tooLong", sum.tooLong),
      ("badDescriptor", sum.badDescriptors),
    ])
  }

  private var drops: [DropStatus] {
    let early = Side.allCases.reduce(0) { $0 + ports.droppedEarly($1) }
    let list = Self.lost.compactMap { reason in
      let packets = gateway.counters.reduce(0) { $0 + $1.drops(reason) }
      return packets > 0 ? DropStatus(reason: reason.name, meaning: reason.meaning, packets: packets) : nil
    }
    guard early > 0 else { return list }
    // No worker has seen these.
    return list + [
      DropStatus(reason: "notMineEarly", meaning: "another member's, dropped before it came to us", packets: early)
    ]
  }

  private var counters: [CounterStatus] {
    // ARP is for the control thread, which a live gateway has.
    var list = ([.arp] + DropReason.allCases.filter(\.isConsumption)).map { reason in
      CounterStatus(
        name: reason.name, meaning: reason.meaning, value: gateway.counters.reduce(0) { $0 + $1.drops(reason) })
    }
    list.append(
      CounterStatus(
        name: "made", meaning: "packets out of nothing but another packet: fragments, answers",
        value: gateway.counters.reduce(0) { $0 + $1.madePackets }))
    list.append(
      CounterStatus(
        name: "released", meaning: "packets that were held, and received a second time when they were not any more",
        value: gateway.counters.reduce(0) { $0 + $1.releasedPackets }))
    list.append(
      CounterStatus(
        name: "injected", meaning: "frames of the control thread that workers were given to send",
        value: bridge.injected))
    list.append(
      CounterStatus(
        name: "unsent", meaning: "frames of the control thread that found no room on their way out",
        value: bridge.unsent))
    return list.filter { $0.value > 0 }
  }

  private func show(_ what: Shown, _ page: Page) -> Response {
    switch what {
    case .ports: Response(Listing(portStatus, page))
    case .workers: Response(Listing(workers, page))
    case .sas: Response(Listing(associations, page))
    case .routes: Response(Listing(routes, page))
    case .neighbours: Response(Listing(neighbours, page))
    case .drops: Response(Listing(drops, page))
    case .counters: Response(Listing(counters, page))
    case .config: Response(configurationStatus)
    case .cluster, .members, .work:
      membership.map { Response($0.status) }
        ?? .refused(.usage, "this gateway is alone: 'cluster.units' in its configuration would make it a member")
    }
  }

  private var associations: [AssociationStatus] { associations(most: .max) }

  private func associations(most: Int) -> [AssociationStatus] {
    let peers = Dictionary(
      gateway.description.classify.tunnels.map { ($0.name, "\($0.peer)") }, uniquingKeysWith: { first, _ in first })
    return gateway.associations.counters(most: most).map { sa in
      var status = AssociationStatus()
      status.name = sa.name
      status.spi = sa.spi
      status.direction = sa.direction.rawValue
      status.suite = sa.suite
      status.peer = peers[sa.name] ?? ""
      status.state = sa.isLost ? .stateLost : sa.isEnding ? .ending : .alive
      status.lostSets = sa.lostSets
      status.packets = sa.packets
      status.bytes = sa.bytes
      status.sequence = sa.sequence
      status.window = sa.window
      status.lost = sa.lost
      status.drops = NamedCounts(sa.drops)
      status.left = LifetimeLeft(seconds: sa.secondsLeft, packets: sa.packetsLeft, bytes: sa.bytesLeft)
      return status
    }
  }

  private var routes: [RouteStatus] {
    plan.routes.map { prefix, value in
      let hop = plan.hops[Int(value)]
      let interface = hop.kind == .unreachable ? nil : name(of: Int(hop.interface))
      let gateway: IPAddress? =
        hop.kind != .gateway
        ? nil
        : hop.isIPv6
          ? .v6(IPv6Address(high: hop.high, low: hop.low))
          : .v4(IPv4Address(UInt32(truncatingIfNeeded: hop.low)))
      let origin =
        switch hop.kind {
        case .local: "ours"
        case .onLink: "connected"
        case .gateway, .unreachable: "static"
        }
      return RouteStatus(prefix.description, via: gateway?.description, interface: interface, origin: origin)
    }
  }

  private var neighbours: [NeighbourStatus] {
    bridge.slow.snapshot(now: hauberk_nanoseconds()).neighbours.map { neighbour in
      NeighbourStatus(
        neighbour.address.description, interface: name(of: neighbour.interface), mac: neighbour.mac?.description,
        state: neighbour.state.name, ageSeconds: Double(neighbour.ageNanoseconds) / 1e9)
    }
  }

  private var configurationStatus: ConfigurationStatus {
    var status = ConfigurationStatus()
    status.path = options.config
    status.ageSeconds = Double(hauberk_nanoseconds() - configured) / 1e9
    let report = CheckReport(options.config, configuration, found: [])
    status.text = report.text
    status.content = report.json
    return status
  }
}

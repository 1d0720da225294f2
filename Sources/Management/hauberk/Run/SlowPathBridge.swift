import CKernel
import Contract
import Dataplane
import Membership
import Memory
import Neighbours
import Rings
import Wire

/// Carries what workers punt to the slow path, and what it wants done back to workers and tables.
struct SlowPathBridge {
  private let gateway: LiveGateway
  private(set) var plan: RoutePlan
  /// What numbers in packets meant that workers sent up just before the last reload: hops, and which interface is which
  /// by now; nil where there is none any more.
  private var before: (hops: [NextHop], interfaces: [Int?])?
  private let macs: [MACAddress]
  private(set) var slow: SlowPath
  private(set) var events: [SlowPathEvent] = []
  /// Frames that control could not send: none was free, or the worker's ring was full.
  private(set) var unsent: UInt64 = 0
  /// Frames that workers were given to send.
  private(set) var injected: UInt64 = 0
  /// Workers in turn: what control makes belongs to nobody.
  private var turn = 0
  private var woken: Set<Int> = []
  private var nextUse: UInt64 = 0

  init(_ gateway: LiveGateway, macs: [MACAddress]) {
    self.gateway = gateway
    self.macs = macs
    plan = RoutePlan(gateway.description.gateway)
    slow = SlowPath(
      gateway.description.gateway.interfaces, inside: macs[0], outside: macs[1], seed: .random(in: .min ... .max))
  }

  /// Before interfaces have other numbers, so that no packet goes to somebody's namesake on another link: workers ask for
  /// those neighbours, and what is known of them is said again by `adopt`.
  func letGo(for next: GatewayDescription, now: UInt64) {
    let numbers = Self.numbers(from: gateway.description.gateway, to: next)
    for neighbour in slow.snapshot(now: now).neighbours where numbers[neighbour.interface] != neighbour.interface {
      gateway.neighbours.forget(neighbour.address, interface: neighbour.interface)
    }
  }

  /// After a reload, which had that description before it.
  mutating func adopt(after old: GatewayDescription, now: UInt64) {
    let next = gateway.description.gateway
    before = (plan.hops, Self.numbers(from: old, to: next))
    plan = RoutePlan(next)
    carryOut(slow.replaceInterfaces(next.interfaces, inside: macs[0], outside: macs[1], now: now))
    wake()
  }

  private static func numbers(from old: GatewayDescription, to next: GatewayDescription) -> [Int?] {
    old.interfaces.map { before in
      next.interfaces.firstIndex { $0.side == before.side && $0.vlan == before.vlan }
    }
  }

  /// Whether this member says where the cluster's addresses are (X20).
  mutating func speak(forCluster isOn: Bool) { slow.answersForCluster = isOn }

  /// A few on each side, for a member that hears no other.
  var bystanders: [MembershipDesk.Bystander] {
    gateway.description.gateway.interfaces.indices.flatMap { index -> [MembershipDesk.Bystander] in
      let interface = gateway.description.gateway.interfaces[index]
      return slow.askable(on: index, most: Self.mostBystanders).map { found in
        MembershipDesk.Bystander(
          found.address, asker: found.asker, side: interface.side, vlan: interface.vlan, mac: found.mac)
      }
    }
  }

  private static let mostBystanders = 8

  /// What other members of a cluster may want to know of our neighbours.
  var acquaintances: [Acquaintance] {
    let interfaces = gateway.description.gateway.interfaces
    return slow.confirmedNeighbours.map { known in
      let interface = interfaces[known.interface]
      return Acquaintance(known.address, side: interface.side, vlan: interface.vlan, mac: known.mac)
    }
  }

  /// And what they have told us of theirs.
  mutating func learn(_ told: [Acquaintance], now: UInt64) {
    let interfaces = gateway.description.gateway.interfaces
    for one in told {
      guard let index = interfaces.firstIndex(where: { $0.side == one.side && $0.vlan == one.vlan }) else { continue }
      carryOut(slow.learn(fromMember: KnownNeighbour(interface: index, one.address, one.mac), now: now))
    }
    wake()
  }

  /// True: there may be more.
  mutating func takePunted(now: UInt64) -> Bool {
    var isMore = false
    for exchange in gateway.exchanges {
      var taken = 0
      while taken < 64, let ref = exchange.punted.dequeue() {
        take(ref, now: now)
        taken += 1
      }
      isMore = isMore || taken == 64
    }
    wake()
    return isMore
  }

  mutating func tick(now: UInt64) {
    if now >= nextUse {
      // Neighbours that packets go to are asked when their time is over, the others only much later.
      nextUse = now + 5_000_000_000
      gateway.neighbours.takeUsed { interface, address in slow.used(interface, address, now: now) }
    }
    guard let due = slow.nextTimer, due <= now else { return }
    carryOut(slow.tick(now: now))
    wake()
  }

  var nextTimer: UInt64? { slow.nextTimer }

  /// Whoever was at the other end of a link may be somebody else now.
  mutating func linkCameUp(_ side: Side, now: UInt64) { slow.linkCameUp(side, now: now) }

  mutating func takeEvents() -> [SlowPathEvent] {
    defer { events = [] }
    return events
  }

  private mutating func take(_ ref: PacketRef, now: UInt64) {
    let header = gateway.memory.header(of: ref).pointee
    let address = gateway.memory.address(of: ref)
    let frame = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(ref.length)))
    let reason = DropReason(rawValue: ref.verdict) ?? .none
    let isOpened = header.sequence & ControlExchange.openedBit != 0
    gateway.controlFrames.give(ref)
    let side = Side(rawValue: UInt8(truncatingIfNeeded: header.sequence)) ?? .inside
    var interface = interface(frame, side)
    var nextHop: IPAddress?
    var mtu = 0
    let cause: Punt
    switch reason {
    case .arp: cause = .notIP
    case .forUs: cause = .forUs
    case .hopLimitOver: cause = .hopLimit
    case .noRoute: cause = .noRoute
    case .tooBigForLink:
      cause = .tooBig
      mtu = hop(header).map { gateway.description.gateway.interfaces[$0.interface].mtu } ?? 0
    case .noNeighbour:
      cause = .noNeighbour
      guard let (hop, number) = hop(header) else { return }
      interface = number
      if hop.kind == .gateway {
        nextHop =
          hop.isIPv6
          ? .v6(IPv6Address(high: hop.high, low: hop.low))
          : .v4(IPv4Address(UInt32(truncatingIfNeeded: hop.low)))
      }
    default: return
    }
    // What came out of a tunnel is answered from inside, or no policy would take the answer back into it.
    if isOpened, cause != .noNeighbour { interface = inside(near: interface) }
    guard let interface else { return }
    carryOut(
      slow.receive(
        frame, interface: interface, cause: cause, nextHop: nextHop, mtu: mtu, isOpened: isOpened,
        isPassedOn: isFromMember(frame, side), now: now))
  }

  private func isFromMember(_ frame: [UInt8], _ side: Side) -> Bool {
    guard let cluster = gateway.cluster, frame.count >= EthernetView.length else { return false }
    return cluster.isUnit(frame[6..<12].reduce(0) { $0 << 8 | UInt64($1) }, side)
  }

  private func inside(near interface: Int?) -> Int? {
    let interfaces = gateway.description.gateway.interfaces
    if let interface, interfaces[interface].side == .inside { return interface }
    return interfaces.firstIndex { $0.side == .inside && !$0.addresses.isEmpty } ?? interface
  }

  /// The next hop of a packet, and the interface that it is on by now.
  private func hop(_ header: FrameHeader) -> (NextHop, interface: Int)? {
    let generation = UInt32(truncatingIfNeeded: header.sequence >> ControlExchange.generationShift)
    let number = Int(header.action)
    if generation == gateway.routeGeneration {
      return plan.hops.indices.contains(number) ? (plan.hops[number], Int(plan.hops[number].interface)) : nil
    }
    guard generation &+ 1 == gateway.routeGeneration, let before, before.hops.indices.contains(number),
      let interface = before.interfaces[Int(before.hops[number].interface)]
    else { return nil }
    return (before.hops[number], interface)
  }

  /// The port's own, or that of the frame's VLAN; nil where there is none.
  private func interface(_ frame: [UInt8], _ side: Side) -> Int? {
    var vlan: UInt16?
    if frame.count >= 18, frame[12] == 0x81, frame[13] == 0 { vlan = UInt16(frame[14] & 0xf) << 8 | UInt16(frame[15]) }
    if vlan == 0 { vlan = nil }
    return gateway.description.gateway.interfaces.firstIndex { $0.side == side && $0.vlan == vlan }
  }

  private mutating func carryOut(_ directives: [Directive]) {
    for directive in directives {
      switch directive {
      case .send(let frame, let interface):
        inject(frame, gateway.description.gateway.interfaces[interface].side == .inside ? .inside : .outside)
      case .route(let packet): inject(linkHeader(packet) + packet, .route)
      case .forward(let packet): inject(linkHeader(packet) + packet, .forward)
      case .neighbour(let interface, let address, let mac):
        if !gateway.learn(address, interface: interface, mac) { unsent += 1 }
      case .forget(let interface, let address): gateway.neighbours.forget(address, interface: interface)
      case .event(let event): events.append(event)
      }
    }
  }

  /// As if it had come to us from inside.
  private func linkHeader(_ packet: [UInt8]) -> [UInt8] {
    let mac = gateway.description.classify.accept?.unitMAC.value ?? 0
    let octets = (0..<6).map { UInt8(truncatingIfNeeded: mac >> UInt64(40 - 8 * $0)) }
    let isIPv6 = packet.first.map { $0 >> 4 == 6 } ?? false
    return octets + octets + (isIPv6 ? [0x86, 0xdd] : [0x08, 0x00])
  }

  private mutating func inject(_ frame: [UInt8], _ way: Injection) {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard !frame.isEmpty, gateway.controlFrames.take(length: frame.count, &ref) else {
      unsent += 1
      return
    }
    frame.withUnsafeBytes { gateway.memory.address(of: ref).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    gateway.memory.header(of: ref).pointee = FrameHeader()
    ref.judgement = Judgement(workSet: 0, verdict: way.rawValue)
    turn = (turn + 1) % gateway.exchanges.count
    guard gateway.exchanges[turn].injected.enqueue(&ref, 1) == 1 else {
      gateway.controlFrames.give(ref)
      unsent += 1
      return
    }
    injected += 1
    woken.insert(turn)
  }

  private mutating func wake() {
    for worker in woken { gateway.exchanges[worker].wakeWorker() }
    woken = []
  }
}

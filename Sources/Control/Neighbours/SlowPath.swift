public import Contract
import ControlKit
public import Wire

/// What a gateway does besides forwarding: it finds its neighbours and is found by them (ARP, ND), answers pings, and
/// tells senders why their packets went no further (ICMP). Frames and moments go in, directives come out; it reaches
/// no socket, clock or randomness, so every rule of it can be tested by its octets.
///
/// Moments are nanoseconds of a clock that never goes back.
public struct SlowPath: Sendable {
  let limits: SlowPathLimits
  var interfaces: [LocalInterface]
  var own: OwnAddresses
  var table: NeighbourTable
  var allowed: AnswerLimits
  /// By interface.
  var reports: [Reports]
  var reportJitter: Jitter
  var jitter: Jitter
  var now: UInt64 = 0
  public internal(set) var heldPackets = 0
  /// Whether we answer for the cluster's addresses (X20).
  public var answersForCluster = false
  var identification: UInt16

  var received: UInt64 = 0
  var suppressedEvents: UInt64 = 0
  var fates = Tally<Fate>()
  var sent = Tally<Sent>()
  private var directives: [Directive] = []

  /// `seed` should be of chance: it keeps others from guessing whose allowances meet.
  public init(
    _ interfaces: [InterfaceDescription], inside: MACAddress, outside: MACAddress,
    limits: SlowPathLimits = SlowPathLimits(), seed: UInt64
  ) {
    self.limits = limits
    self.interfaces = interfaces.map { LocalInterface($0, mac: $0.side == .inside ? inside : outside) }
    own = OwnAddresses(self.interfaces)
    table = NeighbourTable(most: max(1, limits.neighbours))
    allowed = AnswerLimits(limits, seed: seed)
    reports = self.interfaces.map { _ in Reports() }
    reportJitter = Jitter(seed: mix(mix(seed)))
    jitter = Jitter(seed: mix(seed))
    identification = UInt16(truncatingIfNeeded: mix(~seed))
  }

  /// A packet that a worker did not send on.
  ///
  /// - Parameters:
  ///   - frame: the whole Ethernet frame, with its VLAN tag or without. Behind `noNeighbour` only the IP packet counts,
  ///     which leaves as it is: its hop limit is lowered already.
  ///   - interface: where it came in; behind `noNeighbour`, where it is to go out.
  ///   - nextHop: behind `noNeighbour`, who has to be found; nil is the packet's destination.
  ///   - mtu: behind `tooBig`, what would have fitted.
  ///   - isOpened: it came out of a tunnel, so answers have to be routed back into it.
  ///   - isPassedOn: it comes from another member's MAC address, so answers are for somebody else (C22.1).
  public mutating func receive(
    _ frame: [UInt8], interface: Int, cause: Punt, nextHop: IPAddress? = nil, mtu: Int = 0, isOpened: Bool = false,
    isPassedOn: Bool = false, now: UInt64
  ) -> [Directive] {
    advance(to: now)
    received &+= 1
    let arrival = Arrival(interface: interface, isOpened: isOpened, isPassedOn: isPassedOn)
    let fate = withBytes(frame) { judge($0, arrival, cause, nextHop: nextHop, mtu: mtu) }
    if let fate { fates.count(fate) }
    return takeDirectives()
  }

  /// To be called at `nextTimer`, or later. What is due and did not fit into this call is due at once.
  public mutating func tick(now: UInt64) -> [Directive] {
    advance(to: now)
    for _ in 0..<limits.deadlinesPerTick {
      guard let nextTimer, nextTimer <= self.now else { break }
      if let deadline = own.nextDeadline, deadline.moment == nextTimer {
        speakOf(deadline.slot)
      } else if let due = nextReport, due.moment == nextTimer {
        report(due.interface)
      } else if let deadline = table.nextDeadline {
        lookAt(deadline.slot)
      }
    }
    return takeDirectives()
  }

  public var nextTimer: UInt64? {
    [own.nextDeadline?.moment, table.nextDeadline?.moment, nextReport?.moment].compactMap { $0 }.min()
  }

  /// The fate, or nil while the packet is held.
  private mutating func judge(
    _ bytes: Bytes, _ arrival: Arrival, _ cause: Punt, nextHop: IPAddress?, mtu: Int
  ) -> Fate? {
    guard interfaces.indices.contains(arrival.interface) else { return .unknownInterface }
    guard let frame = ReceivedFrame(bytes) else { return .malformed }
    var arrival = arrival
    // The link header of a packet that was opened or routed says nothing any more.
    if cause != .noNeighbour, !arrival.isOpened {
      guard !frame.source.isGroup, frame.source != .zero else { return .groupSender }
      guard frame.source != interfaces[arrival.interface].mac else { return .looped }
      arrival.sender = frame.source
      arrival.isToGroup = frame.destination.isGroup && frame.destination != interfaces[arrival.interface].sharedMAC
    }
    if cause == .notIP {
      guard frame.type == EtherType.arp, !arrival.isOpened else { return .unsupported }
      return receiveARP(frame, arrival.interface)
    }
    guard frame.type == EtherType.ipv4 || frame.type == EtherType.ipv6 else { return .unsupported }
    guard let packet = ReceivedPacket(frame.payload), packet.isIPv6 == (frame.type == EtherType.ipv6) else {
      return .malformed
    }
    guard packet.isHeaderSound else { return .checksum }
    switch cause {
    case .notIP, .forUs: return receiveForUs(packet, arrival)
    case .noNeighbour: return resolve(packet, arrival.interface, nextHop ?? packet.destination)
    case .hopLimit: return refuse(packet, .hopLimit, arrival)
    case .tooBig: return refuse(packet, .tooBig(mtu: mtu), arrival)
    case .noRoute: return refuse(packet, .noRoute, arrival)
    case .prohibited: return refuse(packet, .prohibited, arrival)
    }
  }

  // What the other files use

  mutating func advance(to moment: UInt64) {
    // Far from the end of all numbers, so that deadlines need no care.
    now = max(now, min(moment, .max / 2))
  }

  mutating func takeDirectives() -> [Directive] {
    let taken = directives
    directives = []
    return taken
  }

  mutating func direct(_ directive: Directive) { directives.append(directive) }

  mutating func send(_ kind: Sent, _ frame: [UInt8], _ interface: Int) {
    sent.count(kind)
    directives.append(.send(frame: frame, interface: interface))
  }

  /// Events are for people: a flood of them is counted, not told.
  mutating func tell(_ event: SlowPathEvent) {
    if allowed.mayTell(now: now) { directives.append(.event(event)) } else { suppressedEvents &+= 1 }
  }
}

/// Where a packet came from, and so where an answer goes.
struct Arrival {
  var interface: Int
  var isOpened: Bool
  /// Nil where an answer has to be routed.
  var sender: MACAddress?
  var isToGroup = false
  /// By another member: the sender is that one, and not whom an answer is for.
  var isPassedOn: Bool

  init(interface: Int, isOpened: Bool = false, isPassedOn: Bool = false) {
    self.interface = interface
    self.isOpened = isOpened
    self.isPassedOn = isPassedOn
  }
}

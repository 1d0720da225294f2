import CKernel
import CLI
import Contract
import Dataplane
import Wire

/// What one client wants to know of packets, and what workers have told so far.
struct LiveTrace {
  private let gateway: LiveGateway
  private var left = 0
  private var untoldBefore: UInt64 = 0
  private var stories: [TraceStory] = []
  private var lastAsked: UInt64 = 0

  /// A client asks ten times a second: one that does not has gone.
  private static let patience: UInt64 = 5_000_000_000

  init(_ gateway: LiveGateway) { self.gateway = gateway }

  private var isOn: Bool { left > 0 }

  /// Nil: somebody else traces, and asks for what comes.
  mutating func answer(
    _ wish: TraceWish, packets: Int, isFresh: Bool, _ names: TraceNames, now: UInt64
  ) -> TraceAnswer? {
    if isFresh, packets > 0, isOn, now < lastAsked + Self.patience { return nil }
    lastAsked = now
    if isFresh {
      if isOn || packets == 0 { end() }
      guard packets > 0 else { return TraceAnswer() }
      left = packets
      stories = []
      untoldBefore = gateway.untraced
      gateway.beginTrace(
        TraceFilter(from: wish.from, to: wish.to, spi: wish.spi, protocolNumber: wish.protocolNumber),
        packets: packets)
    }
    collect(names)
    defer { stories = [] }
    return TraceAnswer(stories: stories, left: left, untold: gateway.untraced - untoldBefore)
  }

  /// To be called often: the workers' rings are short.
  mutating func turn(now: UInt64, _ names: () -> TraceNames) {
    guard isOn else { return }
    collect(names())
    if now > lastAsked + Self.patience { end() }
  }

  private mutating func collect(_ names: TraceNames) {
    guard isOn else { return }
    for record in gateway.takeTraced(most: left) {
      stories.append(names.story(of: record))
      left -= 1
    }
    if left == 0 { gateway.endTrace() }
  }

  private mutating func end() {
    gateway.endTrace()
    left = 0
    stories = []
  }
}

/// What a record's numbers stand for, as long as one configuration is in force.
struct TraceNames {
  let gateway: LiveGateway
  let hops: [NextHop]
  let interfaceName: (Int) -> String

  func story(of record: TraceRecord) -> TraceStory {
    var story = TraceStory()
    story.time = Double(record.seconds) + Double(record.microseconds) / 1e6
    story.origin = "\(record.origin)"
    story.device = device(record.origin)
    story.worker = Int(record.worker)
    if record.crossedFrom != TraceRecord.ownWorker { story.crossedFrom = Int(record.crossedFrom) }
    story.came = headers(record.came)
    let verdict = record.verdict
    story.takenBy = taker(record)
    story.fate = fate(record)
    if verdict != .none {
      story.reason = verdict.name
      story.meaning = verdict.meaning
    }
    if record.origin != .control || record.kind != .none, record.workSet != 0 || story.takenBy != nil {
      story.workSet = record.workSet
    }
    if story.fate == .sealed || story.fate == .opened { story.left = headers(record.left) }
    story.made = record.made
    if record.exit != TraceRecord.noExit { story.exit = exit(record) }
    // A frame of control's making knows its neighbour's MAC address alone.
    if record.exit != TraceRecord.noExit && story.fate != .made || verdict == .noNeighbour {
      story.nextHop = gateway.nextHop(of: record, hops)?.address.description
    }
    if verdict == .passedOn { story.nextHop = "unit \(record.hop)" }
    return story
  }

  private func device(_ origin: TraceRecord.Origin) -> String? {
    let side: Side? =
      switch origin {
      case .inside: .inside
      case .outside: .outside
      case .control: nil
      }
    return gateway.description.gateway.ports.first { $0.side == side }?.device
  }

  private func exit(_ record: TraceRecord) -> String? {
    if record.left.vlan == 0 || gateway.nextHop(of: record, hops) == nil {
      return gateway.description.gateway.ports.first { $0.side.rawValue == record.exit }?.device
    }
    return gateway.nextHop(of: record, hops).map { interfaceName($0.interface) }
  }

  private func taker(_ record: TraceRecord) -> StoryTaker? {
    if record.kind == .seal || record.kind == .open {
      return gateway.association(of: record).map {
        StoryTaker(kind: $0.kind, name: $0.name, spi: $0.spi, suite: $0.suite)
      }
    }
    return gateway.policy(of: record).map {
      StoryTaker(
        kind: "policy", name: "\($0.number + 1) (\($0.policy.source) > \($0.policy.destination), \($0.policy.action))")
    }
  }

  private func fate(_ record: TraceRecord) -> PacketFate {
    let verdict = record.verdict
    if record.isPunted { return .punted }
    if verdict.isConsumption { return .consumed }
    if verdict != .none { return .dropped }
    switch record.kind {
    case .seal: return .sealed
    case .open: return .opened
    default: return record.origin == .control ? .made : .forwarded
    }
  }

  private func headers(_ from: TracedHeaders) -> StoryHeaders {
    var headers = StoryHeaders()
    headers.length = from.length
    headers.source = from.source?.description
    headers.destination = from.destination?.description
    if from.vlan != 0 { headers.vlan = from.vlan }
    headers.isFragment = from.isFragment
    if from.hasSPI {
      headers.spi = from.spi
      headers.sequence = from.sequence
    }
    if from.hasPorts {
      headers.sourcePort = from.sourcePort
      headers.destinationPort = from.destinationPort
    }
    if from.etherType == EtherType.arp {
      headers.protocol = "ARP"
    } else if from.hasAddresses {
      headers.protocol = IPProtocol.name(of: from.protocolNumber)
    } else {
      headers.protocol = "EtherType 0x\(String(from.etherType, radix: 16))"
    }
    return headers
  }
}

import Cluster
import ControlKit
import Wire

/// A whole cluster on one thread: units, wires, what goes wrong, and who looks whether the rules hold.
public struct Simulation {
  enum Event {
    case timer(Int, generation: UInt64)
    case message(to: Int, Message, Envelope)
    case octets(to: Int, [UInt8])
    case probe(to: Int, from: Int, wire: Int)
    case answer(to: Int, from: Int)
    case heard(Int)
    case ended(Int, WorkSetBitmap, incarnation: UInt64)
    case noting(Int, WorkSetBitmap, incarnation: UInt64)
    case holding(Int, WorkSetBitmap, incarnation: UInt64)
    case packet
    case hosts
    case waited(Int, HostPacket)
    case begin(Int)
    case end(Int)
    case look
    case rest
    case measure(Int)
    case link(Int)
  }

  let scenario: Scenario
  var units: [SimulatedUnit] = []
  var queue = EventQueue<Event>()
  var chance: Jitter
  var now: Moment = 0
  var wires = Wires(1)
  var excuses: Excuses
  var outcome = Outcome()
  let isTold: Bool
  var outage: Outage?
  let ledger = Ledger()
  var stream = PacketStream()
  var hostStream = PacketStream()
  /// What the master's table was when everything had to be at rest.
  var rest: (term: UInt64, version: UInt64)?

  public static func run(_ scenario: Scenario, isTold: Bool = false, isDrawn: Bool = false) -> Outcome {
    var simulation = Simulation(scenario, isTold: isTold)
    if isDrawn { simulation.outcome.timeline = Timeline(scenario) }
    return simulation.run()
  }

  /// The same, and where it fails once more with every step told.
  public static func judge(_ scenario: Scenario) -> Outcome {
    let outcome = run(scenario)
    return outcome.isGood ? outcome : run(scenario, isTold: true)
  }

  init(_ scenario: Scenario, isTold: Bool) {
    self.scenario = scenario
    self.isTold = isTold
    chance = Jitter(seed: mix(scenario.seed))
    wires = Wires(scenario.wires)
    excuses = Excuses(members: scenario.members)
    wires.rifts = Array(
      repeating: Array(repeating: false, count: scenario.members * scenario.members), count: scenario.wires)
    wires.cuts = Array(repeating: false, count: scenario.members * scenario.members)
    for number in 0..<scenario.members {
      let drift = Int64(chance.between(0, 2 * scenario.mostDriftPerMillion + 1)) - Int64(scenario.mostDriftPerMillion)
      let clock = SimulatedClock(offset: chance.between(.second, 1000 * .second), driftPerMillion: drift)
      units.append(
        SimulatedUnit(
          clock: clock, control: control(number, incarnation: 1), gate: gate(number), wires: scenario.wires,
          load: SimulatedLoad(over: scenario.profile.measuredOver)))
      if scenario.loads != nil { queue.add(.measure(number), at: UInt64(number) * .millisecond) }
    }
    for fault in scenario.faults.indices {
      queue.add(.begin(fault), at: scenario.faults[fault].begin)
      queue.add(.end(fault), at: scenario.faults[fault].end)
    }
    if scenario.hostsSend != nil { queue.add(.hosts, at: Scenario.settled) }
    queue.add(.look, at: scenario.calm)
    queue.add(.rest, at: scenario.end - min(scenario.end, scenario.rest))
  }

  private func control(_ number: Int, incarnation: UInt64) -> ClusterUnit {
    func unit(_ number: Int) -> UnitDescription {
      // The lowest address is not the lowest number's.
      let host = UInt32((number * 37 + 11) % 64 + 1)
      return UnitDescription(number: MemberNumber(number), address: .v4(IPv4Address(0x0a00_0000 + host)))
    }
    return ClusterUnit(
      ClusterDescription(
        own: unit(number), incarnation: incarnation, others: (0..<scenario.members).map(unit),
        certificate: [UInt8(number)], profile: scenario.profile, balance: scenario.loads == nil ? .sets : .packets),
      applications: [SimulatedApplication(ledger)], seed: mix(scenario.seed ^ incarnation))
  }

  static let cluster: UInt64 = 0x6861_7562_6572_6b01

  private func gate(_ number: Int) -> Gate {
    var gate = Gate(
      cluster: Self.cluster, own: UInt16(number),
      limits: Gate.Limits(
        // These wires show a unit what is for it, and not all the watchwords that there are in between.
        perSender: Rate(5000, burst: 2000), unproven: Rate(5000, burst: 2000), bulkTypes: Message.bulk))
    for other in 0..<scenario.members where other != number { gate.know(UInt16(other)) }
    return gate
  }

  mutating func run() -> Outcome {
    for unit in units.indices {
      let first = units[unit].control.start(now: units[unit].clock.local(0))
      perform(first, unit)
    }
    while let next = queue.nextMoment, next <= scenario.end, outcome.violations.isEmpty {
      guard let (moment, event) = queue.takeFirst() else { break }
      now = moment
      outcome.events += 1
      happen(event)
      if let from = scenario.measuredFrom, now >= from { measure() }
      if outcome.timeline != nil { draw() }
    }
    if outcome.isGood { judgeTheEnd() }
    if outage != nil { endOutage() }
    outcome.timeline?.end(at: now)
    outcome.statesSent = ledger.sent
    outcome.statesTaken = ledger.taken
    outcome.packets = Int(stream.count)
    outcome.packetsLost = stream.lost
    return outcome
  }

  private mutating func happen(_ event: Event) {
    switch event {
    case .timer(let unit, let generation):
      guard units[unit].timer == generation, units[unit].state == .running else { return }
      units[unit].timerMoment = nil
      hearHosts(unit)
      let directives = units[unit].control.tick(now: units[unit].clock.local(now))
      perform(directives, unit)
    case .message(let unit, let message, let envelope): arrive(.message(message, envelope), unit)
    case .octets(let unit, let octets): arrive(.octets(octets), unit)
    case .probe(let unit, let from, let wire): arrive(.probe(from: from, wire: wire), unit)
    case .answer(let unit, let from): arrive(.happening(.answered(MemberNumber(from))), unit)
    case .heard(let unit): arrive(.happening(.heard), unit)
    case .ended(let unit, let sets, let incarnation):
      guard units[unit].incarnation == incarnation else { return }
      arrive(.ended(sets), unit)
    case .noting(let unit, let sets, let incarnation):
      guard units[unit].incarnation == incarnation else { return }
      arrive(.noting(sets), unit)
    case .holding(let unit, let sets, let incarnation):
      guard units[unit].incarnation == incarnation else { return }
      arrive(.holding(sets), unit)
    case .packet: sendPacket()
    case .hosts: sendHostPackets()
    case .waited(let unit, let packet): workAtLast(packet, unit)
    case .begin(let fault): begin(scenario.faults[fault])
    case .end(let fault): end(scenario.faults[fault])
    case .look: look()
    case .rest: rest = newestTable
    case .measure(let unit): measureLoad(unit)
    case .link(let unit): tellLinks(unit)
    }
  }

  /// Something comes to a unit, which may not be able to take it now.
  private mutating func arrive(_ pending: SimulatedUnit.Pending, _ unit: Int) {
    switch (units[unit].state, pending) {
    case (.dead, _): return
    case (.running, _): take(pending, unit)
    case (.frozen, .probe(let from, let wire)): answer(from, unit, wire)
    case (.frozen, .ended(let sets)):
      units[unit].waiting.append(.happening(.stopped(sets, units[unit].end(sets))))
    case (.frozen, .noting(let sets)):
      units[unit].beginNoting(sets)
      units[unit].waiting.append(.happening(.noting(sets)))
    case (.frozen, .holding(let sets)):
      units[unit].beginHolding(sets)
      units[unit].waiting.append(.happening(.holding(sets)))
    case (.paused, let pending) where !pending.isOwn: return
    default:
      if units[unit].waiting.count < SimulatedUnit.mostWaiting { units[unit].waiting.append(pending) }
    }
  }

  mutating func take(_ pending: SimulatedUnit.Pending, _ unit: Int) {
    let local = units[unit].clock.local(now)
    switch pending {
    case .message(let message, let envelope):
      guard units[unit].gate.admit(envelope, by: Stamp(), now: local) else { return }
      units[unit].gate.commit(envelope)
      if isTold { tell("\(envelope.sender) → \(unit) \(Self.brief(message)) term \(Self.term(envelope.term))") }
      let read = message.read(by: MemberNumber(unit), units[unit].incarnation)
      perform(units[unit].control.receive(read, in: envelope, now: local), unit)
    case .octets(let octets):
      guard let sealed = units[unit].gate.judge(octets, by: Stamp(), now: local) else { return }
      guard let message = Message(sealed.payload, in: sealed.envelope) else {
        return outcome.violations.append("signed well, and not understood: type \(sealed.envelope.type)")
      }
      if isTold {
        tell("\(sealed.envelope.sender) → \(unit) \(Self.brief(message)) term \(Self.term(sealed.envelope.term))")
      }
      let read = message.read(by: MemberNumber(unit), units[unit].incarnation)
      perform(units[unit].control.receive(read, in: sealed.envelope, now: local), unit)
    case .happening(let happening): perform(units[unit].control.receive(happening, now: local), unit)
    case .probe(let from, let wire): answer(from, unit, wire)
    case .ended(let sets):
      perform(units[unit].control.receive(.stopped(sets, units[unit].end(sets)), now: local), unit)
    case .noting(let sets):
      units[unit].beginNoting(sets)
      perform(units[unit].control.receive(.noting(sets), now: local), unit)
    case .holding(let sets):
      units[unit].beginHolding(sets)
      perform(units[unit].control.receive(.holding(sets), now: local), unit)
    }
  }

  /// The unit begins a new life: nothing is left of the old one.
  mutating func restart(_ unit: Int) {
    units[unit].incarnation += 1
    units[unit].sequence = 0
    units[unit].watchwords = Watchwords()
    units[unit].control = control(unit, incarnation: units[unit].incarnation)
    units[unit].gate = gate(unit)
    units[unit].state = .running
    units[unit].clear()
    if isTold { tell("\(unit) begins life \(units[unit].incarnation)") }
    let first = units[unit].control.start(now: units[unit].clock.local(now))
    perform(first, unit)
    units[unit].isKnownMissing = units[unit].isMissing.map { _ in false }
    tellLinks(unit)
  }
}

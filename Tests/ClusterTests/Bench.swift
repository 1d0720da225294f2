import Contract
import ControlKit
import Wire

@testable import Cluster

/// One unit at a time that the test makes pass. It is number 2 of four; unit 1 has a lower address, 3 and 4 have higher
/// ones. Its segment is never silent, unless the test says so.
struct Bench {
  static let own: MemberNumber = 2
  static let incarnation: UInt64 = 9
  static let millisecond = Nanoseconds.millisecond

  var unit: ClusterUnit
  var now: Moment = 1000 * .second
  var isQuiet = false
  private var numbers: [MemberNumber: UInt64] = [:]

  init(
    _ applications: [any Application] = [], incarnation: UInt64 = Bench.incarnation, configuration: UInt64 = 0,
    balance: ClusterDescription.Balance = .sets
  ) {
    unit = ClusterUnit(
      ClusterDescription(
        own: Self.description(Self.own), incarnation: incarnation, others: [1, 3, 4].map(Self.description),
        configuration: configuration, certificate: [2], balance: balance), applications: applications, seed: 5)
    _ = unit.start(now: now)
  }

  static func description(_ number: MemberNumber) -> UnitDescription {
    UnitDescription(number: number, address: .v4(IPv4Address(0x0a00_0000 + UInt32(number))))
  }

  static func term(_ count: UInt64, of unit: MemberNumber) -> UInt64 { count << 8 | UInt64(unit) }

  // Time

  mutating func pass(_ duration: Nanoseconds) -> [Directive] {
    let end = now + duration
    var all: [Directive] = []
    while let next = unit.nextTimer, next <= end {
      now = max(now + 1, next)
      if !isQuiet { all += unit.receive(.heard, now: now) }
      all += unit.tick(now: now)
    }
    now = end
    if !isQuiet { all += unit.receive(.heard, now: now) }
    return all
  }

  /// Nothing runs meanwhile, and then everything at once.
  mutating func standStill(_ duration: Nanoseconds) { now += duration }

  // What comes

  mutating func receive(
    _ message: Message, from sender: MemberNumber, term: UInt64 = 0, incarnation: UInt64 = 7
  ) -> [Directive] {
    unit.receive(
      message,
      in: Envelope(
        type: message.type, sender: UInt16(sender), cluster: 1, term: term, incarnation: incarnation, sequence: 1),
      now: now)
  }

  mutating func nextNumber(of unit: MemberNumber) -> UInt64 {
    numbers[unit, default: 0] += 1
    return numbers[unit, default: 0]
  }

  /// A master's word, which by default knows us and has heard us just now.
  mutating func masterKeepalive(
    from master: MemberNumber, term: UInt64, members: [MemberNumber] = [Bench.own], echo: Moment? = nil,
    deputy: MemberNumber? = nil, roster: UInt64 = 2, live: UInt8 = 2, n: UInt8 = 2, incarnation: UInt64 = 7,
    table: UInt64 = 1
  ) -> [Directive] {
    let entries = members.map {
      MasterKeepalive.Entry(
        unit: $0, incarnation: $0 == Self.own ? Self.incarnation : 7, echo: $0 == Self.own ? echo ?? now : 1, sets: 0)
    }
    return receive(
      .masterKeepalive(
        MasterKeepalive(
          number: nextNumber(of: master), stamp: now, n: n, live: live, roster: roster, deputy: deputy,
          tableVersion: table, members: entries)), from: master, term: term, incarnation: incarnation)
  }

  /// A member's word, at the moment that it says.
  mutating func keepalive(
    from member: MemberNumber, stamp: Moment? = nil, roster: UInt64? = nil, running: WorkSetBitmap = WorkSetBitmap(),
    version: UInt64? = nil, isDraining: Bool = false, incarnation: UInt64 = 7
  ) -> [Directive] {
    receive(
      .keepalive(
        Keepalive(
          number: nextNumber(of: member), stamp: stamp ?? now, roster: roster ?? rosterVersion, tableTerm: unit.term,
          tableVersion: version ?? unit.tableVersion.version, loss: 0, isDraining: isDraining, running: running)),
      from: member, term: unit.term, incarnation: incarnation)
  }

  var rosterVersion: UInt64 { if case .master(let master) = unit.role { master.roster } else { 0 } }
  var table: OwnershipTable { unit.snapshot(now: now).table }
  var role: ClusterSnapshot.Role { unit.snapshot(now: now).role }

  // Ready-made

  /// Alone, and the master.
  static func master(
    _ applications: [any Application] = [], balance: ClusterDescription.Balance = .sets
  ) -> Bench {
    var bench = Bench(applications, balance: balance)
    _ = bench.pass(2 * .second)
    return bench
  }

  /// A member of unit 1's cluster, whose deputy it is.
  static func client(_ applications: [any Application] = [], deputy: MemberNumber? = Bench.own) -> Bench {
    var bench = Bench(applications)
    _ = bench.pass(200 * millisecond)
    _ = bench.receive(
      .joinAnswer(JoinAnswer(echo: bench.now, verdict: .welcome(roster: 2, table: 0))), from: 1, term: term(1, of: 1))
    _ = bench.masterKeepalive(from: 1, term: term(1, of: 1), deputy: deputy)
    return bench
  }

  /// Asks to be let in, and is.
  mutating func admit(_ member: MemberNumber, incarnation: UInt64 = 7) -> [Directive] {
    var all = receive(
      .joinRequest(JoinRequest(stamp: now, configuration: 0, certificate: [member])), from: member,
      incarnation: incarnation)
    now += 1
    all += keepalive(from: member, incarnation: incarnation)
    return all
  }
}

extension [Directive] {
  func messages(to unit: MemberNumber? = nil) -> [Message] {
    compactMap { if case .send(let message, let to, _) = $0, to == unit { message } else { nil } }
  }
  var events: [ClusterEvent] { compactMap { if case .event(let event) = $0 { event } else { nil } } }
  var leases: [Moment] { compactMap { if case .lease(let until) = $0 { until } else { nil } } }
  var started: WorkSetBitmap {
    reduce(into: WorkSetBitmap()) { if case .start(let sets) = $1 { $0.formUnion(sets) } }
  }
  var stopped: WorkSetBitmap {
    reduce(into: WorkSetBitmap()) { if case .stop(let sets) = $1 { $0.formUnion(sets) } }
  }
  var given: WorkSetBitmap {
    reduce(into: WorkSetBitmap()) { if case .give(let sets) = $1 { $0.formUnion(sets) } }
  }
  var parts: [ConsignmentPart] {
    compactMap { if case .send(.part(let part), _, _) = $0 { part } else { nil } }
  }
  var tables: [OwnershipTable] { messages().compactMap { if case .table(let table) = $0 { table } else { nil } } }
}

/// Says what it is told to say, and remembers what it is told.
final class Witness: Application {
  var opinions: [MemberNumber: Opinion] = [:]
  var told: [String] = []
  var states: [Int: [UInt8]] = [:]
  var taken: [Int: [UInt8]] = [:]

  func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion { opinions[unit] ?? .welcome }
  func joined(_ unit: MemberNumber) { told.append("+\(unit)") }
  func left(_ unit: MemberNumber) { told.append("-\(unit)") }
  func state(of set: Int) -> [UInt8]? { states[set] }
  func take(_ state: [UInt8], of set: Int) { taken[set] = state }
  var begun: [Beginning: WorkSetBitmap] = [:]
  func begin(_ sets: WorkSetBitmap, _ how: Beginning) { begun[how, default: WorkSetBitmap()].formUnion(sets) }
}

extension Bench {
  /// The workers end what they were told to end; what is to be given is held and taken by whom it is for.
  @discardableResult
  mutating func workersStop() -> [Directive] {
    var all: [Directive] = []
    let offers = sent(unit.receive(.noting(unit.holdings.giving), now: now))
    for (message, to) in offers {
      guard case .giving(let sets, let version) = message else { continue }
      all += receive(.holding(sets, version: version), from: to, term: unit.term)
    }
    let stopping = unit.holdings.stopping
    guard !stopping.isEmpty else { return all }
    for (message, to) in sent(unit.receive(.stopped(stopping, WorkNotes()), now: now)) {
      guard case .part(let part) = message else { continue }
      all += receive(.partTaken(number: part.number, term: unit.term, place: part.place), from: to, term: unit.term)
    }
    return all
  }

  private func sent(_ directives: [Directive]) -> [(Message, MemberNumber)] {
    directives.compactMap { if case .send(let message, let to?, _) = $0 { (message, to) } else { nil } }
  }
}

import Contract
import ControlKit
import FuzzKit
import Wire

@testable import Cluster

/// Any octets as control messages, at any times, for a unit in any role: octets, envelope, gate, message, unit. Each step
/// has an octet of what it is and one of how it is meant; then come its own.
@main
enum ControlDriver {
  static func main() {
    fuzz { data, size in
      guard let data else { return }
      var input = FuzzInput(data, size)
      var world = World(input.byte())
      while !input.isEmpty { world.step(&input) }
      // Whatever was said, time goes on, and no timer is for ever in the past.
      world.pass(2 * .second)
    }
  }
}

/// Who says yes: what signatures keep out is to come in here.
private struct Anybody: Verifying {
  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool { true }
}

/// Has state of every set, and an opinion that the message brings.
private struct FuzzApplication: Application {
  mutating func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion {
    switch certificate.first {
    case 0: .undecided
    case 1: .veto(String(repeating: "no", count: certificate.count))
    default: .welcome
    }
  }
  mutating func joined(_ unit: MemberNumber) {}
  mutating func left(_ unit: MemberNumber) {}
  mutating func state(of set: Int) -> [UInt8]? { set % 3 == 0 ? [UInt8(set & 255)] : nil }
  mutating func take(_ state: [UInt8], of set: Int) {}
}

/// One unit, number 2 of four, and what it has said.
private struct World {
  static let own: MemberNumber = 2
  static let cluster: UInt64 = 7
  static let mostSaid = 64

  var unit: ClusterUnit
  var gate = Gate(
    cluster: cluster, own: UInt16(own), introductions: Message.introductions,
    limits: Gate.Limits(perSender: Rate(1_000_000, burst: 1_000_000), strangers: Rate(1_000_000, burst: 1_000_000)))
  var now: Moment = 1000 * .second
  var sequence: UInt64 = 1
  var said: [(message: Message, term: UInt64)] = []
  var stopping = WorkSetBitmap()

  /// The lowest bits: how it begins. Joining, client of a master, master alone, master with members.
  init(_ beginning: Int) {
    unit = ClusterUnit(
      ClusterDescription(
        own: Self.description(Self.own), incarnation: 9, others: [1, 3, 4].map(Self.description), configuration: 5,
        certificate: [2], profile: beginning & 4 == 0 ? .normal : .fast),
      applications: beginning & 8 == 0 ? [] : [FuzzApplication()], seed: 5)
    for sender in [1, 3, 4] as [UInt16] { gate.know(sender) }
    look(unit.start(now: now))
    switch beginning & 3 {
    case 1: becomeClient()
    case 2: pass(3 * .second)
    case 3:
      pass(3 * .second)
      for sender in [1, 3, 4] as [MemberNumber] { join(sender) }
    default: break
    }
  }

  static func description(_ number: MemberNumber) -> UnitDescription {
    UnitDescription(number: number, address: .v4(IPv4Address(0x0a00_0000 + UInt32(number))))
  }

  private mutating func becomeClient() {
    let term: UInt64 = 1 << 8 | 1
    pass(.second / 8)
    for _ in 0..<3 {
      hear(.joinAnswer(JoinAnswer(echo: now, verdict: .welcome(roster: 2, table: 1))), from: 1, term: term)
      let member = MasterKeepalive.Entry(unit: Self.own, incarnation: 9, echo: now, sets: 0)
      hear(
        .masterKeepalive(
          MasterKeepalive(
            number: sequence, stamp: now, n: 2, live: 2, roster: 2, deputy: Self.own, tableVersion: 1,
            members: [member])), from: 1, term: term)
      var table = OwnershipTable(term: term, version: 1)
      for set in 0..<1024 {
        table[set] = OwnershipEntry(state: set % 5 == 0 ? .pending : .assigned, member: set % 2 == 0 ? 1 : Self.own)
      }
      hear(.table(table), from: 1, term: term)
    }
  }

  private mutating func join(_ sender: MemberNumber) {
    hear(
      .joinRequest(JoinRequest(stamp: now, configuration: 5, certificate: [7])), from: UInt16(sender), term: unit.term)
    hear(
      .keepalive(
        Keepalive(
          number: 1, stamp: now, roster: 9, tableTerm: unit.term, tableVersion: 9, loss: 0, isDraining: false,
          running: WorkSetBitmap())), from: UInt16(sender), term: unit.term)
  }

  // One step

  mutating func step(_ input: inout FuzzInput) {
    let what = input.byte(), how = input.byte()
    switch what & 7 {
    case 0: pass(UInt64(how) * 3 * .millisecond)
    // Nothing runs meanwhile.
    case 1: now += UInt64(how) * 10 * .millisecond
    case 2: happen(how, &input)
    case 3: deliver(input.octets(how * 6))
    case 4, 5:
      var payload = input.octets(input.byte() * 6)
      put(now &- UInt64(input.byte()) * .millisecond, &payload, at: input.byte() & 31)
      speak(type: UInt8(what >> 3 & 15), payload, how, input.byte())
    default: echo(what >> 3, how, &input)
    }
  }

  /// What it has said itself comes back, changed or not, from somebody else.
  private mutating func echo(_ place: Int, _ how: Int, _ input: inout FuzzInput) {
    guard !said.isEmpty else { return }
    let (message, term) = said[said.count - 1 - place % said.count]
    var payload = message.octets
    _ = input.bend(&payload)
    if how & 0x40 != 0 { put(now, &payload, at: input.byte() & 31) }
    speak(type: how & 0x20 == 0 ? message.type : UInt8(input.byte() & 15), payload, how, 0, term)
  }

  private func put(_ moment: Moment, _ octets: inout [UInt8], at place: Int) {
    guard place + 8 <= octets.count else { return }
    for byte in 0..<8 { octets[place + byte] = UInt8(truncatingIfNeeded: moment >> UInt64(56 - 8 * byte)) }
  }

  private mutating func speak(type: UInt8, _ payload: [UInt8], _ how: Int, _ octet: Int, _ told: UInt64? = nil) {
    let terms: [UInt64] = [
      unit.term, told ?? 0, unit.term + 256, unit.greatestTerm, (1 << 56) - 1, .max, UInt64(octet) << 8 | 1,
      UInt64(octet),
    ]
    sequence += 1
    let envelope = Envelope(
      type: type, sender: [1, 3, 4, 2][how & 3], cluster: Self.cluster, term: terms[how >> 2 & 7],
      incarnation: how & 0x80 == 0 ? 7 : UInt64(octet) + 1, sequence: sequence)
    deliver(envelope.octets(with: payload) + [UInt8](repeating: 0, count: Envelope.signatureOctets))
  }

  private mutating func happen(_ how: Int, _ input: inout FuzzInput) {
    switch how & 7 {
    case 0: look(unit.receive(.drain, now: now))
    case 1, 2:
      look(unit.receive(.stopped(stopping), now: now))
      stopping = WorkSetBitmap()
    case 3: look(unit.receive(.stopped(WorkSetBitmap([input.word() & 1023, input.word() & 1023])), now: now))
    case 4: look(unit.receive(.answered(UInt8(input.byte())), now: now))
    case 5: look(unit.tick(now: now &- UInt64(input.byte())))
    default: look(unit.receive(.heard, now: now))
    }
  }

  // The way in

  mutating func hear(_ message: Message, from sender: UInt16, term: UInt64) {
    sequence += 1
    let envelope = Envelope(
      type: message.type, sender: sender, cluster: Self.cluster, term: term, incarnation: 7, sequence: sequence)
    deliver(envelope.octets(with: message.octets) + [UInt8](repeating: 0, count: Envelope.signatureOctets))
  }

  private mutating func deliver(_ octets: [UInt8]) {
    guard let sealed = gate.judge(octets, by: Anybody(), now: now) else { return }
    guard let message = Message(sealed.payload, in: sealed.envelope) else { return }
    precondition(message.type == sealed.envelope.type, "another message than was said")
    look(unit.receive(message, in: sealed.envelope, now: now))
  }

  mutating func pass(_ duration: Nanoseconds) {
    let end = now + duration
    var ticks = 0
    while let next = unit.nextTimer, next <= end {
      now = max(now, next)
      look(unit.tick(now: now))
      ticks += 1
      precondition(ticks < 20_000, "timers without end")
    }
    now = max(now, end)
  }

  // What comes out

  private mutating func look(_ directives: [Directive]) {
    precondition(directives.count < 20_000, "directives without end")
    for directive in directives {
      switch directive {
      case .send(let message, let recipient, let term):
        let payload = message.octets
        precondition(payload.count <= Envelope.mostPayloadOctets, "it does not fit an envelope")
        precondition(recipient != Self.own, "it talks to itself")
        let envelope = Envelope(type: message.type, sender: 2, cluster: 7, term: term, incarnation: 9, sequence: 1)
        precondition(Message(payload, in: envelope) == message, "nobody would understand it")
        said.append((message, term))
        if said.count > Self.mostSaid { said.removeFirst() }
      case .lease(let until):
        // As long as anybody's may be, and half of it more: it is asked for, answered, and then counts.
        precondition(until <= now + 2 * unit.profile.clientLease, "a lease without end")
      case .stop(let sets): stopping.formUnion(sets)
      case .ownership(let table): precondition(table.packed.count == 1024, "no table")
      default: break
      }
    }
    precondition(unit.isFenced || unit.leaseUntil > 0, "it works without a lease")
  }
}

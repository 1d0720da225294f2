import ControlKit
import FuzzKit
import Wire

@testable import Cluster

/// One unit, number 2 of four, and what it has said.
struct World {
  static let own: MemberNumber = 2
  static let others: [MemberNumber] = [1, 3, 4]
  static let cluster: UInt64 = 7
  static let configuration: UInt64 = 5
  private static let mostSaid = 64
  private static let everything = Rate(1_000_000, burst: 1_000_000)

  var unit: ClusterUnit
  private var gate = Gate(
    cluster: cluster, own: UInt16(own), introductions: Message.introductions,
    limits: Gate.Limits(perSender: everything, unproven: everything, strangers: everything))
  var now: Moment = 1000 * .second
  var sequence: UInt64 = 1
  var isQuiet = false
  private var said: [(message: Message, term: UInt64)] = []
  private var stopping = WorkSetBitmap()

  /// The lowest bits: how it begins. Joining, client of a master, master alone, master with members.
  init(_ beginning: Int) {
    unit = ClusterUnit(
      ClusterDescription(
        own: Self.description(Self.own), incarnation: 9, others: Self.others.map(Self.description),
        configuration: Self.configuration, certificate: [2], profile: beginning & 4 == 0 ? .normal : .fast),
      applications: beginning & 8 == 0 ? [] : [FuzzApplication()], seed: 5)
    for sender in Self.others { gate.know(UInt16(sender)) }
    look(unit.start(now: now))
    switch beginning & 3 {
    case 1: becomeClient()
    case 2: pass(2 * .second)
    case 3:
      pass(2 * .second)
      for member in Self.others { join(member) }
    default: break
    }
  }

  private static func description(_ number: MemberNumber) -> UnitDescription {
    UnitDescription(number: number, address: .v4(IPv4Address(0x0a00_0000 + UInt32(number))))
  }

  // One step

  mutating func step(_ input: inout FuzzInput) {
    let what = input.byte(), how = input.byte()
    switch what & 15 {
    case 0: pass(UInt64(how) * 3 * .millisecond)
    // Nothing runs meanwhile.
    case 1: now += UInt64(how) * 10 * .millisecond
    case 2: happen(how, &input)
    case 3: deliver(input.octets(how * 6))
    case 4, 5:
      var payload = input.octets(input.byte() * 6)
      put(now &- UInt64(input.byte()) * .millisecond, &payload, at: input.byte() & 31)
      speak(type: UInt8(what >> 4 & 15), payload, how, input.byte())
    case 6, 7: echo(what >> 4, how, &input)
    case 8: isQuiet.toggle()
    default: say(what & 15, how, input.byte())
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
      look(unit.receive(.stopped(stopping, notes(&input)), now: now))
      stopping = WorkSetBitmap()
    case 3:
      let sets = WorkSetBitmap([input.word() & 1023, input.word() & 1023])
      switch input.byte() % 3 {
      case 0: look(unit.receive(.stopped(sets, notes(&input)), now: now))
      case 1: look(unit.receive(.noting(sets), now: now))
      default: look(unit.receive(.holding(sets), now: now))
      }
    case 4: look(unit.receive(.answered(UInt8(input.byte())), now: now))
    case 5: look(unit.tick(now: now &- UInt64(input.byte())))
    case 6: _ = unit.snapshot(now: now)
    default: look(unit.receive(.heard, now: now))
    }
  }

  private func notes(_ input: inout FuzzInput) -> WorkNotes {
    WorkNotes(
      [WorkedPacket(set: UInt16(input.word() & 1023), digest: UInt64(input.byte()))], isComplete: input.byte() & 1 == 0)
  }

  // The way in

  mutating func deliver(_ octets: [UInt8]) {
    guard let sealed = gate.judge(octets, by: Anybody(), now: now) else { return }
    guard let message = Message(sealed.payload, in: sealed.envelope) else { return }
    precondition(message.type == sealed.envelope.type, "another message than was said")
    look(unit.receive(message, in: sealed.envelope, now: now))
  }

  /// A segment on which others are heard, unless it has become quiet.
  mutating func pass(_ duration: Nanoseconds) {
    let end = now + duration
    var ticks = 0
    while let next = unit.nextTimer, next <= end {
      now = max(now + 1, next)
      if !isQuiet { look(unit.receive(.heard, now: now)) }
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
      case .lease(let until): precondition(until <= now + unit.profile.clientLease, "longer than any lease")
      case .stop(let sets): stopping.formUnion(sets)
      default: break
      }
    }
    precondition(unit.isFenced || unit.leaseUntil > 0, "it works without a lease")
  }
}

/// Who says yes: what signatures keep out is to come in here.
private struct Anybody: Verifying {
  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool { true }
  func hash(_ word: Watchword, times: Int) -> Watchword { word }
}

/// Has state of every third set, and an opinion that the certificate brings.
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

internal import CKernel
internal import Cluster
internal import Contract
internal import ControlKit
internal import Dataplane
internal import Identity
internal import Wire

/// What the unit directs, carried out: words to other units, orders to workers, questions to the data plane.
extension MemberLoop {
  func introduce() { send(Introductions.type, identity.certificate, to: nil, term: 0) }

  func send(_ type: UInt8, _ payload: [UInt8], to recipient: MemberNumber?, term: UInt64) {
    sequence += 1
    let (word, promised) = watchwords.take(for: sequence, by: identity) {
      Watchword(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
    let envelope = Envelope(
      type: type, sender: UInt16(own.number), recipient: recipient.map(UInt16.init) ?? Envelope.everyone,
      cluster: clusterNumber, term: term, incarnation: incarnation, sequence: sequence, word: word, promised: promised)
    // Who has heard nothing for himself for so long learns the next chain in time.
    if sequence % Self.shownEvery == 0 { introductions.answer(hauberk_boot_nanoseconds()) }
    guard let octets = envelope.sealed(payload, by: identity) else { return }
    sent += 1
    for port in ports { port.send(octets) }
  }

  private static let shownEvery: UInt64 = 256

  func perform(_ directives: [Directive]) {
    let lingers = plane.forwards && directives.contains(.linger)
    for directive in directives where !(lingers && isPutOff(directive)) {
      switch directive {
      case .send(let message, let to, let term):
        send(message.type, message.marked(by: incarnation).octets, to: to, term: term)
      case .lease(let moment): plane.extend(to: moment)
      case .fence: plane.fence()
      case .unfence: plane.unfence()
      case .ownership(let table): plane.take(table)
      case .give(let sets): plane.give(sets)
      case .keep(let sets): plane.keep(sets)
      case .hold(let sets): plane.hold(sets)
      case .forgo(let sets): plane.forgo(sets)
      case .worked(let sets, let notes): plane.take(notes, of: sets)
      case .stop(let sets): plane.stop(sets)
      case .start(let sets): plane.start(sets)
      case .doubt(let learning, let waiting): plane.doubt(learning, waiting, hauberk_boot_nanoseconds())
      case .trust: plane.trust()
      case .stranger(let until): plane.desk.refuseNewcomers(until: until)
      case .probe(let unit): probe(Int(unit))
      case .listen: listen()
      case .announce:
        desk.speak(true)
        plane.lead(true)
        announcements.begin(shared, hauberk_boot_nanoseconds())
        hauberk_event_raise(wakesControl)
      case .retire:
        desk.speak(false)
        plane.lead(false)
        announcements.end()
      case .linger: break
      case .drained: desk.setDrained()
      case .event(let event): tell("\(event)", isWarning: event.isWarning)
      }
    }
    if lingers { linger() }
    plane.publish()
    for address in announcements.due(hauberk_boot_nanoseconds()) { announce(address) }
  }

  /// A master that passes on what is others' has handed over, and hosts send to it until they have heard the next one. It
  /// goes on passing on for so long, and has nothing of its own left.
  private func linger() {
    let end = hauberk_boot_nanoseconds() + Self.lingering
    desk.speak(false)
    announcements.end()
    plane.extend(to: end)
    lingersUntil = end
  }

  private static let lingering: Nanoseconds = 100 * .millisecond

  private func isPutOff(_ directive: Directive) -> Bool {
    switch directive {
    case .retire, .fence, .lease, .drained: true
    default: false
    }
  }

  func endLingering() {
    lingersUntil = nil
    plane.fence()
    plane.lead(false)
    desk.setDrained()
  }

  func probe(_ number: Int) {
    guard number != own.number, let other = units.first(where: { $0.number == number }) else { return }
    ports[0].ask(for: other.inside, at: macs[number][0], from: own.inside)
    ports[1].ask(for: other.outside, at: macs[number][1], from: own.outside)
  }

  /// Anybody's answer shows that we hear: where no unit is left, hosts and routers are asked, those that we know, and who
  /// has asked for somebody while we had no lease.
  func listen() {
    for other in units { probe(other.number) }
    for one in desk.bystanders {
      let port = ports[Int(one.side.rawValue)]
      port.ask(for: one.address, at: one.mac, from: one.asker, vlan: one.vlan)
    }
    for one in plane.desk.askers(workers: plane.workerCount) {
      let port = ports[Int(one.side.rawValue)]
      port.ask(for: one.address, at: one.mac, from: one.side == .inside ? own.inside : own.outside)
    }
  }

  func announce(_ shared: SharedAddress) {
    ports[Int(shared.side.rawValue)].announce(shared)
  }

  func tell(_ event: String, isWarning: Bool) {
    desk.tell(event, isWarning: isWarning, at: hauberk_boot_nanoseconds())
    hauberk_event_raise(wakesControl)
  }

  func show(_ now: Moment) {
    nextShow = now + 100 * .millisecond
    var shown = MembershipDesk.Shown()
    shown.snapshot = unit.snapshot(now: now)
    shown.at = now
    shown.passed = gate.passed
    shown.refused = Refusal.allCases.map { ($0.name, $0.meaning, gate[$0]) }
    shown.oneSided = sides.oneSided
    shown.sent = sent
    shown.unsent = ports.reduce(0) { $0 + $1.unsent }
    shown.latest = latest
    desk.show(shown)
  }
}

extension ClusterEvent {
  fileprivate var isWarning: Bool {
    switch self {
    case .left(_, let reason), .gaveUp(let reason): reason != .asked
    case .refused, .suspected, .fenced, .lossTooHigh, .linkLost: true
    default: false
    }
  }
}

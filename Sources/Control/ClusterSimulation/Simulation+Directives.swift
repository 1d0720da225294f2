import Cluster
import ControlKit

/// What units want done.
extension Simulation {
  mutating func perform(_ directives: [Directive], _ unit: Int) {
    for directive in directives { perform(directive, unit) }
    schedule(unit)
  }

  /// What workers take to do as they are told.
  private var delay: Nanoseconds {
    mutating get { chance.between(50 * .microsecond, scenario.profile.detection / 25) }
  }

  private mutating func perform(_ directive: Directive, _ unit: Int) {
    switch directive {
    case .send(let message, let to, let term): send(message, to: to.map(Int.init), term: term, unit)
    case .lease(let until):
      let didWork = units[unit].works(at: now)
      units[unit].lease = until
      if !didWork { judge(unit) }
    case .fence:
      units[unit].fence()
      if isTold { tell("\(unit) fence") }
    case .unfence:
      units[unit].isFenced = false
      if isTold { tell("\(unit) unfence") }
      judge(unit)
    case .ownership(let table):
      if isTold {
        tell("\(unit) table \(Self.term(table.term)).\(table.version): \(Self.brief(table, scenario.members))")
      }
    case .stop(let sets):
      if isTold { tell("\(unit) stop \(sets.count)") }
      queue.add(.ended(unit, sets, incarnation: units[unit].incarnation), at: now + delay)
    case .give(let sets):
      if isTold { tell("\(unit) give \(sets.count)") }
      units[unit].isToNote.formUnion(sets)
      queue.add(.noting(unit, sets, incarnation: units[unit].incarnation), at: now + delay)
      stream(sets)
    case .keep(let sets):
      if isTold { tell("\(unit) keep \(sets.count)") }
      units[unit].keep(sets)
    case .hold(let sets):
      if isTold { tell("\(unit) hold \(sets.count)") }
      units[unit].isToHold.formUnion(sets)
      queue.add(.holding(unit, sets, incarnation: units[unit].incarnation), at: now + delay)
    case .forgo(let sets):
      if isTold { tell("\(unit) forgo \(sets.count)") }
      units[unit].forgo(sets)
    case .worked(let sets, let notes):
      if isTold { tell("\(unit) worked \(sets.count): \(notes.packets.count)") }
      units[unit].worked.append((sets, notes))
    case .start(let sets):
      if isTold { tell("\(unit) start \(sets.count)") }
      units[unit].running.formUnion(sets)
      for (known, notes) in units[unit].worked { release(known.intersection(sets), unit, notes) }
      units[unit].worked = []
      units[unit].forgo(sets)
      judge(unit)
    case .doubt, .trust, .stranger: judgeNewcomers(directive, unit)
    case .probe(let other): probe(Int(other), unit)
    case .listen: listen(unit)
    case .announce:
      outcome.terms += 1
      if isTold { tell("\(unit) announce") }
    case .retire, .linger: if isTold { tell("\(unit) \(directive)") }
    case .drained:
      if isTold { tell("\(unit) drained") }
      units[unit].state = .dead
      units[unit].clear()
    case .event(let event): if isTold { tell("\(unit) \(event)") }
    }
  }

  mutating func schedule(_ unit: Int) {
    guard units[unit].state == .running, let next = units[unit].control.nextTimer else { return }
    let moment = max(now + .microsecond, units[unit].clock.real(next))
    if let waiting = units[unit].timerMoment, waiting <= moment, waiting > now { return }
    units[unit].timer += 1
    units[unit].timerMoment = moment
    queue.add(.timer(unit, generation: units[unit].timer), at: moment)
  }

  /// After a pause: whatever was asked for before is void.
  mutating func wake(_ unit: Int) {
    units[unit].state = .running
    units[unit].timerMoment = nil
    judge(unit)
    // A process that goes on finds its timer first.
    perform(units[unit].control.tick(now: units[unit].clock.local(now)), unit)
    let waiting = units[unit].waiting
    units[unit].waiting = []
    for pending in waiting where units[unit].state == .running { take(pending, unit) }
    tellLinks(unit)
    schedule(unit)
  }

  // Telling

  /// Only if somebody wants to read it: the words cost more than the run.
  mutating func tell(_ line: String) { outcome.transcript.append("\(Self.time(now)) \(line)") }

  static func time(_ moment: Moment) -> String {
    let microseconds = moment / .microsecond
    let fraction = String(microseconds % 1000 + 1000).dropFirst()
    return "\(microseconds / 1000).\(fraction) ms"
  }

  static func term(_ term: UInt64) -> String { "\(term >> 8)/\(term & 255)" }

  static func brief(_ message: Message) -> String {
    switch message {
    case .masterKeepalive(let keepalive):
      "master keepalive \(keepalive.number): roster \(keepalive.roster) "
        + "[\(keepalive.members.map { "\($0.unit)" }.joined(separator: " "))], live \(keepalive.live)"
        + (keepalive.deputy.map { ", deputy \($0)" } ?? "")
    case .keepalive(let keepalive):
      "keepalive \(keepalive.number): roster \(keepalive.roster), by \(term(keepalive.tableTerm)).\(keepalive.tableVersion), "
        + "runs \(keepalive.running.count)"
    case .table(let table): "table \(table.version)"
    case .load(let report): "load \(report.packetsPerSecond)/s"
    case .joinRequest: "join?"
    case .joinAnswer(let answer): "join: \(answer.verdict)"
    default: "\(message)"
    }
  }

  static func brief(_ table: OwnershipTable, _ members: Int) -> String {
    (0..<members).map { "\($0): \(table.sets(of: MemberNumber($0)).count)" }.joined(separator: ", ")
  }
}

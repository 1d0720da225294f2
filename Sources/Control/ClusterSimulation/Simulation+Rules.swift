import Cluster
import ControlKit

/// Who looks whether the rules hold: at each step that could break one.
extension Simulation {
  /// One live owner for each set, and one master who works, within what one host's packet reaches (X19).
  mutating func judge(_ unit: Int) {
    guard units[unit].works(at: now) else { return }
    for other in units.indices where other != unit && units[other].works(at: now) { judge(unit, other) }
  }

  private mutating func judge(_ one: Int, _ other: Int) {
    guard !excuses.holds(one, other, at: now) else { return }
    guard wireNumbers.contains(where: { sharesHosts(one, other, $0) }) else { return }
    if units[one].running.meets(units[other].running) {
      let both = units[one].running.intersection(units[other].running)
      violate("\(one) and \(other) both work on \(both.count) sets, set \(both.first ?? -1) among them")
    }
    if units[one].control.isMaster, units[other].control.isMaster {
      violate("\(one) and \(other) are both master and not fenced")
    }
  }

  /// A packet that comes in by that wire would be worked on by both.
  private func sharesHosts(_ one: Int, _ other: Int, _ wire: Int) -> Bool {
    units[one].plugs[wire].segment == units[other].plugs[wire].segment && units[one].canForward(from: wire)
      && units[other].canForward(from: wire)
  }

  mutating func violate(_ what: String) {
    outcome.violations.append("\(Self.time(now)): \(what)")
    if isTold { tell("VIOLATION \(what)") }
  }

  /// How long sets have been without an owner.
  mutating func measure() {
    let unserved = unserved
    if unserved.isEmpty { return endOutage() }
    if outage == nil { outage = Outage(begin: now, end: now, sets: unserved) }
    outage?.sets.formUnion(unserved)
    outcome.unserved.formUnion(unserved)
  }

  mutating func endOutage() {
    guard var over = outage.take() else { return }
    over.end = now
    outcome.gap = max(outcome.gap, over.end - over.begin)
    outcome.outages.append(over)
  }

  var unserved: WorkSetBitmap { .all.subtracting(served) }

  private var served: WorkSetBitmap {
    var sets = WorkSetBitmap()
    for unit in units where unit.works(at: now) { sets.formUnion(unit.running) }
    return sets
  }

  /// All pairs, and after the last fault whether every set has its owner.
  mutating func look() {
    for unit in units.indices { judge(unit) }
    guard now >= scenario.calm, outcome.recovery == nil else { return }
    if isWhole {
      outcome.recovery = now - scenario.calm
      if isTold { tell("every set has its owner") }
    } else if now - scenario.calm > Scenario.recovery(scenario.profile) {
      violate("not every set has an owner, so long after the last fault: \(picture)")
    } else {
      queue.add(.look, at: now + scenario.profile.detection / 4)
    }
  }

  private var isWhole: Bool {
    guard served == .all else { return false }
    let living = units.filter { $0.state == .running && !$0.control.isOutside }
    return living.count(where: { $0.control.isMaster }) == 1 && living.allSatisfy { $0.works(at: now) }
  }

  /// Balanced to within one set, one master, and nothing moves any more.
  mutating func judgeTheEnd() {
    now = scenario.end
    guard isWhole else { return violate("it did not last: \(picture)") }
    let living = units.filter { $0.works(at: now) }
    let loads = living.map(\.running.count)
    if let packets = scenario.loads {
      judgeLoads(packets)
    } else if let least = loads.min(), let most = loads.max(), most - least > 1 {
      violate("not balanced: \(loads)")
    }
    if let rest, newestTable != rest, scenario.end > scenario.calm {
      violate("sets still move: \(rest) became \(newestTable)")
    }
    let versions = Set(living.map { "\($0.control.tableVersion)" })
    if versions.count > 1 { violate("tables differ: \(versions.sorted())") }
  }

  var newestTable: (term: UInt64, version: UInt64) {
    units.map { $0.control.tableVersion }.max { $0 < $1 } ?? (0, 0)
  }

  private var picture: String {
    units.indices.map { unit in
      let snapshot = units[unit].control.snapshot(now: units[unit].clock.local(now))
      return "\(unit) \(units[unit].state) \(snapshot.role.rawValue)\(snapshot.isFenced ? " fenced" : "") "
        + "\(units[unit].running.count)"
    }.joined(separator: ", ")
  }
}

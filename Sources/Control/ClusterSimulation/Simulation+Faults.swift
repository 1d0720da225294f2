import Cluster
import Contract
import ControlKit

extension Simulation {
  mutating func begin(_ fault: Fault) {
    if isTold { tell("FAULT \(fault)") }
    switch fault.kind {
    case .stall(let unit, let isWhole):
      guard units[unit].state != .dead, units[unit].state != .paused else { return }
      units[unit].state = isWhole ? .stopped : .frozen
    case .pause(let unit, _):
      guard units[unit].state != .dead else { return }
      units[unit].state = .paused
      units[unit].pausedAt = now
    case .step(let unit, let by):
      units[unit].clock.stepped += by
      // What it waits for is due.
      units[unit].timerMoment = nil
      schedule(unit)
    case .crash(let unit):
      units[unit].state = .dead
      units[unit].clear()
    case .drain(let unit):
      guard units[unit].state == .running else { return }
      perform(units[unit].control.receive(.drain, now: units[unit].clock.local(now)), unit)
    default: change(fault, begins: true)
    }
  }

  mutating func end(_ fault: Fault) {
    if isTold { tell("OVER \(fault)") }
    switch fault.kind {
    case .stall(let unit, _):
      guard units[unit].state == .stopped || units[unit].state == .frozen else { return }
      wake(unit)
    case .pause(let unit, let clockGoesOn):
      guard units[unit].state == .paused else { return }
      if !clockGoesOn { freezeClock(unit) }
      wake(unit)
    case .crash(let unit), .drain(let unit):
      // One that still drains is ended, as a service manager would.
      restart(unit)
    case .step: return
    default: change(fault, begins: false)
    }
  }

  /// A clock that stood still shows a lease that is over for the others: what was left of it is all that it gives (X17).
  /// A master's gives more, since he renews it himself: with his successor there are two until they have heard each
  /// other, as if a segment had become whole again.
  private mutating func freezeClock(_ unit: Int) {
    units[unit].clock.frozen += now - units[unit].pausedAt
    let local = units[unit].clock.local(now)
    guard !units[unit].isFenced, units[unit].lease >= local else { return }
    guard units[unit].control.isMaster else {
      return excuse([unit], until: now + (units[unit].lease - local) * 65 / 64)
    }
    excuse([unit], until: now + scenario.mergesWithin)
    if wires.cuts.contains(true) { excuses.wait(at: now) }
  }

  /// Frames and wires.
  private mutating func change(_ fault: Fault, begins: Bool) {
    func rate(_ rate: UInt64) -> UInt64 { begins ? rate : 0 }
    switch fault.kind {
    case .loss(let share): wires.loss = rate(share)
    case .duplication(let share): wires.duplication = rate(share)
    case .reordering(let most): wires.reordering = rate(most)
    case .corruption(let share): wires.corruption = rate(share)
    case .replay(let share): wires.replay = rate(share)
    case .delay(let share): wires.lateness = rate(share)
    case .wireLoss(let wire, let share): wires.wireLoss[wire] = rate(share)
    case .unitLoss(let unit, let share, let isIncoming):
      if isIncoming { wires.lossTo[unit] = rate(share) } else { wires.lossFrom[unit] = rate(share) }
    case .partition(let part, let hasHosts, let wire):
      for wire in wire.map({ $0..<$0 + 1 }) ?? wireNumbers {
        if begins { wires.hasHosts[wire].append(hasHosts) }
        let segment = begins ? wires.hasHosts[wire].count - 1 : 0
        rewire(part) { $0[wire].segment = segment }
      }
    case .rift(let part, let wire):
      for wire in wire.map({ $0..<$0 + 1 }) ?? wireNumbers { rift(part, wire, begins) }
    case .deaf(let unit): rewire([unit]) { for wire in $0.indices { $0[wire].isDeaf = begins } }
    case .mute(let unit): rewire([unit]) { for wire in $0.indices { $0[wire].isMute = begins } }
    case .cable(let unit, let wire, let isSeen):
      rewire([unit]) { Self.plug(&$0[wire], !begins) }
      if isSeen { show(wire, to: [unit], isMissing: begins) }
    case .wire(let wire, let isSeen):
      rewire(Array(units.indices)) { Self.plug(&$0[wire], !begins) }
      if isSeen { show(wire, to: Array(units.indices), isMissing: begins) }
    case .cut(let one, let other, let bothWays): cut(one, other, bothWays: bothWays || !begins, begins)
    case .stall, .pause, .step, .crash, .drain: break
    }
  }

  private static func plug(_ plug: inout SimulatedUnit.Plug, _ isIn: Bool) {
    plug.isDeaf = !isIn
    plug.isMute = !isIn
  }

  private mutating func rift(_ part: [Int], _ wire: Int, _ begins: Bool) {
    rewire {
      for one in part {
        for other in $0.units.indices where !part.contains(other) {
          $0.wires.rifts[wire][one * $0.scenario.members + other] = begins
        }
      }
    }
  }

  /// The kernel tells each of them, soon.
  private mutating func show(_ wire: Int, to part: [Int], isMissing: Bool) {
    for unit in part {
      units[unit].isMissing[wire] = isMissing
      queue.add(.link(unit), at: now + chance.between(0, 3 * .millisecond))
    }
  }

  /// As a process that goes on looks after its links, whatever has happened meanwhile.
  mutating func tellLinks(_ unit: Int) {
    guard units[unit].state == .running else { return }
    for wire in wireNumbers where units[unit].isMissing[wire] != units[unit].isKnownMissing[wire] {
      guard let side = Side(rawValue: UInt8(wire)) else { continue }
      units[unit].isKnownMissing[wire] = units[unit].isMissing[wire]
      let happening: Happening = units[unit].isMissing[wire] ? .unplugged(side) : .plugged(side)
      perform(units[unit].control.receive(happening, now: units[unit].clock.local(now)), unit)
    }
  }

  private mutating func cut(_ one: Int, _ other: Int, bothWays: Bool, _ begins: Bool) {
    wires.cuts[one * scenario.members + other] = begins
    if bothWays { wires.cuts[other * scenario.members + one] = begins }
    if begins {
      // A merger may be under way, and these two may be the masters.
      excuses.wait(at: now)
    } else if !wires.cuts.contains(true) {
      excuses.go(until: now + scenario.mergesWithin)
      queue.add(.look, at: now + scenario.mergesWithin)
    }
  }

  /// Who reached whom before and after decides what is excused, and between whom.
  private mutating func rewire(_ part: [Int], _ change: (inout [SimulatedUnit.Plug]) -> Void) {
    rewire { simulation in
      for unit in part { change(&simulation.units[unit].plugs) }
    }
  }

  private mutating func rewire(_ change: (inout Simulation) -> Void) {
    let segments = pairs(areConnected)
    let hearing = pairs(hearEachOther)
    change(&self)
    for one in units.indices {
      for other in 0..<one {
        let isRift = wireNumbers.contains { areParted(one, other, $0) }
        excuses.part(one, other, isRift && !areConnected(one, other))
      }
    }
    // A segment that is whole again has two clusters to merge, which takes some keepalives; while the control plane is
    // cut as well, two masters cannot tell each other, and those who hear both follow the later one or neither.
    excuse(pairs(areConnected), but: segments, for: scenario.mergesWithin)
    if wires.cuts.contains(true) { excuses.wait(at: now) }
    // A unit that was deaf or mute for a while should not have worked meanwhile; whether it was alone is for it to find
    // out.
    excuse(pairs(hearEachOther), but: hearing, for: scenario.profile.detection)
  }

  /// On one segment by any wire, whether they hear each other or not. What gets through one way only is none (X19).
  private func areConnected(_ one: Int, _ other: Int) -> Bool {
    wireNumbers.contains {
      units[one].plugs[$0].segment == units[other].plugs[$0].segment && !areParted(one, other, $0)
    }
  }

  private func areParted(_ one: Int, _ other: Int, _ wire: Int) -> Bool {
    wires.rifts[wire][one * scenario.members + other] || wires.rifts[wire][other * scenario.members + one]
  }

  private func hearEachOther(_ one: Int, _ other: Int) -> Bool { reaches(one, other) && reaches(other, one) }

  private func pairs(_ hold: (Int, Int) -> Bool) -> [Bool] {
    units.indices.flatMap { one in units.indices.map { hold(one, $0) } }
  }

  /// The pairs that are new.
  private mutating func excuse(_ pairs: [Bool], but before: [Bool], for time: Nanoseconds) {
    let count = units.count
    for pair in pairs.indices where pairs[pair] && !before[pair] {
      excuses.excuse(pair / count, pair % count, until: now + time)
    }
    if pairs != before { queue.add(.look, at: now + time) }
  }

  /// These with everybody.
  private mutating func excuse(_ part: [Int], until moment: Moment) {
    for unit in part {
      for other in units.indices { excuses.excuse(unit, other, until: moment) }
    }
    queue.add(.look, at: moment)
  }
}

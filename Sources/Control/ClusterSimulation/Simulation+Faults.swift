import Cluster
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
      return excuse(unit, until: now + (units[unit].lease - local) * 65 / 64)
    }
    if wires.cuts.contains(true) { wires.isUntold = true }
    excuse(unit, until: now + scenario.mergesWithin)
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
    case .deaf(let unit): rewire([unit]) { for wire in $0.indices { $0[wire].isDeaf = begins } }
    case .mute(let unit): rewire([unit]) { for wire in $0.indices { $0[wire].isMute = begins } }
    case .cable(let unit, let wire): rewire([unit]) { Self.plug(&$0[wire], !begins) }
    case .wire(let wire): rewire(Array(units.indices)) { Self.plug(&$0[wire], !begins) }
    case .cut(let one, let other, let bothWays): cut(one, other, bothWays: bothWays || !begins, begins)
    case .stall, .pause, .crash, .drain: break
    }
  }

  private static func plug(_ plug: inout SimulatedUnit.Plug, _ isIn: Bool) {
    plug.isDeaf = !isIn
    plug.isMute = !isIn
  }

  private mutating func cut(_ one: Int, _ other: Int, bothWays: Bool, _ begins: Bool) {
    wires.cuts[one * scenario.members + other] = begins
    if bothWays { wires.cuts[other * scenario.members + one] = begins }
    if begins {
      // A merger is under way, and these two may be the masters.
      if units.contains(where: { $0.excusedUntil > now }) { wires.isUntold = true }
    } else if wires.isUntold, !wires.cuts.contains(true) {
      wires.isUntold = false
      for unit in units.indices { excuse(unit, until: now + scenario.mergesWithin) }
    }
  }

  /// Who reached whom before and after decides what is excused.
  private mutating func rewire(_ part: [Int], _ change: (inout [SimulatedUnit.Plug]) -> Void) {
    let before = part.map { units[$0].plugs }
    let segments = connections
    let hearing = self.hearing
    for unit in part { change(&units[unit].plugs) }
    guard part.map({ units[$0].plugs }) != before else { return }
    // A segment that is whole again has two clusters to merge, which takes some keepalives; while the control plane is
    // cut as well, two masters cannot tell each other, and those who hear both follow the later one or neither.
    if connections != segments {
      if wires.cuts.contains(true) { wires.isUntold = true }
      for unit in units.indices { excuse(unit, until: now + scenario.mergesWithin) }
    } else if self.hearing != hearing {
      // A unit that was deaf or mute for a while should not have worked meanwhile; whether it was alone is for it to
      // find out.
      for unit in part { excuse(unit, until: now + scenario.profile.detection) }
    }
  }

  /// Which units are on one segment with which, by any wire, whether they hear each other or not.
  private var connections: [Bool] {
    units.indices.flatMap { one in
      units.indices.map { other in
        wireNumbers.contains { units[one].plugs[$0].segment == units[other].plugs[$0].segment }
      }
    }
  }

  /// And which hears which.
  private var hearing: [Bool] {
    units.indices.flatMap { one in units.indices.map { other in reaches(one, other) } }
  }

  private mutating func excuse(_ unit: Int, until moment: Moment) {
    units[unit].excusedUntil = max(units[unit].excusedUntil, moment)
    queue.add(.look, at: moment)
  }
}

import Cluster
import ControlKit

extension Simulation {
  mutating func begin(_ fault: Fault) {
    if isTold { tell("FAULT \(fault)") }
    switch fault.kind {
    case .loss(let rate): wires.loss = rate
    case .duplication(let rate): wires.duplication = rate
    case .reordering(let most): wires.reordering = most
    case .corruption(let rate): wires.corruption = rate
    case .replay(let rate): wires.replay = rate
    case .partition(let part, let hasHosts):
      wires.hasHosts.append(hasHosts)
      let segment = wires.hasHosts.count - 1
      for unit in part { rewire(unit) { $0.segment = segment } }
    case .deaf(let unit): rewire(unit) { $0.isDeaf = true }
    case .mute(let unit): rewire(unit) { $0.isMute = true }
    case .cut(let one, let other, let bothWays):
      wires.cuts[one * scenario.members + other] = true
      if bothWays { wires.cuts[other * scenario.members + one] = true }
    case .stall(let unit, let isWhole):
      guard units[unit].state != .dead else { return }
      units[unit].state = isWhole ? .stopped : .frozen
    case .crash(let unit):
      units[unit].state = .dead
      units[unit].clear()
    case .drain(let unit):
      guard units[unit].state == .running else { return }
      perform(units[unit].control.receive(.drain, now: units[unit].clock.local(now)), unit)
    }
  }

  mutating func end(_ fault: Fault) {
    if isTold { tell("OVER \(fault)") }
    switch fault.kind {
    case .loss: wires.loss = 0
    case .duplication: wires.duplication = 0
    case .reordering: wires.reordering = 0
    case .corruption: wires.corruption = 0
    case .replay: wires.replay = 0
    case .partition(let part, _): for unit in part { rewire(unit) { $0.segment = 0 } }
    case .deaf(let unit): rewire(unit) { $0.isDeaf = false }
    case .mute(let unit): rewire(unit) { $0.isMute = false }
    case .cut(let one, let other, _):
      wires.cuts[one * scenario.members + other] = false
      wires.cuts[other * scenario.members + one] = false
    case .stall(let unit, _):
      guard units[unit].state == .stopped || units[unit].state == .frozen else { return }
      wake(unit)
    case .crash(let unit), .drain(let unit):
      // One that still drains is ended, as a service manager would.
      restart(unit)
    }
  }

  private mutating func rewire(_ unit: Int, _ change: (inout SimulatedUnit) -> Void) {
    let segment = units[unit].segment
    change(&units[unit])
    // A segment that is whole again has two clusters to merge, which takes some keepalives. A unit that was deaf or mute
    // for a while should not have worked meanwhile; whether it was alone is for it to find out.
    let isWhole = units[unit].segment == segment
    let excuse = now + (isWhole ? 1 : 4) * scenario.profile.detection
    for other in units.indices where other == unit || !isWhole {
      units[other].excusedUntil = max(units[other].excusedUntil, excuse)
    }
    queue.add(.look, at: excuse)
  }
}

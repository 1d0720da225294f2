import Cluster
import Contract
import ControlKit

/// Packets, for those who share work out by them.
extension Simulation {
  /// Workers count all the time; control asks them now and then, if it runs.
  mutating func measureLoad(_ unit: Int) {
    guard let loads = scenario.loads else { return }
    let profile = scenario.profile
    queue.add(
      .measure(unit), at: now + chance.between(profile.measureInterval * 9 / 10, profile.measureInterval * 11 / 10))
    let passed = now - units[unit].load.countedAt
    units[unit].load.countedAt = now
    if units[unit].works(at: now) {
      units[unit].running.forEach { set in
        // By up to a fifth more or less than usual.
        let rate = UInt64(loads[set]) * chance.between(800, 1201) / 1000
        units[unit].load.add(rate * (passed / .microsecond) / 1_000_000, to: set)
      }
    }
    guard units[unit].state == .running else { return }
    let report = units[unit].load.report(running: units[unit].running, now: now)
    perform(units[unit].control.receive(.measured(report), now: units[unit].clock.local(now)), unit)
  }

  /// By packets each member is as good as the least loaded, but for its heaviest set and a quarter of what one has on
  /// the average; and who has sets without packets has not many more of them than another.
  mutating func judgeLoads(_ loads: [Int]) {
    let living = units.indices.filter { units[$0].works(at: now) }
    var light: [Int] = []
    let mean = loads.reduce(0, +) / max(1, living.count)
    for unit in living {
      var load = Outcome.Load(unit: unit, sets: units[unit].running.count, packetsPerSecond: 0, heaviest: 0)
      light.append(0)
      units[unit].running.forEach { set in
        load.packetsPerSecond += loads[set]
        load.heaviest = max(load.heaviest, loads[set])
        if loads[set] * WorkSets.count * 16 <= mean { light[light.count - 1] += 1 }
      }
      outcome.loads.append(load)
    }
    let least = outcome.loads.map(\.packetsPerSecond).min() ?? 0
    for load in outcome.loads where load.packetsPerSecond - least > load.heaviest + mean / 4 {
      violate("not balanced by packets: \(outcome.loads)")
    }
    if let least = light.min(), let most = light.max(), most - least > max(8, light.reduce(0, +) / light.count / 2) {
      violate("idle sets are not even: \(light)")
    }
  }
}

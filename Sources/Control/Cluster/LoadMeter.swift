import Contract
public import ControlKit

/// From counters that only grow to packets per second. Pure: whoever has counters and a clock brings them in.
public struct LoadMeter: Sendable {
  private let over: Nanoseconds
  private var last = [UInt64](repeating: 0, count: WorkSets.count)
  private var means = [Double](repeating: 0, count: WorkSets.count)
  /// How much of each mean is there already: what has begun a moment ago is not taken for idle.
  private var shares = [Double](repeating: 0, count: WorkSets.count)
  /// How often each set has been looked at since it runs.
  private var looks = [UInt8](repeating: 0, count: WorkSets.count)

  /// So often a set is looked at before a word is said of it.
  static let fewestLooks: UInt8 = 3

  /// A change is in the mean by two thirds after so long.
  public init(over: Nanoseconds) { self.over = max(1, over) }

  /// `counters` of all sets, so much later than before; the first time after nothing. Of sets that do not run here nothing is said: their packets are
  /// another's, and most of them were dropped before they could be counted.
  public mutating func measure(_ counters: [UInt64], running: WorkSetBitmap, after passed: Nanoseconds) -> LoadReport {
    var report = LoadReport()
    guard counters.count == WorkSets.count else { return report }
    guard passed > 0 else {
      last = counters
      return report
    }
    let part = Double(passed) / Double(passed + over)
    var total = 0.0
    for set in 0..<WorkSets.count {
      let packets = counters[set] &- last[set]
      last[set] = counters[set]
      guard running.contains(set) else {
        means[set] = 0
        shares[set] = 0
        looks[set] = 0
        continue
      }
      let rate = Double(packets) * 1e9 / Double(passed)
      means[set] += (rate - means[set]) * part
      shares[set] += (1 - shares[set]) * part
      looks[set] = min(looks[set] + 1, Self.fewestLooks)
      let mean = means[set] / shares[set]
      total += mean
      if looks[set] == Self.fewestLooks { report[set] = Int(min(mean, 1e9) + 0.5) }
    }
    report.packetsPerSecond = UInt32(min(total + 0.5, Double(UInt32.max)))
    return report
  }
}

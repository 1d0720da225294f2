import Contract
import ControlKit

/// What is known of everybody's load. All members hear all reports, so whoever takes office has it already.
struct LoadBook: Sendable {
  /// By set: packets per second by the word of its last owner. Nobody's word is none.
  private(set) var loads = [Int](repeating: 0, count: WorkSets.count)
  private var totals = [(rate: UInt32, at: Moment)?](repeating: nil, count: ClusterDescription.mostUnits)

  /// Of its own sets alone: the table says which these are.
  mutating func note(_ report: LoadReport, of unit: MemberNumber, by table: OwnershipTable, _ now: Moment) {
    totals[Int(unit)] = (report.packetsPerSecond, now)
    let own = table.sets(of: unit)
    own.forEach { set in if let load = report[set] { loads[set] = load } }
  }

  /// Nil where nothing was heard for so long.
  func rate(of unit: MemberNumber, within patience: Nanoseconds, _ now: Moment) -> Int? {
    totals[Int(unit)].flatMap { $0.at.age(at: now) <= patience ? Int($0.rate) : nil }
  }
}

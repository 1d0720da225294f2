import Cluster

/// Counts, for each work set, how often it was handed over: whoever begins without its number lost the state.
struct SimulatedApplication: Application {
  private(set) var numbers: [Int: UInt8] = [:]

  mutating func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion {
    certificate == [unit] ? .welcome : .veto("its certificate is another unit's")
  }
  mutating func joined(_ unit: MemberNumber) {}
  mutating func left(_ unit: MemberNumber) {}
  /// Every sixteenth set has some.
  mutating func state(of set: Int) -> [UInt8]? { set % 16 == 0 ? [numbers[set, default: 0] &+ 1] : nil }
  mutating func take(_ state: [UInt8], of set: Int) { numbers[set] = state.first }
}

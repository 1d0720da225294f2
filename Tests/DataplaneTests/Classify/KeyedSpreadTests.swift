import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// X8: the 254 flows that share one set in the seed's filter spread like random ones in the keyed hash.
@Suite struct KeyedSpreadTests {
  static let keys = TestKey.several(64)

  static func sets(_ key: String) -> [Int] {
    let plane = Plane(ClassifyDescription(.keyed, key: key))
    return neighbouringFlows.compactMap { plane.set($0) }
  }

  /// 254 balls in 1024 boxes fill 1024 · (1 − e^−0.248) = 225 of them, with a standard deviation of
  /// √(1024 · e^−0.248 · (1 − 1.248 · e^−0.248)) = 4.6. Six of these either way: by chance once in 500 million keys.
  @Test(arguments: keys)
  func `254 neighbouring flows use as many sets as random ones`(_ key: String) {
    let used = Set(Self.sets(key)).count
    #expect((198...252).contains(used))
  }

  /// Pearson's statistic over 64 buckets of 16 sets has 63 degrees of freedom: mean 63, variance 126. The sum over
  /// 64 independent keys has mean 4032 and standard deviation 90. Five of these either way. Too small is as
  /// suspicious as too large: a counter dealt out in turn would give nearly 0.
  @Test func `and fall evenly, neither worse nor better than chance`() {
    var sum = 0.0
    for key in Self.keys {
      var buckets = [Int](repeating: 0, count: 64)
      for set in Self.sets(key) { buckets[set / 16] += 1 }
      let expected = 254.0 / 64
      sum += buckets.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }
    #expect((3582...4482).contains(sum))
  }

  /// The same with what a cluster of a few members sees: no member of four gets more than a fair share by much.
  /// Binomial, 254 · 64 draws at 1/4: mean 4064, standard deviation 55; six of these.
  @Test func `four members get a quarter each`() {
    var members = [0, 0, 0, 0]
    for key in Self.keys { for set in Self.sets(key) { members[set % 4] += 1 } }
    for packets in members { #expect(abs(packets - 4064) < 331) }
  }
}

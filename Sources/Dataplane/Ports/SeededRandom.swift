/// SplitMix64: from one seed always the same numbers. For traffic and faults, not for keys.
package struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  @inline(__always)
  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  /// 0 ..< bound, near enough to even for bounds far below 2³².
  @inline(__always)
  mutating func below(_ bound: Int) -> Int {
    Self.scale(next() >> 32, to: bound)
  }

  /// 32 random bits to 0 ..< bound.
  @inline(__always)
  static func scale(_ bits: UInt64, to bound: Int) -> Int {
    Int(truncatingIfNeeded: (bits &* UInt64(truncatingIfNeeded: bound)) >> 32)
  }
}

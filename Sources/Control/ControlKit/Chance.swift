/// Spreads every bit over all (the finalizer of SplitMix64).
public func mix(_ value: UInt64) -> UInt64 {
  var value = value &+ 0x9e37_79b9_7f4a_7c15
  value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
  value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
  return value ^ value >> 31
}

/// Numbers that keep machines from acting in step. The same seed gives the same ones; they need not be secret.
public struct Jitter: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return mix(state)
  }

  /// From `least` up to and without `most`.
  public mutating func between(_ least: UInt64, _ most: UInt64) -> UInt64 { least + next() % max(1, most - least) }

  /// Half to three halves of it.
  public mutating func around(_ middle: UInt64) -> UInt64 { between(middle / 2, middle + middle / 2) }

  /// In so many of a million cases.
  public mutating func happens(_ perMillion: UInt64) -> Bool { perMillion > 0 && next() % 1_000_000 < perMillion }
}

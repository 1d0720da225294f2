/// A rate as the one moment until which its allowance is spent (the virtual scheduling form of a leaky bucket).
struct TokenBucket: Sendable {
  private var spentUntil: UInt64 = 0

  func allows(_ rate: Rate, now: UInt64) -> Bool {
    spentUntil <= now &+ (rate.burst &- 1) &* Self.interval(rate)
  }

  mutating func take(_ rate: Rate, now: UInt64) {
    spentUntil = max(spentUntil, now) &+ Self.interval(rate)
  }

  private static func interval(_ rate: Rate) -> UInt64 { max(1, Timing.second / rate.perSecond) }
}

/// Buckets for sources. Two that share one by chance share an allowance; without the seed nobody can find such a pair.
struct SourceBuckets: Sendable {
  private static let count = 1024
  private var buckets = [TokenBucket](repeating: TokenBucket(), count: count)
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  func allows(_ source: UInt64, _ rate: Rate, now: UInt64) -> Bool { buckets[place(source)].allows(rate, now: now) }
  mutating func take(_ source: UInt64, _ rate: Rate, now: UInt64) { buckets[place(source)].take(rate, now: now) }

  private func place(_ source: UInt64) -> Int { Int(truncatingIfNeeded: mix(source ^ seed) >> 54) }
}

/// Spreads every bit over all (the finalizer of SplitMix64).
func mix(_ value: UInt64) -> UInt64 {
  var value = value &+ 0x9e37_79b9_7f4a_7c15
  value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
  value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
  return value ^ value >> 31
}

/// Numbers that keep gateways from acting in step. They need not be secret.
struct Jitter: Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// From `least` up to and without `most`.
  mutating func between(_ least: UInt64, _ most: UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return least + mix(state) % max(1, most - least)
  }

  /// Half to three halves of it.
  mutating func around(_ middle: UInt64) -> UInt64 { between(middle / 2, middle + middle / 2) }
}

/// How often something may happen: so many a second on average, and so many at once.
public struct Rate: Equatable, Sendable {
  public var perSecond: UInt64
  public var burst: UInt64

  public init(_ perSecond: UInt64, burst: UInt64) {
    self.perSecond = max(1, perSecond)
    self.burst = max(1, burst)
  }
}

/// A rate as the one moment until which its allowance is spent (the virtual scheduling form of a leaky bucket).
public struct TokenBucket: Sendable {
  private var spentUntil: Moment = 0

  public init() {}

  public func allows(_ rate: Rate, now: Moment) -> Bool {
    spentUntil <= now &+ (rate.burst &- 1) &* Self.interval(rate)
  }

  public mutating func take(_ rate: Rate, now: Moment) {
    spentUntil = max(spentUntil, now) &+ Self.interval(rate)
  }

  private static func interval(_ rate: Rate) -> Nanoseconds { max(1, .second / rate.perSecond) }
}

/// Buckets for sources. Two that share one by chance share an allowance; without the seed nobody can find such a pair.
public struct SourceBuckets: Sendable {
  private static let count = 1024
  private var buckets = [TokenBucket](repeating: TokenBucket(), count: count)
  private let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  public func allows(_ source: UInt64, _ rate: Rate, now: Moment) -> Bool {
    buckets[place(source)].allows(rate, now: now)
  }

  public mutating func take(_ source: UInt64, _ rate: Rate, now: Moment) {
    buckets[place(source)].take(rate, now: now)
  }

  private func place(_ source: UInt64) -> Int { Int(truncatingIfNeeded: mix(source ^ seed) >> 54) }
}

/// The sequence numbers that an outbound SA gives out: each once, the first is 1, and none after the last.
///
/// Without extended numbers the last is 2^32 - 1, with them 2^64 - 1: an SA never wraps (RFC 4303 section 3.3.3). The
/// soft limit lies before it and is reported once, so that a new SA is there in time.
struct OutboundSequence: BitwiseCopyable {
  struct Run: BitwiseCopyable {
    var first: UInt64
    /// Fewer than were asked for: the SA is exhausted, and the rest of the packets is to be dropped.
    var count: Int
    /// True once in the life of the SA: ask for a new one.
    var reachedSoftLimit: Bool
  }

  /// The last number given out.
  private(set) var last: UInt64
  let softLimit: UInt64
  private(set) var start: UInt64
  let limit: UInt64
  /// Behind the others, so that small things fit beside it.
  private(set) var hasReported = false

  /// `after` is the last number that was used before: not 0 where an SA is taken over. The soft limit is three
  /// quarters of all numbers where none is given.
  init(extended: Bool, softLimit: UInt64? = nil, hardLimit: UInt64? = nil, after last: UInt64 = 0) {
    let most: UInt64 = extended ? .max : UInt64(UInt32.max)
    limit = min(most, hardLimit ?? .max)
    self.softLimit = softLimit ?? limit - max(1, limit / 4)
    self.last = last
    start = last
    precondition(self.softLimit < limit && last <= limit, "the soft limit lies before the last number")
  }

  /// Before the first packet: as many numbers were used before, or may have been, and so many of them by packets.
  mutating func resume(after used: UInt64, packets: UInt64 = 0) {
    last = min(used, limit)
    start = last - min(packets, last)
  }

  var isExhausted: Bool { last == limit }

  /// The next number, where the caller has seen that it lies before the soft limit.
  @inline(__always)
  mutating func count(_ next: UInt64) { last = next }

  /// Numbers for so many packets, as many as there are.
  @inline(__always)
  mutating func take(_ wanted: Int) -> Run {
    let left = limit &- last
    let asked = UInt64(truncatingIfNeeded: wanted)
    let count = asked < left ? asked : left
    var run = Run(first: last &+ 1, count: Int(truncatingIfNeeded: count), reachedSoftLimit: false)
    last &+= count
    if last >= softLimit, !hasReported {
      hasReported = true
      run.reachedSoftLimit = true
    }
    return run
  }
}

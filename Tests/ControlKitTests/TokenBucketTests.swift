import ControlKit
import Testing

@Suite("A bucket lets its burst pass, then its rate")
struct TokenBucketTests {
  @Test("Never more than burst and rate allow together, whenever one asks", arguments: [1, 2, 3] as [UInt64])
  func never(_ seed: UInt64) {
    var jitter = Jitter(seed: seed)
    let rate = Rate(100, burst: 7)
    var bucket = TokenBucket()
    var now: UInt64 = 5_000_000_000
    let start = now
    var passed: UInt64 = 0
    for _ in 0..<20_000 {
      now += jitter.between(0, 5_000_000)
      guard bucket.allows(rate, now: now) else { continue }
      bucket.take(rate, now: now)
      passed += 1
      #expect(passed <= rate.burst + (now - start) / 10_000_000)
    }
    // And not much less: one asks far oftener than it allows.
    #expect(passed >= (now - start) / 10_000_000 - 1)
  }

  @Test("What was not used is not saved beyond the burst")
  func saved() {
    let rate = Rate(10, burst: 3)
    var bucket = TokenBucket()
    let late: UInt64 = 1 << 50
    var passed = 0
    while bucket.allows(rate, now: late) {
      bucket.take(rate, now: late)
      passed += 1
    }
    #expect(passed == 3)
  }
}

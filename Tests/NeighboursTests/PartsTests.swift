import Testing

@testable import Neighbours

@Suite("The agenda gives the earliest first, whatever is moved or taken out")
struct AgendaTests {
  @Test("Against a plain search, over thousands of changes", arguments: [1, 2, 3, 4] as [UInt64])
  func model(_ seed: UInt64) {
    var jitter = Jitter(seed: seed)
    var agenda = Agenda()
    var moments: [Int: UInt64] = [:]
    for _ in 0..<5000 {
      let slot = Int(jitter.between(0, 200))
      if jitter.between(0, 3) == 0 {
        agenda.remove(slot)
        moments[slot] = nil
      } else {
        // Few moments, so that many are the same.
        let moment = jitter.between(0, 3000)
        agenda.set(slot, moment)
        moments[slot] = moment
      }
      #expect(agenda.count == moments.count)
      #expect(agenda.first?.moment == moments.values.min())
      #expect(agenda.first.map { moments[$0.slot] == $0.moment } ?? true)
      #expect(agenda.moment(of: slot) == moments[slot])
      if jitter.between(0, 50) == 0 { #expect(drained(agenda) == moments.values.sorted()) }
    }
    #expect(agenda.moment(of: 999) == nil)
  }
}

private func drained(_ agenda: Agenda) -> [UInt64] {
  var agenda = agenda
  var moments: [UInt64] = []
  while let first = agenda.first {
    moments.append(first.moment)
    agenda.remove(first.slot)
  }
  return moments
}

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

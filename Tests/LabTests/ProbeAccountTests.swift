import Testing

@testable import Lab

/// What became of numbered probes: what is lost, what comes twice, and for how long a flow is away.
@Suite struct ProbeAccountTests {
  private static let millisecond: UInt64 = 1_000_000

  /// 1000 a second in 4 flows, sent at whole milliseconds from 1 s on; `times` says how often each comes.
  private func sent(_ count: Int, from first: Int = 0, in account: inout ProbeAccount, times: (Int) -> Int) {
    for index in first..<(first + count) {
      let number = account.send((1000 + UInt64(index)) * Self.millisecond)
      #expect(number == UInt64(index))
      for _ in 0..<times(index) { account.came(UInt64(index)) }
    }
  }

  private func account() -> ProbeAccount { ProbeAccount(rate: 1000, flows: 4, now: 1000 * Self.millisecond) }

  @Test func `every probe that is judged came or is lost, and none is judged before its time`() {
    var account = account()
    sent(100, in: &account) { $0 % 10 == 3 ? 0 : 1 }
    account.judge(1499 * Self.millisecond)
    #expect(account.total == ProbeTally())
    account.judge(1549 * Self.millisecond)
    #expect(account.total.sent == 50 && account.total.lost == 5 && account.total.twice == 0)
    account.judge(9000 * Self.millisecond)
    #expect(account.total.sent == 100 && account.total.lost == 10)
  }

  @Test func `an outage is what one flow missed in a row, to its next probe`() {
    var account = account()
    // Flow 1 misses three in a row; flow 2 misses four, but apart.
    let missed: Set = [21, 25, 29, 2, 10, 18, 26]
    sent(100, in: &account) { missed.contains($0) ? 0 : 1 }
    account.judge(9000 * Self.millisecond)
    #expect(account.total.lost == 7 && account.total.flows == 2)
    #expect(account.total.outageNanoseconds == 12 * Self.millisecond && account.flowsAway == 0)
  }

  @Test func `an outage is told while it lasts, and over the end of a second`() {
    var account = account()
    sent(2000, in: &account) { $0 % 4 == 1 && $0 >= 900 ? 0 : 1 }
    account.judge(2700 * Self.millisecond)
    #expect(account.flowsAway == 1)
    // Sent until 2200 ms, first missed at 1901 ms.
    #expect(account.total.outageNanoseconds == 300 * Self.millisecond)
    #expect(account.takeSeconds().map(\.lost) == [25] && account.takeSeconds().isEmpty)
    account.judge(9000 * Self.millisecond)
    #expect(account.takeSeconds().prefix(2).map(\.lost) == [250, 0])
    #expect(account.lastSecond.lost == 0 && account.total.lost == 275)
  }

  @Test func `what comes twice is counted as often as it is too much, also after it was judged`() {
    var account = account()
    sent(10, in: &account) { $0 == 4 ? 3 : 1 }
    account.judge(2000 * Self.millisecond)
    #expect(account.total.twice == 2)
    account.came(7)
    #expect(account.total.twice == 3 && account.total.late == 0)
  }

  @Test func `what comes too late stays lost, and is told`() {
    var account = account()
    sent(10, in: &account) { $0 == 4 ? 0 : 1 }
    account.judge(2000 * Self.millisecond)
    account.came(4)
    #expect(account.total.lost == 1 && account.total.late == 1 && account.total.twice == 0)
  }

  @Test func `probes after an order are told apart from those before it, until the next one`() {
    var account = account()
    sent(100, in: &account) { $0 == 10 ? 0 : 1 }
    account.mark("kill 1", at: 1100 * Self.millisecond)
    sent(100, from: 100, in: &account) { $0 < 140 ? 0 : 1 }
    account.mark("start 1", at: 1200 * Self.millisecond)
    sent(100, from: 200, in: &account) { _ in 1 }
    account.judge(1650 * Self.millisecond)
    #expect(account.since?.label == "kill 1" && account.since?.tally.lost == 40 && account.since?.tally.flows == 4)
    #expect(account.since?.tally.outageNanoseconds == 40 * Self.millisecond)
    account.judge(9000 * Self.millisecond)
    #expect(account.since?.label == "start 1" && account.since?.tally.lost == 0 && account.since?.tally.sent == 100)
    #expect(account.marks.map(\.label) == ["kill 1", "start 1"] && account.marks[0].tally.lost == 40)
    #expect(account.total.lost == 41)
  }

  @Test func `a second in which nothing is sent ends like any other`() {
    var account = account()
    sent(10, in: &account) { _ in 1 }
    account.judge(4600 * Self.millisecond)
    #expect(account.takeSeconds().map(\.sent) == [10, 0, 0])
  }

  @Test func `what was never sent, or so long ago that nobody remembers, is strange`() {
    var account = account()
    sent(10, in: &account) { _ in 1 }
    account.came(10)
    account.came(.max)
    #expect(account.strange == 2)
  }

  @Test func `there is no room for more than are remembered and not judged`() {
    var account = account()
    for _ in 0..<ProbeAccount.remembered { #expect(account.send(1000 * Self.millisecond) != nil) }
    #expect(account.send(1000 * Self.millisecond) == nil && account.unsent == 1)
    account.judge(9000 * Self.millisecond)
    #expect(account.send(9000 * Self.millisecond) == UInt64(ProbeAccount.remembered))
  }

  @Test func `a new beginning forgets what was, and takes no probe of before for one of its own`() {
    var account = account()
    sent(10, in: &account) { _ in 0 }
    account.restart(now: 3000 * Self.millisecond)
    account.came(9)
    #expect(account.send(3000 * Self.millisecond) == 10 && account.strange == 1)
    account.judge(9000 * Self.millisecond)
    #expect(account.total.sent == 1 && account.total.lost == 1 && account.intervalNanoseconds == 4 * Self.millisecond)
  }
}

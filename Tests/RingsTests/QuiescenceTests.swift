import Rings
import Testing

@Suite("Control waits until every worker has let go, and no longer")
struct QuiescenceTests {
  private func withQuiescence<Result>(_ workers: Int, _ body: (Quiescence) -> Result) -> Result {
    let quiescence = Quiescence(workers: workers)
    defer { quiescence.deallocate() }
    return body(quiescence)
  }

  /// How often control had to wait, while the body does what workers do meanwhile.
  private func waits(_ quiescence: Quiescence, meanwhile: (Int) -> Void = { _ in }) -> Int {
    var count = 0
    quiescence.wait {
      count += 1
      precondition(count < 1000, "control waits for ever")
      meanwhile(count)
    }
    return count
  }

  @Test("Nobody is waited for before workers enter and after they have left", arguments: [1, 2, 64])
  func away(_ workers: Int) {
    withQuiescence(workers) { quiescence in
      #expect(waits(quiescence) == 0)
      for worker in 0..<workers { quiescence.enter(worker) }
      for worker in 0..<workers { quiescence.leave(worker) }
      #expect(waits(quiescence) == 0)
    }
  }

  @Test("One quiescent point is not enough, two are: the first may belong to the burst before")
  func twoPoints() {
    withQuiescence(1) { quiescence in
      quiescence.enter(0)
      for _ in 0..<5 { quiescence.pass(0) }
      #expect(waits(quiescence) { _ in quiescence.pass(0) } == 2)
    }
  }

  @Test("The slowest worker is waited for, whichever it is", arguments: 0..<4)
  func slowest(_ slow: Int) {
    withQuiescence(4) { quiescence in
      for worker in 0..<4 { quiescence.enter(worker) }
      let count = waits(quiescence) { moment in
        for worker in 0..<4 where worker != slow || moment > 50 { quiescence.pass(worker) }
      }
      #expect(count >= 52)
    }
  }

  @Test("A worker that leaves is waited for no longer")
  func leaving() {
    withQuiescence(2) { quiescence in
      quiescence.enter(0)
      quiescence.enter(1)
      quiescence.leave(1)
      #expect(waits(quiescence) { if $0 == 7 { quiescence.leave(0) } } == 7)
    }
  }

  @Test("A worker that leaves and comes back has let go")
  func comingBack() {
    withQuiescence(1) { quiescence in
      quiescence.enter(0)
      for _ in 0..<9 { quiescence.pass(0) }
      let count = waits(quiescence) { moment in
        if moment == 3 {
          quiescence.leave(0)
          quiescence.enter(0)
        }
      }
      #expect(count == 3)
    }
  }
}

@Suite("Counters that one thread writes and any may read")
struct CounterBankTests {
  @Test("Each counts for itself, from zero", arguments: [1, 15, 16, 17, 200])
  func apart(_ count: Int) {
    let bank = CounterBank(count: count)
    defer { bank.deallocate() }
    #expect(bank.count == count)
    #expect((0..<count).allSatisfy { bank[$0] == 0 })
    for round in 1...3 {
      for index in 0..<count { bank.add(UInt64(index * round), to: index) }
    }
    #expect((0..<count).allSatisfy { bank[$0] == UInt64(6 * $0) })
  }

  @Test("Past the largest number a counter begins anew, and does not stop the worker")
  func overflow() {
    let bank = CounterBank(count: 1)
    defer { bank.deallocate() }
    bank.add(.max, to: 0)
    bank.add(3, to: 0)
    #expect(bank[0] == 2)
  }
}

import PacketMaking
import Rings
import Synchronization
import Testing

#if WHOLE_MODULE
  private let milliseconds = 1000
#else
  private let milliseconds = 200
#endif

/// What workers read: two words that always agree, until control poisons them before it frees them.
private struct Snapshot {
  var number: UInt64
  var complement: UInt64

  init(_ number: UInt64) { (self.number, complement) = (number, ~number) }

  static func make(_ number: UInt64) -> UnsafePointer<Snapshot> {
    let place = UnsafeMutablePointer<Snapshot>.allocate(capacity: 1)
    place.initialize(to: Snapshot(number))
    return UnsafePointer(place)
  }

  static func poisonAndFree(_ old: UnsafePointer<Snapshot>) {
    let place = UnsafeMutablePointer(mutating: old)
    place.pointee.number = 0xdead_dead_dead_dead
    place.pointee.complement = 0xdead_dead_dead_dead
    place.deallocate()
  }
}

@Suite("A snapshot is whole when it is found, and stays until every worker has let go of it", .serialized)
struct SnapshotTests {
  @Test("What was published last is found, and what was there before comes back")
  func publish() {
    let quiescence = Quiescence(workers: 1)
    let first = Snapshot.make(1)
    let second = Snapshot.make(2)
    let cell = SnapshotCell(first, quiescence: quiescence)
    #expect(cell.load() == first)
    #expect(cell.publish(second, whileWaiting: {}) == first)
    #expect(cell.load() == second)
    #expect(cell.load().pointee.number == 2)
    Snapshot.poisonAndFree(first)
    Snapshot.poisonAndFree(second)
    cell.deallocate()
    quiescence.deallocate()
  }

  @Test("The new snapshot is already there while control waits for the old one")
  func publishedBeforeTheWait() {
    let quiescence = Quiescence(workers: 1)
    let (first, second) = (Snapshot.make(1), Snapshot.make(2))
    let cell = SnapshotCell(first, quiescence: quiescence)
    quiescence.enter(0)
    var seen: [UInt64] = []
    _ = cell.publish(second) {
      seen.append(cell.load().pointee.number)
      quiescence.pass(0)
    }
    #expect(seen == [2, 2])
    Snapshot.poisonAndFree(first)
    Snapshot.poisonAndFree(second)
    cell.deallocate()
    quiescence.deallocate()
  }

  /// Idle turns before a burst are what a worker does most, and what lets its loads run ahead of its stores.
  @Test("Workers that come, work, idle and go never see a poisoned snapshot", arguments: [0, 1, 40])
  func poison(_ idleTurns: Int) {
    let workers = 2
    let quiescence = Quiescence(workers: workers)
    let cell = SnapshotCell(Snapshot.make(0), quiescence: quiescence)
    let isOver = Atomic<Bool>(false)
    let (published, poisoned, backward, visits) = (Tally(), Tally(), Tally(), Tally())
    onThreads(workers + 1) { thread in
      if thread == workers {
        let deadline = Deadline(milliseconds: milliseconds)
        while !deadline.isOver {
          published.add()
          let old = cell.publish(Snapshot.make(published.count), whileWaiting: giveWay)
          Snapshot.poisonAndFree(old)
        }
        isOver.store(true, ordering: .releasing)
        return
      }
      var last: UInt64 = 0
      while !isOver.load(ordering: .acquiring) {
        quiescence.enter(thread)
        for _ in 0..<20 {
          for _ in 0..<idleTurns { quiescence.pass(thread) }
          let snapshot = cell.load()
          for _ in 0..<30 where snapshot.pointee.number != ~snapshot.pointee.complement {
            poisoned.add()
          }
          if snapshot.pointee.number < last { backward.add() }
          last = snapshot.pointee.number
          quiescence.pass(thread)
        }
        quiescence.leave(thread)
        visits.add()
      }
    }
    #expect(poisoned.count == 0, "reads of a snapshot that control had poisoned")
    #expect(backward.count == 0, "an older snapshot after a newer one")
    #expect(published.count > 0 && visits.count > 0)
    #expect(cell.load().pointee.number == published.count)
    Snapshot.poisonAndFree(cell.load())
    cell.deallocate()
    quiescence.deallocate()
  }
}

@Suite("Counters read while they are written")
struct CounterStressTests {
  @Test("A reader sees a counter grow, never fall, and in the end all of it")
  func reader() {
    let bank = CounterBank(count: 2)
    defer { bank.deallocate() }
    let falls = Tally()
    let additions: UInt64 = 100_000
    onThreads(2) { thread in
      if thread == 0 {
        for _ in 0..<additions { bank.add(3, to: 1) }
      } else {
        var last: UInt64 = 0
        while last < 3 * additions {
          let now = bank[1]
          if now < last { falls.add() }
          last = now
          giveWay()
        }
      }
    }
    #expect(falls.count == 0)
    #expect(bank[0] == 0)
    #expect(bank[1] == 3 * additions)
  }
}

import PacketMaking
import Rings
import Synchronization
import Testing

#if WHOLE_MODULE
  private let (mostElements, milliseconds) = (UInt64(4_000_000), 1000)
#else
  private let (mostElements, milliseconds) = (UInt64(1_000_000), 200)
#endif

@Suite("Two threads on one ring: nothing is lost, doubled or overtaken", .serialized)
struct RingStressTests {
  @Test("Bursts of random sizes on both sides", arguments: [1, 2, 8, 64, 1024])
  func bursts(_ capacity: Int) {
    withRing(of: UInt64.self, capacity: capacity) { ring in
      let sent = Atomic<UInt64>(.max)
      let (taken, wrong) = (Tally(), Tally())
      onThreads(2) { side in
        if side == 0 { produce(ring, sent) } else { consume(ring, sent, taken, wrong) }
      }
      #expect(wrong.count == 0, "elements that were not the next ones")
      #expect(taken.count == sent.load(ordering: .relaxed))
      #expect(taken.count > 0)
      #expect(ring.dequeue() == nil)
    }
  }

  @Test("Four words written by one thread are read together by the other")
  func wholeElements() {
    withRing(of: InlineArray<4, UInt64>.self, capacity: 4) { ring in
      let isOver = Atomic<Bool>(false)
      let (taken, torn) = (Tally(), Tally())
      onThreads(2) { side in
        var number: UInt64 = 0
        if side == 0 {
          let deadline = Deadline(milliseconds: milliseconds)
          while number < mostElements, !deadline.isOver {
            var element = InlineArray<4, UInt64>(repeating: number)
            if ring.enqueue(&element, 1) == 1 { number += 1 } else { giveWay() }
          }
          isOver.store(true, ordering: .releasing)
          return
        }
        while true {
          let isLast = isOver.load(ordering: .acquiring)
          if let element = ring.dequeue() {
            if !(0..<4).allSatisfy({ element[$0] == number }) { torn.add() }
            number += 1
            taken.add()
          } else if isLast {
            return
          } else {
            giveWay()
          }
        }
      }
      #expect(torn.count == 0)
      #expect(taken.count > 0)
    }
  }

  private func produce(_ ring: SPSCRing<UInt64>, _ sent: borrowing Atomic<UInt64>) {
    var random = Seeded(seed: 1)
    var next: UInt64 = 0
    let deadline = Deadline(milliseconds: milliseconds)
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { burst in
      while next < mostElements, !deadline.isOver {
        let count = 1 + random.below(64)
        for slot in 0..<count { burst[slot] = next + UInt64(slot) }
        let put = ring.enqueue(burst.baseAddress!, count)
        next += UInt64(put)
        if put == 0 { giveWay() }
      }
    }
    sent.store(next, ordering: .releasing)
  }

  private func consume(
    _ ring: SPSCRing<UInt64>, _ sent: borrowing Atomic<UInt64>, _ total: Tally, _ wrong: Tally
  ) {
    var random = Seeded(seed: 2)
    var next: UInt64 = 0
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { burst in
      while true {
        let isLast = sent.load(ordering: .acquiring) != .max
        var taken = 0
        if !random.chance(of: 4) {
          taken = ring.dequeue(burst.baseAddress!, 1 + random.below(64))
        } else if let element = ring.dequeue() {
          burst[0] = element
          taken = 1
        }
        for slot in 0..<taken where burst[slot] != next + UInt64(slot) { wrong.add() }
        next += UInt64(taken)
        if taken == 0 {
          if isLast { break }
          giveWay()
        }
      }
    }
    total.add(next)
  }
}

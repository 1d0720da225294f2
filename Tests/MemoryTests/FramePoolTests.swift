import Memory
import PacketMaking
import Synchronization
import Testing

@Suite("A pool gives the hottest frame, and loses and doubles none")
struct FramePoolTests {
  @Test("The last frame given back is the first one taken")
  func lastInFirstOut() throws {
    try withPool(frames: 128) { pool, _ in
      let taken = try (0..<10).map { _ in try #require(pool.take()) }
      for position in taken { pool.give(position) }
      for position in taken.reversed() { #expect(pool.take() == position) }
    }
  }

  @Test("Taken in a burst, the hottest comes last")
  func burstOrder() {
    withPool(frames: 128) { pool, _ in
      let taken = pool.take(atMost: 5)
      pool.give(taken)
      #expect(pool.take(atMost: 3) == Array(taken.suffix(3)))
      #expect(pool.take(atMost: 2) == Array(taken.prefix(2)))
    }
  }

  @Test("A dry pool fetches one magazine, and no more than it needs")
  func refill() {
    withPool(frames: 256) { pool, reserve in
      #expect(pool.count == 0)
      #expect(pool.take() != nil)
      #expect(pool.count == 63)
      #expect(reserve.fetchAll().count == 192)
    }
  }

  @Test("A full pool brings the frames that have lain longest, and keeps the hot ones")
  func spill() throws {
    try withPool(frames: 256) { pool, reserve in
      let taken = pool.take(atMost: 129)
      #expect(taken.count == 129)
      pool.give(Array(taken[0..<64]))
      #expect(pool.count == 127)
      pool.give(taken[64])
      #expect(pool.count == 128)
      let lowest = try #require(reserve.fetch())
      pool.give(taken[65])
      #expect(pool.count == 65)
      let brought = try #require(reserve.fetch())
      #expect(Set(brought).isDisjoint(with: lowest))
      #expect(Set(brought).isDisjoint(with: taken[2..<66]), "the 64 hottest stay")
      #expect(pool.take() == taken[65])
      #expect(pool.take() == taken[64])
    }
  }

  @Test(
    "Across the border of pool and reserve every frame exists exactly once", arguments: [128, 130, 192, 1000])
  func everyFrameOnce(_ capacity: Int) {
    withPool(frames: 512, capacity: capacity) { pool, _ in
      let all = Set(UInt32(0)..<512)
      for round in 0..<20 {
        var random = Seeded(seed: UInt64(round))
        let taken = pool.takeAll()
        #expect(taken.count == 512)
        #expect(Set(taken) == all)
        for position in taken.shuffled(using: &random) { pool.give(position) }
      }
    }
  }

  @Test("An empty pool on an empty reserve says so, and goes on with the first frame that comes back")
  func exhaustion() {
    withPool(frames: 64) { pool, _ in
      let taken = pool.takeAll()
      #expect(taken.count == 64)
      #expect(pool.take() == nil)
      #expect(pool.take(atMost: 8) == [])
      pool.give(taken[3])
      #expect(pool.take(atMost: 8) == [taken[3]])
      #expect(pool.take() == nil)
    }
  }

  @Test("Single frames and bursts of every length, in any order: no frame is out twice")
  func model() {
    withPool(frames: 320) { pool, _ in
      var random = Seeded(seed: 3)
      var out: [UInt32] = []
      for _ in 0..<20_000 {
        let count = random.below(70)
        switch random.below(4) {
        case 0: if let position = pool.take() { out.append(position) }
        case 1:
          let taken = pool.take(atMost: count)
          guard taken.count == min(count, 320 - out.count) else {
            Issue.record("a frame is lost")
            return
          }
          out += taken
        case 2: if let position = out.popLast() { pool.give(position) }
        default:
          out.shuffle(using: &random)
          pool.give(Array(out.suffix(count)))
          out.removeLast(min(count, out.count))
        }
        if Set(out).count != out.count {
          Issue.record("a frame is out twice")
          return
        }
      }
      pool.give(out)
      #expect(Set(pool.takeAll()) == Set(UInt32(0)..<320))
    }
  }

  @Test("Two pools on one reserve: what one gives, the other can take, all but a pool's own keep")
  func twoPools() {
    withPool(frames: 512) { giver, reserve in
      let taker = FramePool(capacity: 128, reserve: reserve)
      defer { taker.deallocate() }
      let taken = taker.takeAll()
      #expect(taken.count == 512)
      for position in taken { giver.give(position) }
      let again = taker.takeAll()
      #expect(again.count >= 512 - 128)
      #expect(Set(again + giver.takeAll()) == Set(taken))
    }
  }
}

@Suite("The reserve is shared by all threads")
struct FrameReserveTests {
  @Test("The first frames are used first, and every frame is there")
  func order() {
    withReserve(256) { reserve in
      #expect(reserve.fetch() == Array(0..<64))
      #expect(reserve.fetchAll() == Array(64..<256))
      #expect(reserve.fetch() == nil)
    }
  }

  @Test("There is room for all frames and 64 magazines more, and then none")
  func bounded() {
    withReserve(64) { reserve in
      let magazine = [UInt32](repeating: 7, count: 64)
      for _ in 0..<64 { #expect(reserve.bring(magazine)) }
      #expect(!reserve.bring(magazine))
    }
  }

  @Test("Threads that take and give at random lose and double no frame", arguments: [2, 4])
  func threads(_ count: Int) {
    #if WHOLE_MODULE
      let rounds = 50_000
    #else
      let rounds = 5_000
    #endif
    let leftovers = Mutex<[UInt32]>([])
    withReserve(1024) { reserve in
      onThreads(count) { thread in
        let pool = FramePool(capacity: 128, reserve: reserve)
        var random = Seeded(seed: UInt64(thread))
        var out: [UInt32] = []
        for _ in 0..<rounds {
          if random.chance(of: 2) {
            out += pool.take(atMost: random.below(32))
          } else {
            let count = min(random.below(40), out.count)
            pool.give(Array(out.suffix(count)))
            out.removeLast(count)
          }
        }
        pool.give(out)
        let kept = pool.take(atMost: pool.count)
        leftovers.withLock { $0 += kept }
        pool.deallocate()
      }
      let all = reserve.fetchAll() + leftovers.withLock { $0 }
      #expect(all.count == 1024)
      #expect(Set(all) == Set(UInt32(0)..<1024))
    }
  }
}

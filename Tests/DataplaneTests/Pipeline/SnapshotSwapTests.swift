import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Rings
import Testing

/// Control publishes while workers run: nothing is lost, nothing is judged by a mixture of two snapshots.
@Suite struct SnapshotSwapTests {
  static let workers = 2
  static let packets = 60_000

  @Test func `a hundred swaps under load lose nothing`() throws {
    let description = ClassifyDescription(.keyed, key: TestKey.counting)
    let everyone = OwnershipDescription(members: 2, playing: [0, 1], workers: Self.workers)
    let half = OwnershipDescription(members: 2, playing: [0], workers: Self.workers)
    let bench = try Bench(description, everyone, workers: Self.workers)
    defer { bench.deallocate() }
    let plane = Plane(description)
    let sets = neighbouringFlows.map { plane.set($0)! }

    let threads = try (0..<Self.workers).map { number in
      nonisolated(unsafe) let start = bench.workers[number]
      return try WorkerThread(name: "swap \(number)", processor: nil) {
        var worker = start
        WorkerLife.run(&worker) { hotRunReplayWorker(&$0, $1, $2) }
      }
    }
    var seen = [UInt8](repeating: 0, count: Self.packets)
    var reasons: [DropReason: Int] = [:]
    var wrong = 0, finished = 0, dealt = 0, swaps = 0
    func collect() {
      for worker in 0..<Self.workers {
        for packet in bench.finished(worker) {
          let number = Int(packet.number)
          seen[number] += 1
          finished += 1
          reasons[packet.reason, default: 0] += 1
          // Whichever snapshot it was: member 0's sets are always kept, member 1's never by another reason.
          let set = sets[number % 254]
          if packet.set != set || (packet.reason != .none && (packet.reason != .notMine || set % 2 == 0)) { wrong += 1 }
        }
      }
    }
    let deadline = Deadline(milliseconds: 30_000)
    while finished < Self.packets, !deadline.isOver {
      while dealt < Self.packets, dealt - finished < 512 {
        bench.deal(neighbouringFlows[dealt % 254], number: UInt64(dealt), to: dealt / 64 % Self.workers)
        dealt += 1
      }
      collect()
      if finished * 100 / Self.packets > swaps {
        swaps += 1
        let next = ClassifySnapshotBuilder.build(description, swaps % 2 == 1 ? half : everyone)
        let old = bench.shared.cell.publish(next) { collect() }
        ClassifySnapshotBuilder.destroy(old)
      }
    }
    for worker in 0..<Self.workers { bench.order(.stop, to: worker) }
    for thread in threads { thread.join() }
    collect()

    #expect(swaps >= 99)
    #expect(seen.allSatisfy { $0 == 1 })
    #expect(wrong == 0)
    // Both snapshots were at work.
    #expect(reasons[.none, default: 0] > Self.packets / 2 && reasons[.notMine, default: 0] > 0)
    #expect(reasons.keys.allSatisfy { $0 == .none || $0 == .notMine })
    let counted = bench.counters.reduce(0) { $0 + $1.keptPackets + $1.drops(.notMine) }
    #expect(counted == Self.packets)
    #expect(bench.counters.reduce(0) { $0 + $1.receivedPackets } == Self.packets)
  }
}

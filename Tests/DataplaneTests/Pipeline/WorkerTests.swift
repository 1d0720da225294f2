import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Rings
import Testing

/// The loop of one worker, and of two that exchange packets.
@Suite struct WorkerTests {
  static let alone = OwnershipDescription(members: 1, playing: [0], workers: 1)

  @Test func `an order to stop lets what has arrived be finished first`() throws {
    let bench = try Bench(ClassifyDescription(), Self.alone)
    defer { bench.deallocate() }
    for number in 0..<1000 { bench.deal(neighbouringFlows[number % 254], number: UInt64(number)) }
    bench.order(.stop)
    bench.run()
    #expect(bench.finished().map(\.number) == (0..<1000).map { UInt64($0) })
    let report = bench.reports[0].dequeue()
    #expect(report?.kind == .stopped && report?.worker == 0 && report?.value == 1000)
    #expect(bench.reports[0].dequeue() == nil)
  }

  @Test func `a worker without packets stops too`() throws {
    let bench = try Bench(ClassifyDescription(), Self.alone)
    defer { bench.deallocate() }
    bench.order(.stop)
    bench.run()
    #expect(bench.reports[0].dequeue()?.value == 0)
    #expect(bench.counters[0].bursts == 0)
  }

  @Test(arguments: [1, 2, 63, 64, 65, 128, 129, 1000])
  func `packets, bytes and bursts are counted for any number of packets`(_ count: Int) throws {
    let bench = try Bench(ClassifyDescription(), Self.alone)
    defer { bench.deallocate() }
    var random = Seeded(seed: UInt64(count))
    let frames = (0..<count).map { _ in hostileFrame(&random) }
    for frame in frames { bench.deal(frame) }
    bench.order(.stop)
    bench.run()
    let counters = bench.counters[0], plane = Plane()
    let kept = frames.filter { plane.set($0) != nil }
    #expect(counters.receivedPackets == count)
    #expect(counters.receivedBytes == frames.reduce(0) { $0 + $1.count })
    #expect(counters.keptPackets == kept.count)
    #expect(counters.keptBytes == kept.reduce(0) { $0 + $1.count })
    #expect(counters.bursts == (count + 63) / 64)
    let drops = DropReason.allCases.dropFirst().reduce(0) { $0 + counters.drops($1) }
    #expect(counters.keptPackets + drops == UInt64(count))
  }

  /// The worker classifies whole bursts in its own way; one frame at a time is the reference.
  @Test(arguments: ShortPathTests.descriptions.indices)
  func `in a burst a packet gets what it would get alone`(_ index: Int) throws {
    let description = ShortPathTests.descriptions[index]
    let bench = try Bench(description, Self.alone)
    defer { bench.deallocate() }
    let plane = Plane(description)
    var random = Seeded(seed: 64 + UInt64(index))
    for _ in 0..<4 {
      let frames = (0..<900).map { _ in
        random.chance(of: 3) ? neighbouringFlows[random.below(254)] : hostileFrame(&random)
      }
      for (number, frame) in frames.enumerated() { bench.deal(frame, number: UInt64(number)) }
      bench.order(.stop)
      bench.run()
      var differences = 0
      for packet in bench.finished() {
        let frame = frames[Int(packet.number)]
        let alone = plane.fullClassification(frame)
        if packet.reason != alone.reason || (alone.reason == .none && packet.set != Int(alone.workSet)) {
          differences += 1
        }
      }
      #expect(differences == 0)
    }
  }

  @Test func `what belongs to the other worker crosses, and is kept there`() throws {
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 2)
    let bench = try Bench(ClassifyDescription(), ownership, workers: 2)
    defer { bench.deallocate() }
    for (number, frame) in neighbouringFlows.enumerated() { bench.deal(frame, number: UInt64(number)) }
    for worker in 0..<2 {
      bench.order(.stop, to: worker)
      bench.run(worker)
    }
    let here = bench.finished(0), there = bench.finished(1)
    #expect(Set(here.map(\.number)).union(there.map(\.number)).count == 254)
    #expect(here.count + there.count == 254 && here.count > 80 && there.count > 80)
    #expect(here.allSatisfy { ownership.workers[$0.set] == 0 && $0.reason == .none })
    #expect(there.allSatisfy { ownership.workers[$0.set] == 1 && $0.reason == .none })
    #expect(bench.counters[0].crossedOut == there.count && bench.counters[1].crossedIn == there.count)
    #expect(bench.counters[0].receivedPackets == 254 && bench.counters[1].receivedPackets == 0)
    #expect(bench.counters[0].keptPackets + bench.counters[1].keptPackets == 254)
  }
}

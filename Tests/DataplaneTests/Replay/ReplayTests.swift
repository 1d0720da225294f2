import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Testing
import Wire

/// The whole replay, threads and all: however many workers there are and however packets are dealt, the same comes
/// out, in the same order.
@Suite(.serialized) struct ReplayTests {
  struct Outcome: Equatable {
    var packets: [[UInt8]] = []
    var verdicts: [UInt8] = []
    var sets: [Int] = []
    var received: UInt64 = 0, receivedBytes: UInt64 = 0, kept: UInt64 = 0, keptBytes: UInt64 = 0
    var drops: [UInt64] = []
    var inSets: [UInt64] = []
  }

  struct Way: Sendable, CustomTestStringConvertible {
    var workers: Int
    var deal: Deal
    var testDescription: String { "\(workers) workers, \(deal)" }
  }

  static let ways = (1...4).flatMap { [Way(workers: $0, deal: .toOwner), Way(workers: $0, deal: .inTurn)] }

  static let frames: [[UInt8]] = {
    var random = Seeded(seed: 4711)
    return (0..<6000).map { number in
      if number % 500 == 499 { return ethernet(.ipv4, ipv4(.udp, totalLength: 0, udp(random.octets(40_000)))) }
      return random.chance(of: 2) ? neighbouringFlows[random.below(254)] : hostileFrame(&random)
    }
  }()

  static func play(
    _ frames: [[UInt8]], _ way: Way, members: Int = 1, playing: Set<UInt8> = [0],
    _ classify: ClassifyDescription = ClassifyDescription(.keyed, key: TestKey.counting), most: Int = Burst.capacity
  ) throws -> (outcome: Outcome, crossedIn: UInt64, crossedOut: UInt64, perWorker: [UInt64], free: Bool) {
    var description = ReplayDescription(
      ownership: OwnershipDescription(members: members, playing: playing, workers: way.workers))
    description.workers = way.workers
    description.deal = way.deal
    description.classify = classify
    description.memory.frames = 2048
    let replay = try Replay(description, link: .ethernet)
    defer { replay.deallocate() }
    var dealer = replay.dealer(ListPort(frames, frames: replay.frames, most: most))
    defer { dealer.deallocate() }
    try replay.start()
    var outcome = Outcome()
    let deadline = Deadline(milliseconds: 10_000)
    while !deadline.isOver,
      dealer.turn(
        stop: false,
        deliver: { ref in
          let octets = UnsafeRawBufferPointer(start: replay.memory.address(of: ref), count: Int(ref.length))
          outcome.packets.append(Array(octets))
          outcome.verdicts.append(ref.verdict)
          outcome.sets.append(Int(ref.workSet))
        })
    {}
    replay.stop()
    for counters in replay.counters {
      outcome.received += counters.receivedPackets
      outcome.receivedBytes += counters.receivedBytes
      outcome.kept += counters.keptPackets
      outcome.keptBytes += counters.keptBytes
    }
    outcome.drops = DropReason.allCases.map { reason in replay.counters.reduce(0) { $0 + $1.drops(reason) } }
    outcome.inSets = (0..<WorkSets.count).map { set in replay.counters.reduce(0) { $0 + $1.packets(inSet: set) } }
    // Every frame is back: as many small ones can be taken as there are.
    var taken = 0
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    while replay.frames.take(length: 60, &ref) { taken += 1 }
    return (
      outcome, replay.counters.reduce(0) { $0 + $1.crossedIn }, replay.counters.reduce(0) { $0 + $1.crossedOut },
      replay.counters.map(\.receivedPackets), taken == 2048
    )
  }

  static let reference = Result { try play(frames, Way(workers: 1, deal: .toOwner), members: 3, playing: [0, 2]) }

  @Test(arguments: ways)
  func `the same packets come out in the same order with the same counts`(_ way: Way) throws {
    let reference = try Self.reference.get().outcome
    let result = try Self.play(Self.frames, way, members: 3, playing: [0, 2])
    expectSame(result.outcome.packets, Self.frames)
    expectSame(result.outcome.verdicts, reference.verdicts)
    let isSame = result.outcome == reference
    #expect(isSame)
    #expect(result.free)
  }

  @Test func `in is out and drops, and each packet's verdict is what it would get alone`() throws {
    let outcome = try Self.reference.get().outcome
    #expect(outcome.received == 6000)
    #expect(outcome.received == outcome.kept + outcome.drops.reduce(0, +))
    #expect(outcome.receivedBytes == Self.frames.reduce(0) { $0 + $1.count })
    #expect(outcome.kept == outcome.verdicts.filter { $0 == 0 }.count)
    let ownership = OwnershipDescription(members: 3, playing: [0, 2], workers: 1)
    let plane = Plane(ClassifyDescription(.keyed, key: TestKey.counting), ownership: ownership)
    var inSets = [UInt64](repeating: 0, count: WorkSets.count)
    try #require(outcome.verdicts.count == Self.frames.count)
    for (index, frame) in Self.frames.enumerated() {
      let result = plane.fullClassification(frame)
      var expected = result.reason
      if expected == .none {
        inSets[Int(result.workSet)] += 1
        expected = plane.fate(of: Int(result.workSet)).reason
      }
      if outcome.verdicts[index] != expected.rawValue { Issue.record("packet \(index): \(expected)") }
    }
    expectSame(outcome.inSets, inSets)
  }

  @Test(arguments: [2, 3, 4])
  func `dealt in turn packets cross, dealt to the owner none does`(_ workers: Int) throws {
    let turn = try Self.play(Self.frames, Way(workers: workers, deal: .inTurn))
    #expect(turn.crossedIn > 0)
    #expect(turn.crossedIn == turn.crossedOut)
    #expect(turn.perWorker.allSatisfy { $0 > 0 })
    let owner = try Self.play(Self.frames, Way(workers: workers, deal: .toOwner))
    #expect(owner.crossedIn == 0 && owner.crossedOut == 0)
    #expect(owner.perWorker.allSatisfy { $0 > 0 })
  }

  @Test func `the members of a cluster part the input among them`() throws {
    var verdicts: [[UInt8]] = []
    for member in UInt8(0)..<3 {
      verdicts.append(
        try Self.play(Self.frames, Way(workers: 2, deal: .inTurn), members: 3, playing: [member]).outcome.verdicts)
    }
    let whole = try Self.play(Self.frames, Way(workers: 1, deal: .toOwner)).outcome.verdicts
    try #require(verdicts.allSatisfy { $0.count == whole.count })
    for index in whole.indices {
      let keepers = verdicts.filter { $0[index] == 0 }.count
      if keepers != (whole[index] == 0 ? 1 : 0) { Issue.record("packet \(index) is kept \(keepers) times") }
    }
  }

  @Test(arguments: [1, 7, 63])
  func `bursts of any size give the same`(_ most: Int) throws {
    let reference = try Self.reference.get().outcome
    let result = try Self.play(
      Self.frames, Way(workers: 2, deal: .inTurn), members: 3, playing: [0, 2], most: most)
    let isSame = result.outcome == reference
    #expect(isSame)
  }

  @Test func `no packets at all come through as well`() throws {
    let result = try Self.play([], Way(workers: 3, deal: .inTurn))
    #expect(result.outcome.received == 0 && result.outcome.packets.isEmpty)
    #expect(result.free)
  }

  @Test func `a stop ends the input early and finishes what is under way`() throws {
    var description = ReplayDescription(ownership: OwnershipDescription(members: 1, playing: [0], workers: 2))
    description.workers = 2
    let replay = try Replay(description, link: .ethernet)
    defer { replay.deallocate() }
    var dealer = replay.dealer(ListPort(Self.frames, frames: replay.frames))
    defer { dealer.deallocate() }
    try replay.start()
    var delivered = 0, turns = 0
    while dealer.turn(stop: turns >= 10, deliver: { _ in delivered += 1 }) { turns += 1 }
    replay.stop()
    #expect(delivered > 0 && delivered < Self.frames.count)
    #expect(UInt64(delivered) == dealer.dealt)
    #expect(replay.counters.reduce(0) { $0 + $1.receivedPackets } == dealer.dealt)
  }
}

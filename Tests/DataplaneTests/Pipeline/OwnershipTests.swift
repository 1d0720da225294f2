import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Who does which work (C28, C29, X12), over every membership of up to six members.
@Suite struct OwnershipTests {
  /// Every set of members out of so many, as the bits of a number.
  private func subsets(of members: Int) -> [Set<UInt8>] {
    (0..<1 << members).map { bits in Set((0..<UInt8(members)).filter { bits >> Int($0) & 1 == 1 }) }
  }

  @Test(arguments: 1...6, [1, 2, 3, 4, 7])
  func `each set is kept by exactly one member, by one worker that there is`(_ members: Int, _ workers: Int) {
    var keepers = [Int](repeating: 0, count: WorkSets.count)
    var faults = 0
    for member in 0..<members {
      let ownership = OwnershipDescription(members: members, playing: [UInt8(member)], workers: workers)
      let plane = Plane(ownership: ownership)
      for set in 0..<WorkSets.count {
        let fate = plane.fate(of: set)
        switch fate.reason {
        case .none:
          keepers[set] += 1
          if fate.worker >= workers { faults += 1 }
        case .notMine: break
        default: faults += 1
        }
      }
    }
    #expect(faults == 0)
    #expect(keepers.allSatisfy { $0 == 1 })
  }

  @Test(arguments: 1...6, [1, 3])
  func `whoever plays several members keeps what they would keep`(_ members: Int, _ workers: Int) {
    var faults = 0
    for played in subsets(of: members) {
      let ownership = OwnershipDescription(members: members, playing: played, workers: workers)
      let plane = Plane(ownership: ownership)
      for set in 0..<WorkSets.count {
        let isKept = plane.fate(of: set).reason == .none
        if isKept != played.contains(ownership[set].member) { faults += 1 }
      }
    }
    #expect(faults == 0)
  }

  @Test func `a set without an owner, or between two, is nobody's, even to its member`() {
    var ownership = OwnershipDescription(members: 2, playing: [0, 1], workers: 2)
    ownership[5] = OwnershipEntry(state: .unassigned, member: 0)
    ownership[6] = OwnershipEntry(state: .pending, member: 0)
    ownership[7] = OwnershipEntry(state: .pending, member: 9)
    let plane = Plane(ownership: ownership)
    #expect(plane.fate(of: 5).reason == .workSetUnassigned)
    #expect(plane.fate(of: 6).reason == .workSetPending)
    #expect(plane.fate(of: 7).reason == .workSetPending)
    #expect(plane.fate(of: 8).reason == .none)
  }

  /// The whole way: a burst that belongs to all members, through the worker of each of them.
  @Test(arguments: [1, 2, 3, 6])
  func `each packet is kept by exactly one member, and dropped as another's by the rest`(_ members: Int) throws {
    var keepers = [Int](repeating: 0, count: neighbouringFlows.count)
    for member in 0..<members {
      let bench = try Bench(
        ClassifyDescription(.keyed, key: TestKey.counting),
        OwnershipDescription(members: members, playing: [UInt8(member)], workers: 1))
      defer { bench.deallocate() }
      for (number, frame) in neighbouringFlows.enumerated() { bench.deal(frame, number: UInt64(number)) }
      bench.order(.stop)
      bench.run()
      let finished = bench.finished()
      #expect(finished.map(\.number) == (0..<254).map { UInt64($0) })
      for packet in finished {
        if packet.reason == .none { keepers[Int(packet.number)] += 1 } else { #expect(packet.reason == .notMine) }
      }
      #expect(bench.counters[0].keptPackets + bench.counters[0].drops(.notMine) == 254)
      let inSets = (0..<WorkSets.count).reduce(0) { $0 + bench.counters[0].packets(inSet: $1) }
      #expect(inSets == 254)
    }
    #expect(keepers.allSatisfy { $0 == 1 })
  }
}

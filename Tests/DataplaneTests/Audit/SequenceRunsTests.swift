@testable import Dataplane
import PacketMaking
import Testing

@Suite struct SequenceRunsTests {
  private func gaps(_ numbers: [UInt32]) -> SequenceGaps {
    var runs = SequenceRuns()
    for number in numbers { runs.insert(number) }
    return runs.gaps
  }

  @Test func `numbers that are missing, and their holes`() {
    #expect(gaps([]) == SequenceGaps())
    #expect(gaps([7]) == SequenceGaps(lowest: 7, highest: 7, missing: 0, holes: 0))
    #expect(gaps([1, 2, 3, 4]) == SequenceGaps(lowest: 1, highest: 4, missing: 0, holes: 0))
    #expect(gaps([1, 2, 5, 6, 10]) == SequenceGaps(lowest: 1, highest: 10, missing: 5, holes: 2))
  }

  @Test func `order and duplicates make no difference`() {
    #expect(gaps([3, 1, 2, 2, 3, 1]) == SequenceGaps(lowest: 1, highest: 3, missing: 0, holes: 0))
    #expect(gaps([9, 5, 9, 6, 1]) == SequenceGaps(lowest: 1, highest: 9, missing: 5, holes: 2))
  }

  @Test func `32 bits that wrap go on above`() {
    let around: [UInt32] = [.max - 1, .max, 0, 2]
    #expect(
      gaps(around) == SequenceGaps(lowest: 0xffff_fffe, highest: 0x1_0000_0002, missing: 1, holes: 1))
    // Out of order at the wrap, and before the first one seen.
    #expect(gaps([1, .max, 0, .max - 1]) == SequenceGaps(lowest: 0xffff_fffe, highest: 0x1_0000_0001))
  }

  /// Against a set, in every order, with so few runs that they are merged on the way.
  @Test(arguments: 0..<20)
  func `as a set of numbers has it`(_ seed: Int) {
    var random = Seeded(seed: UInt64(seed))
    let base = UInt32.max - 500
    var runs = SequenceRuns()
    var seen: Set<UInt64> = []
    for _ in 0..<5000 {
      let step = UInt32(random.below(seed % 2 == 0 ? 1000 : 100_000))
      runs.insert(base &+ step)
      seen.insert(UInt64(base) + UInt64(step))
    }
    let list = seen.sorted()
    let holes = zip(list, list.dropFirst()).filter { $1 - $0 > 1 }
    let missing = holes.reduce(0) { $0 + $1.1 - $1.0 - 1 }
    #expect(
      runs.gaps
        == SequenceGaps(lowest: list[0], highest: list[list.count - 1], missing: missing, holes: UInt64(holes.count)))
  }
}

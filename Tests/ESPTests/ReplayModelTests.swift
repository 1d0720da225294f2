@testable import Dataplane
import Testing

private let wrap: UInt64 = 1 << 32

/// The window against a set of everything seen (rows 1, 3, 4, 6 to 12 and 16).
@Suite struct ReplayModelTests {
  private static let starts: [UInt64] = [
    0, 1, 62, 63, 64, 1000, wrap - 65, wrap - 64, wrap - 2, wrap - 1, wrap, wrap + 1, wrap + 62, wrap + 63, wrap + 64,
    9 * wrap - 1, .max - 66, .max - 1,
  ]

  private static func moved(_ number: UInt64, _ by: Int) -> UInt64? {
    let (sum, overflow) = number.addingReportingOverflow(UInt64(bitPattern: Int64(by)))
    return overflow == (by < 0) ? sum : nil
  }

  @Test(arguments: starts)
  func `a window of 64 agrees after every two arrivals within a window's reach`(_ start: UInt64) {
    var fault: String?
    for first in -66...66 {
      for second in -66...66 {
        var pair = Pair(size: 64, extended: true, after: start)
        defer { pair.window.deallocate() }
        guard let one = Self.moved(start, first) else { continue }
        pair.arrive(one)
        guard let two = Self.moved(pair.model.highest, second) else { continue }
        pair.arrive(two)
        pair.arrive(one)
        pair.arrive(two)
        pair.compareLost()
        fault = fault ?? pair.fault.map { "\(first), \(second): \($0)" }
      }
    }
    #expect(fault == nil)
  }

  @Test(arguments: [0, 1, 40, wrap - 70, wrap - 1] as [UInt64])
  func `a window of 64 without extended numbers agrees for every number near its ends`(_ start: UInt64) {
    var fault: String?
    for first in 0...140 {
      var pair = Pair(size: 64, extended: false, after: start)
      defer { pair.window.deallocate() }
      guard let one = Self.moved(start, first), one < wrap else { continue }
      pair.arrive(one)
      for low in 0...150 {
        pair.arrive(UInt64(low))
        if let number = Self.moved(start, low - 75), number < wrap { pair.arrive(number) }
      }
      pair.compareLost()
      fault = fault ?? pair.fault
    }
    #expect(fault == nil)
  }

  /// Reordering, duplicates, losses, jumps, and old packets from anywhere.
  @Test(arguments: [64, 128, 1024, 131_072], [0, 1, 2])
  func `agrees over random traffic, around 0 and around the wraps`(_ size: Int, _ place: Int) {
    var random = SeededRandom(seed: UInt64(size * 8 + place))
    let start = [0, wrap - 3000, 6 * wrap - UInt64(size)][place]
    for extended in [true, false] where extended || start < wrap {
      var pair = Pair(size: size, extended: extended, after: start)
      defer { pair.window.deallocate() }
      var next = start + 1
      for step in 0..<12_000 {
        let top = pair.model.highest
        let reach = UInt64(size) + 8
        var number = next
        switch random.next() % 16 {
        case 0...7: next += 1
        case 8: next += 1 + random.next() % 5
        case 9...12: number = top &- random.next() % min(reach, top + 1)
        case 13: number = top &- random.next() % min(8, top + 1)
        case 14 where step % 50 == 0: next += random.next() % (3 * reach)
        default: number = random.next() >> (random.next() % 64)
        }
        if !extended { number &= wrap - 1 }
        // A number from anywhere that is guessed right moves the window there: keep near the interesting places.
        if number > top, number - top > 4 * reach { number = top }
        pair.arrive(number)
        next = max(next, pair.model.highest + 1)
        if step % 997 == 0 { pair.compareLost() }
      }
      pair.compareLost()
      #expect(pair.fault == nil)
    }
  }

  @Test(arguments: [64, 131_072])
  func `agrees over jumps of every width up to 2^31`(_ size: Int) {
    for extended in [true, false] {
      var pair = Pair(size: size, extended: extended, after: 0)
      defer { pair.window.deallocate() }
      var number: UInt64 = 0
      for width in 0..<32 {
        for extra: UInt64 in [0, 1] {
          number += 1 << UInt64(width) - extra * (width == 0 ? 0 : 1)
          if !extended && number >= wrap { continue }
          pair.arrive(number)
          pair.arrive(number - 1)
          if number >= UInt64(size) { pair.arrive(number - UInt64(size) + 1) }
          pair.compareLost()
        }
      }
      #expect(pair.fault == nil)
    }
  }
}

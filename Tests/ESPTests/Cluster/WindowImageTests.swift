@testable import Dataplane
import Testing

/// What of a window goes along with its work set: never a number that has been seen, and all others of the newest part.
@Suite struct WindowImageTests {
  private struct Numbers {
    var state: UInt64
    mutating func next(below most: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % most
    }
  }

  /// A window that has seen some of the numbers on its way to here.
  private func seen(_ size: Int, _ last: UInt64, _ seed: UInt64, lossy: Bool) -> ReplayWindow {
    let first = last > UInt64(3 * size) ? last - UInt64(3 * size) : 0
    let window = ReplayWindow(size: size, extended: last > UInt64(UInt32.max), after: first)
    var numbers = Numbers(state: seed)
    var number = first
    while number < last {
      number += 1
      if number < last, lossy ? numbers.next(below: 2) == 0 : numbers.next(below: 97) == 0 { continue }
      _ = window.commit(number)
    }
    return window
  }

  @Test(
    arguments: [64, 128, 1024, 4096, 131_072], [1, 63, 64, 65, 1000, 70_000, 1 << 32 - 5, 1 << 40 + 17] as [UInt64])
  func `a window is the same elsewhere, number by number`(_ size: Int, _ last: UInt64) {
    let window = seen(size, last, 7, lossy: false), other = ReplayWindow(size: size, extended: window.isExtended)
    defer {
      window.deallocate()
      other.deallocate()
    }
    other.take(window.image(mostGaps: WindowImage.mostWords))
    var number = last > UInt64(2 * size) ? last - UInt64(2 * size) : 0
    var differing: [UInt64] = []
    while number <= last + 3 {
      if window.verdict(number) != other.verdict(number) { differing.append(number) }
      number += 1
    }
    #expect(differing.isEmpty && other.highest == last && other.lost == window.lost)
    // And goes on being the same.
    for next in [last + 2, last + 70, last + 1] {
      let same = window.commit(next) == other.commit(next)
      #expect(same && window.lost == other.lost)
    }
  }

  @Test(arguments: [64, 1024, 131_072], [64, 1024, 131_072])
  func `what is not carried counts as seen, whatever the other window's size`(_ size: Int, _ otherSize: Int) {
    let last: UInt64 = 300_011
    for mostGaps in [0, 1, 3, WindowImage.mostGaps] {
      let window = seen(size, last, 11, lossy: true), other = ReplayWindow(size: otherSize, extended: false)
      let image = window.image(mostGaps: mostGaps)
      #expect(image.gaps.count == min(mostGaps, size / 64))
      other.take(image)
      var opened: [UInt64] = [], kept = 0
      for number in last - UInt64(2 * max(size, otherSize))...last {
        let verdict = other.verdict(number)
        if verdict == .fresh, window.verdict(number) != .fresh { opened.append(number) }
        if verdict == .fresh { kept += 1 }
      }
      #expect(opened.isEmpty && (mostGaps == 0) == (kept == 0))
      window.deallocate()
      other.deallocate()
    }
  }

  @Test func `numbers do not go back: an older image changes nothing, but a closed window takes any`() {
    let window = seen(64, 500, 3, lossy: true), older = seen(64, 400, 3, lossy: true)
    defer {
      window.deallocate()
      older.deallocate()
    }
    let before = window.image(mostGaps: 2), image = older.image(mostGaps: 2)
    window.take(image)
    #expect(window.image(mostGaps: 2) == before)
    window.close()
    #expect(window.isClosed && [0, 1, 500, 501, 1 << 32 - 1].allSatisfy { window.verdict($0) != .fresh })
    window.take(image)
    #expect(!window.isClosed && window.image(mostGaps: 2) == image && window.verdict(401) == .fresh)
  }

  @Test(arguments: [64, 131_072]) func `no number is fresh in a closed window with extended numbers`(_ size: Int) {
    let window = seen(size, 1 << 33 + 5, 3, lossy: true)
    defer { window.deallocate() }
    window.close()
    for low in [0, 1, 4, 63, 64, 131_071, 131_072, 1 << 31, UInt32.max - 131_072, .max - 64, .max - 1, .max] as [UInt32]
    {
      #expect(window.check(low).verdict != .fresh, "\(low)")
    }
  }
}

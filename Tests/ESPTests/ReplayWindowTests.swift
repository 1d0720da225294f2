@testable import Dataplane
import Testing

private let wrap: UInt64 = 1 << 32
private let sizes = [64, 128, 1024, 131_072]

/// The window, rule by rule (RFC 4303 section 3.4.3); rows are those of the checklist of what an ESP is tested on.
@Suite struct ReplayWindowTests {
  @Test(arguments: sizes, [false, true])
  func `row 1: a replayed packet is refused before decryption`(_ size: Int, _ extended: Bool) {
    withWindow(size, extended: extended) { window in
      #expect(window.receive(7) == .fresh)
      #expect(window.check(7).verdict == .replayed)
      #expect(window.receive(8) == .fresh)
      #expect(window.check(7).verdict == .replayed)
    }
  }

  @Test(arguments: sizes, [false, true])
  func `row 2: the same number twice in one burst is refused the second time`(_ size: Int, _ extended: Bool) {
    withWindow(size, extended: extended) { window in
      let first = window.check(9), second = window.check(9)
      #expect(first.verdict == .fresh && second.verdict == .fresh)
      #expect(window.commit(first.sequence) == .fresh)
      #expect(window.commit(second.sequence) == .replayed)
    }
  }

  @Test(arguments: sizes)
  func `row 2: what left the window during its own burst is refused`(_ size: Int) {
    withWindow(size, extended: false) { window in
      let old = window.check(1), new = window.check(UInt32(size) + 1)
      #expect(window.commit(new.sequence) == .fresh)
      #expect(window.commit(old.sequence) == .tooOld)
    }
  }

  @Test(arguments: sizes, [false, true])
  func `row 3: late but inside the window is accepted once`(_ size: Int, _ extended: Bool) {
    withWindow(size, extended: extended) { window in
      window.receive(UInt64(size) + 5)
      var accepted = 0, refused = 0
      for number in 6..<UInt64(size) + 5 where window.receive(number) == .fresh { accepted += 1 }
      for number in 6...UInt64(size) + 5 where window.receive(number) == .replayed { refused += 1 }
      #expect(accepted == size - 1)
      #expect(refused == size)
    }
  }

  @Test(arguments: sizes)
  func `row 4: left of the window is too old, and its left end is not`(_ size: Int) {
    withWindow(size, extended: false) { window in
      window.receive(UInt64(size) + 5)
      #expect(window.check(6).verdict == .fresh)
      for low: UInt32 in 0...5 { #expect(window.check(low).verdict == .tooOld) }
    }
  }

  @Test(arguments: sizes, [false, true])
  func `row 5: a bad tag does not move the window`(_ size: Int, _ extended: Bool) {
    withWindow(size, extended: extended) { window in
      for number: UInt64 in [1, 2, 5, 900] { window.receive(number) }
      let before = window.image
      for low: UInt32 in [0, 3, 5, 901, 100_000, .max] { _ = window.check(low) }
      #expect(window.image == before)
      #expect(window.check(901).verdict == .fresh)
    }
  }

  @Test(arguments: [64, 128, 256, 512, 1024, 4096, 65_536, 131_072], [false, true])
  func `row 6: a window is exactly as wide as its size`(_ size: Int, _ extended: Bool) {
    // Three widths away from the start, at every offset within a word.
    for offset: UInt64 in 0..<64 {
      withWindow(size, extended: extended, after: 3 * UInt64(size)) { window in
        let top = 5 * UInt64(size) + offset
        window.receive(top)
        let left = top - UInt64(size) + 1
        #expect(window.verdict(left) == .fresh)
        #expect(window.verdict(left - 1) == .tooOld)
        #expect(window.verdict(top) == .replayed)
        #expect(window.size == size)
      }
    }
  }

  @Test func `row 6: a small window and its head share one cache line`() {
    #expect(MemoryLayout<ReplayWindow.Head>.stride == ReplayWindow.headBytes)
    #expect(MemoryLayout<ReplayWindow>.size == 8)
    #expect([64, 128, 256].map(ReplayWindow.bytes) == [64, 64, 64])
    #expect(ReplayWindow.bytes(size: 131_072) == 131_072 / 8 + 64)
    withWindow(64, extended: true) { #expect(UInt(bitPattern: $0.head) % 64 == 0) }
  }

  @Test(arguments: sizes, [false, true])
  func `the number 0, which nobody sends, is refused`(_ size: Int, _ extended: Bool) {
    withWindow(size, extended: extended) { window in
      #expect(window.check(0).verdict == .replayed)
      window.receive(1)
      #expect(window.check(0).verdict == .replayed)
    }
  }

  @Test(arguments: sizes)
  func `row 16: numbers that leave the window unseen are counted as lost`(_ size: Int) {
    let size64 = UInt64(size)
    withWindow(size, extended: true) { window in
      window.receive(1)
      window.receive(3)
      #expect(window.lost == 0)
      window.receive(size64 + 1)
      #expect(window.lost == 0)
      window.receive(size64 + 2)
      #expect(window.lost == 1)
      // Late, and so not lost.
      window.receive(4)
      window.receive(size64 + 4)
      #expect(window.lost == 1)
      // Over a whole window: what was in it and what was skipped, less those seen.
      window.receive(10 * size64)
      #expect(window.lost == 9 * size64 - 6)
    }
  }

  @Test func `row 16: after a takeover nothing from before it is lost or accepted`() {
    withWindow(64, extended: true, after: 5 * wrap) { window in
      #expect(window.check(0).verdict == .replayed)
      #expect(window.check(UInt32.max - 5).verdict == .replayed)
      for number in 1...200 { window.receive(5 * wrap + UInt64(number)) }
      #expect(window.lost == 0)
    }
  }

  @Test func `row 5: without extended numbers the last one closes the SA`() {
    withWindow(64, extended: false) { window in
      #expect(window.receive(wrap - 1) == .fresh)
      #expect(window.check(0).verdict == .tooOld)
      #expect(window.check(1).verdict == .tooOld)
      #expect(window.check(.max).verdict == .replayed)
    }
  }
}

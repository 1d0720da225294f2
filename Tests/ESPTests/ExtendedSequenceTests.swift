@testable import Dataplane
import Testing

private let wrap: UInt64 = 1 << 32
private let sizes = [64, 1024, 131_072]

/// Extended numbers: what the receiver takes the high half for (RFC 4303 appendix A2).
@Suite struct ExtendedSequenceTests {
  @Test(arguments: sizes, [0, 1, 7] as [UInt64])
  func `row 7: case A, the window lies in one subspace`(_ size: Int, _ high: UInt64) {
    // The smallest low half for case A, one in the middle, and the last before the wrap.
    for low in [UInt64(size) - 1, 0x8000_0000, wrap - 1] {
      let top = high * wrap + low
      withWindow(size, extended: true, after: top - 1) { window in
        window.receive(top)
        let left = UInt32(low + 1 - UInt64(size))
        // At the left end and to the right of it: this subspace; inside it is judged by its bit.
        #expect(window.check(left).sequence == high * wrap + UInt64(left))
        #expect(window.check(left).verdict == .replayed)
        #expect(window.check(UInt32(low)).verdict == .replayed)
        // Beyond the top: this subspace, fresh.
        if low < wrap - 1 {
          #expect(window.check(UInt32(low) + 1).sequence == top + 1)
          #expect(window.check(.max).sequence == high * wrap + wrap - 1)
          #expect(window.check(.max).verdict == .fresh)
        }
        // Left of the left end: the next subspace, fresh.
        if left > 0 {
          #expect(window.check(left - 1).sequence == (high + 1) * wrap + UInt64(left) - 1)
          #expect(window.check(left - 1).verdict == .fresh)
          #expect(window.check(0).sequence == (high + 1) * wrap)
        }
      }
    }
  }

  @Test(arguments: sizes, [1, 7] as [UInt64])
  func `row 8: case B, the window straddles the wrap`(_ size: Int, _ high: UInt64) {
    for low in [0, 1, UInt64(size) / 2, UInt64(size) - 2] {
      let top = high * wrap + low
      let left = top - UInt64(size) + 1
      withWindow(size, extended: true, after: left - 1) { window in
        window.receive(top)
        // From the left end to the wrap: the subspace before.
        for number in Set([left, left + 1, high * wrap - 1]) where number != top && number < high * wrap {
          #expect(window.check(UInt32(truncatingIfNeeded: number)).sequence == number)
          #expect(window.receive(number) == .fresh)
          #expect(window.receive(number) == .replayed)
        }
        // From the wrap to the top: this subspace, by its bit.
        #expect(window.check(UInt32(low)).verdict == .replayed)
        // Beyond the top, up to just left of the left end: this subspace, fresh.
        let last = UInt32(truncatingIfNeeded: left &- 1)
        #expect(window.check(UInt32(low) + 1).sequence == top + 1)
        #expect(window.check(last).sequence == high * wrap + UInt64(last))
        #expect(window.check(last).verdict == .fresh)
      }
    }
  }

  @Test(arguments: sizes)
  func `row 8: before the first wrap there is no subspace to go back to`(_ size: Int) {
    withWindow(size, extended: true) { window in
      window.receive(1)
      #expect(window.check(.max).sequence == wrap - 1)
      #expect(window.check(.max).verdict == .fresh)
    }
  }

  @Test(arguments: sizes)
  func `row 9: the high half is guessed before and kept only after decryption`(_ size: Int) {
    withWindow(size, extended: true, after: wrap - 2) { window in
      let guess = window.check(3)
      #expect(guess.sequence == wrap + 3)
      #expect(window.highest == wrap - 2)
      #expect(window.check(.max).sequence == wrap - 1)
      #expect(window.commit(guess.sequence) == .fresh)
      #expect(window.highest == wrap + 3)
    }
  }

  @Test(arguments: sizes)
  func `rows 10 and 11: the wrap is accepted, and what was sent just before it still is`(_ size: Int) {
    withWindow(size, extended: true, after: wrap - 40) { window in
      #expect(window.receive(wrap + 2) == .fresh)
      for number in wrap - 39..<wrap + 2 { #expect(window.receive(number) == .fresh) }
      for number in wrap - 39...wrap + 2 { #expect(window.receive(number) == .replayed) }
    }
  }

  @Test(arguments: sizes)
  func `row 12: a false wrap is for the tag to refuse, and leaves no trace`(_ size: Int) {
    withWindow(size, extended: true, after: wrap / 2) { window in
      window.receive(wrap / 2 + 1)
      let before = window.image
      // An old packet again: left of the window, and so taken for one of the next subspace.
      let old = window.check(5)
      #expect(old.verdict == .fresh && old.sequence == wrap + 5)
      #expect(window.image == before)
      #expect(window.receive(wrap / 2 + 2) == .fresh)
    }
  }

  @Test func `beyond the last of all numbers there is nothing`() {
    withWindow(64, extended: true, after: .max - 3) { window in
      #expect(window.receive(.max) == .fresh)
      #expect(window.receive(.max - 2) == .fresh)
      #expect(window.check(.max).verdict == .replayed)
      for low: UInt32 in [0, 1, 0x8000_0000] { #expect(window.check(low).verdict == .tooOld) }
    }
  }
}

/// The numbers that an outbound SA gives out.
@Suite struct OutboundSequenceTests {
  @Test(arguments: [false, true])
  func `the first number is 1 and each is given out once`(_ extended: Bool) {
    var sequence = OutboundSequence(extended: extended)
    var next: UInt64 = 1
    for wanted in [1, 64, 0, 7, 65, 1] {
      let run = sequence.take(wanted)
      #expect(run.first == next && run.count == wanted && !run.reachedSoftLimit)
      next += UInt64(wanted)
    }
  }

  @Test func `row 13: without extended numbers the last is 2^32 - 1, and then nothing`() {
    var sequence = OutboundSequence(extended: false, after: wrap - 4)
    var run = sequence.take(2)
    #expect(run.first == wrap - 3 && run.count == 2 && !sequence.isExhausted)
    run = sequence.take(2)
    #expect(run.first == wrap - 1 && run.count == 1 && sequence.isExhausted)
    for wanted in [1, 64] { #expect(sequence.take(wanted).count == 0) }
    #expect(sequence.last == wrap - 1)
  }

  @Test(arguments: [1, 3, 64])
  func `row 13: the soft limit is reported once, before the end`(_ burst: Int) {
    var sequence = OutboundSequence(extended: false, softLimit: wrap - 300, after: wrap - 1000)
    var reports: [UInt64] = []
    var given = 0
    for _ in 0..<2000 {
      let run = sequence.take(burst)
      given += run.count
      if run.reachedSoftLimit { reports.append(run.first + UInt64(run.count) - 1) }
    }
    #expect(given == 999)
    #expect(reports.count == 1)
    #expect(reports.allSatisfy { $0 >= wrap - 300 && $0 < wrap - 300 + UInt64(burst) })
  }

  @Test func `row 13: a takeover beyond the soft limit reports it at once`() {
    var sequence = OutboundSequence(extended: false, after: wrap - 10)
    #expect(sequence.take(1).reachedSoftLimit)
    #expect(!sequence.take(1).reachedSoftLimit)
  }

  @Test func `row 14: with extended numbers 2^32 is crossed inside a burst`() {
    var sequence = OutboundSequence(extended: true, after: wrap - 3)
    let run = sequence.take(8)
    #expect(run.first == wrap - 2 && run.count == 8)
    #expect(sequence.last == wrap + 5)
    #expect(sequence.take(1).first == wrap + 6)
  }

  @Test func `row 14: with extended numbers the end is 2^64 - 1`() {
    var sequence = OutboundSequence(extended: true, after: .max - 2)
    #expect(sequence.take(5).count == 2)
    #expect(sequence.take(5).count == 0 && sequence.isExhausted)
  }
}

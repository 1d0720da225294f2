@testable import Dataplane

/// What a replay window ought to say: every number ever seen, in a set, and RFC 4303 word by word.
struct SequenceModel {
  let size: UInt64
  let extended: Bool
  let start: UInt64
  var highest: UInt64
  var seen: Set<UInt64> = []

  init(size: Int, extended: Bool, after start: UInt64 = 0) {
    self.size = UInt64(size)
    self.extended = extended
    self.start = start
    highest = start
  }

  /// Appendix A2.1, as it is printed: T is the highest number seen, W the size, B the left end. nil where there is no
  /// such number.
  func number(_ low: UInt32) -> UInt64? {
    guard extended else { return UInt64(low) }
    let top = (high: highest >> 32, low: highest & 0xffff_ffff)
    let leftEnd = UInt64(UInt32(top.low) &- UInt32(size - 1))
    var high = top.high
    if top.low >= size - 1 {
      if UInt64(low) < leftEnd { high += 1 }
    } else if UInt64(low) >= leftEnd, high > 0 {
      high -= 1
    }
    return high >> 32 == 0 ? high << 32 | UInt64(low) : nil
  }

  func verdict(_ number: UInt64?) -> ReplayWindow.Verdict {
    guard let number else { return .tooOld }
    if number > highest { return .fresh }
    if highest - number >= size { return .tooOld }
    return number <= start || seen.contains(number) ? .replayed : .fresh
  }

  mutating func commit(_ number: UInt64) {
    guard verdict(number) == .fresh else { return }
    seen.insert(number)
    highest = max(highest, number)
  }

  /// Numbers after the start and left of the window that never came.
  var lost: UInt64 {
    guard highest >= size, highest - size > start else { return 0 }
    let left = highest - size
    return left - start - UInt64(seen.count { $0 <= left })
  }
}

/// A window and its model, side by side.
struct Pair {
  let window: ReplayWindow
  var model: SequenceModel
  /// The first disagreement.
  var fault: String?

  init(size: Int, extended: Bool, after start: UInt64 = 0) {
    window = ReplayWindow(size: size, extended: extended, after: start)
    model = SequenceModel(size: size, extended: extended, after: start)
  }

  /// A packet with this number arrives; it is authentic if that is the number the receiver guesses.
  mutating func arrive(_ number: UInt64) {
    let low = UInt32(truncatingIfNeeded: number)
    let expected = model.number(low)
    let wanted = model.verdict(expected)
    let check = window.check(low)
    if check.verdict != wanted || (expected != nil && check.sequence != expected) {
      note("check of \(number): \(check), not \(wanted) of \(expected as Any)")
    }
    guard check.verdict == .fresh, check.sequence == number else { return }
    let verdict = window.commit(number)
    model.commit(number)
    if verdict != .fresh { note("commit of \(number): \(verdict)") }
    if window.highest != model.highest { note("highest after \(number): \(window.highest), not \(model.highest)") }
  }

  mutating func compareLost() {
    if window.lost != model.lost { note("lost at \(model.highest): \(window.lost), not \(model.lost)") }
  }

  private mutating func note(_ text: String) { fault = fault ?? text }
}

/// Runs with a window that is gone afterwards.
func withWindow(_ size: Int, extended: Bool, after start: UInt64 = 0, _ body: (ReplayWindow) -> Void) {
  let window = ReplayWindow(size: size, extended: extended, after: start)
  defer { window.deallocate() }
  body(window)
}

extension ReplayWindow {
  /// A packet whose tag verifies: both steps.
  @discardableResult
  func receive(_ number: UInt64) -> Verdict {
    let check = check(UInt32(truncatingIfNeeded: number))
    guard check.verdict == .fresh else { return check.verdict }
    return check.sequence == number ? commit(number) : .tooOld
  }

  /// The window as bytes, to see that nothing changed.
  var image: [UInt8] {
    Array(UnsafeRawBufferPointer(start: head, count: MemoryLayout<Head>.size))
      + Array(UnsafeRawBufferPointer(start: words, count: size / 8))
  }
}

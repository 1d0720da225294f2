/// The anti-replay window of one inbound SA, or of one sender of a group SA (RFC 4303 section 3.4.3, appendix A).
///
/// Two steps: `check` before decryption, which changes nothing, and `commit` once the tag has verified. Between them
/// other packets of the burst may have moved the window, so that `commit` judges again.
///
/// A trivial handle on a small head and a ring of bits, one for each of the `size` numbers that end in the highest one
/// seen. The bit of a number is its remainder by the size. Everything at and before the start counts as seen: the
/// number 0, which nobody sends, is a replay, and nothing before the start is ever lost.
struct ReplayWindow: @unchecked Sendable {
  enum Verdict: UInt8 {
    case fresh
    case replayed
    /// Left of the window: nobody knows any more whether it was here.
    case tooOld
  }

  struct Check: BitwiseCopyable {
    var verdict: Verdict
    /// All 64 bits. With extended numbers the high half is a guess, which the tag confirms.
    var sequence: UInt64
  }

  struct Head: BitwiseCopyable {
    var highest: UInt64
    var lost: UInt64
    /// The size less one.
    var mask: UInt64
    var isExtended: Bool
    var isClosed = false
  }

  static let sizes = 64...131_072
  static let alignment = 64
  /// The words follow the head. A window of up to 256 lies on one cache line with it.
  @inline(__always) static var headBytes: Int { 32 }

  let head: UnsafeMutablePointer<Head>

  /// A window that is there already.
  @inline(__always)
  init(head: UnsafeMutablePointer<Head>) { self.head = head }

  @inline(__always)
  var words: UnsafeMutablePointer<UInt64> {
    (UnsafeMutableRawPointer(head) + Self.headBytes).assumingMemoryBound(to: UInt64.self)
  }

  /// No number is fresh: what it knew went with another member. It costs no look of its own, for every number lies left of
  /// the last there is.
  func close() {
    head.pointee.highest = .max
    head.pointee.isClosed = true
    words.update(repeating: .max, count: size / 64)
  }

  var isClosed: Bool { head.pointee.isClosed }

  /// What a window takes of a pool.
  static func bytes(size: Int) -> Int { (headBytes + size / 8 + alignment - 1) / alignment * alignment }

  /// A window in memory of the caller's, `bytes(size:)` long and aligned. `after` is the last number that was used
  /// before: not 0 where an SA is taken over.
  init(at memory: UnsafeMutableRawPointer, size: Int, extended: Bool, after highest: UInt64 = 0) {
    precondition(Self.sizes.contains(size) && size & (size - 1) == 0, "a power of two from 64 to 131072")
    precondition(extended || highest <= UInt64(UInt32.max))
    head = memory.bindMemory(to: Head.self, capacity: 1)
    head.initialize(to: Head(highest: highest, lost: 0, mask: UInt64(size - 1), isExtended: extended))
    (memory + Self.headBytes).bindMemory(to: UInt64.self, capacity: size / 64)
      .initialize(repeating: .max, count: size / 64)
  }

  /// A window in memory of its own, until `deallocate`.
  init(size: Int, extended: Bool, after highest: UInt64 = 0) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.bytes(size: size), alignment: Self.alignment)
    self.init(at: memory, size: size, extended: extended, after: highest)
  }

  func deallocate() { UnsafeMutableRawPointer(head).deallocate() }

  // What the operator sees.

  var size: Int { Int(head.pointee.mask) + 1 }
  var highest: UInt64 { head.pointee.highest }
  /// How many numbers left the window unseen.
  var lost: UInt64 { head.pointee.lost }

  /// Before decryption, by the number in the header.
  ///
  /// Without extended numbers that is all of it. With them there is exactly one number with this low half among the
  /// 2^32 that begin with the window's left end; appendix A2's cases A and B, with their sub-cases, are this sum
  /// written out. At the start of an SA the window begins before 0, and the left end is 0. Beyond 2^64 the sum wraps
  /// to a number left of the window.
  @inline(__always)
  func check(_ low: UInt32) -> Check {
    let highest = head.pointee.highest
    let mask = head.pointee.mask
    var sequence = UInt64(low)
    if head.pointee.isExtended {
      let left = highest > mask ? highest &- mask : 0
      sequence = left &+ UInt64(low &- UInt32(truncatingIfNeeded: left))
    }
    return Check(verdict: verdict(sequence), sequence: sequence)
  }

  /// After the tag has verified: marks the number as seen and moves the window if it is a new highest one. Any
  /// verdict but `fresh` says that nothing changed and the packet is to be dropped.
  @inline(__always)
  func commit(_ sequence: UInt64) -> Verdict {
    // Nearly always the next one: it takes the bit of the one that leaves, which says whether that was ever there.
    if sequence &- 1 == head.pointee.highest {
      let place = words + word(sequence)
      let bit: UInt64 = 1 &<< (sequence & 63)
      head.pointee.lost &+= place.pointee & bit == 0 ? 1 : 0
      place.pointee |= bit
      head.pointee.highest = sequence
      return .fresh
    }
    return commitFully(sequence)
  }

  @inline(never)
  private func commitFully(_ sequence: UInt64) -> Verdict {
    let verdict = verdict(sequence)
    guard verdict == .fresh else { return verdict }
    if sequence > head.pointee.highest { advance(to: sequence) }
    words[word(sequence)] |= 1 &<< (sequence & 63)
    return .fresh
  }

  @inline(__always)
  func verdict(_ sequence: UInt64) -> Verdict {
    let highest = head.pointee.highest
    if sequence > highest { return .fresh }
    if highest &- sequence > head.pointee.mask { return .tooOld }
    return (words[word(sequence)] &>> (sequence & 63)) & 1 == 0 ? .fresh : .replayed
  }

  @inline(__always)
  private func word(_ sequence: UInt64) -> Int {
    Int(truncatingIfNeeded: (sequence & head.pointee.mask) &>> 6)
  }

  /// Clears the bits of the numbers that come in, which are those of the numbers that go out.
  @inline(__always)
  private func advance(to sequence: UInt64) {
    let size = head.pointee.mask &+ 1
    let step = sequence &- head.pointee.highest
    // What is beyond a whole window comes in and goes out at once.
    var left = step < size ? step : size
    var lost = step &- left
    var next = sequence &- left &+ 1
    while left > 0 {
      let bit = next & 63
      let run = left < 64 &- bit ? left : 64 &- bit
      let leaving = (UInt64.max &>> (64 &- run)) &<< bit
      let place = word(next)
      lost &+= UInt64(truncatingIfNeeded: (leaving & ~words[place]).nonzeroBitCount)
      words[place] &= ~leaving
      next &+= run
      left &-= run
    }
    head.pointee.lost &+= lost
    head.pointee.highest = sequence
  }
}

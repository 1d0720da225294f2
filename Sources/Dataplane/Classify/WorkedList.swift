import Contract
import Synchronization

/// The digests of a member's notes, where the workers of the next one look up what they hold (X10). Each cancels one
/// packet: of two that are the same, of which one was worked on, one is left to do.
///
/// A handle. It never changes but for entries that are used up, by whichever worker is first.
struct WorkedList: BitwiseCopyable, @unchecked Sendable {
  private struct Head {
    var isComplete = true
    var mask = 0
  }

  private let head: UnsafeMutablePointer<Head>

  // Entries that are no digests.
  private static var free: UInt64 { 0 }
  private static var used: UInt64 { 1 }

  private var entries: UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(head + 1).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  init(_ notes: HandoverNotes) {
    let isComplete = notes.isComplete && notes.digests.count <= HandoverNotes.mostDigests
    let digests = isComplete ? notes.digests : []
    // At most half full, so that a look-up ends soon.
    var capacity = 2
    while capacity < 2 * digests.count { capacity *= 2 }
    let block = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Head>.stride + 8 * capacity, alignment: 16)
    head = block.bindMemory(to: Head.self, capacity: 1)
    head.initialize(to: Head())
    head.pointee.isComplete = isComplete
    head.pointee.mask = capacity - 1
    (block + MemoryLayout<Head>.stride).bindMemory(to: Atomic<UInt64>.self, capacity: capacity)
    for place in 0..<capacity { (entries + place).initialize(to: Atomic(Self.free)) }
    for digest in digests where digest > Self.used {
      var place = Int(truncatingIfNeeded: digest) & head.pointee.mask
      while entries[place].load(ordering: .relaxed) != Self.free { place = (place + 1) & head.pointee.mask }
      entries[place].store(digest, ordering: .relaxed)
    }
  }

  func deallocate() { UnsafeMutableRawPointer(head).deallocate() }

  var isComplete: Bool { head.pointee.isComplete }

  /// True: there was an entry for it, and now there is one less.
  func cancel(_ digest: UInt64) -> Bool {
    let mask = head.pointee.mask
    var place = Int(truncatingIfNeeded: digest) & mask
    while true {
      let entry = entries[place].load(ordering: .relaxed)
      if entry == Self.free { return false }
      if entry == digest,
        entries[place].compareExchange(expected: digest, desired: Self.used, ordering: .relaxed).exchanged
      {
        return true
      }
      place = (place &+ 1) & mask
    }
  }
}

/// A list, and which sets begin by it as a table has it.
struct WorkedSets: BitwiseCopyable {
  let list: WorkedList
  private var bits = InlineArray<16, UInt64>(repeating: 0)

  init(_ list: WorkedList, _ sets: Set<Int>) {
    self.list = list
    for set in sets where set >= 0 && set < WorkSets.count { bits[set / 64] |= 1 << UInt64(set % 64) }
  }

  func has(_ set: Int) -> Bool { bits[unchecked: set &>> 6] &>> UInt64(truncatingIfNeeded: set & 63) & 1 == 1 }
}

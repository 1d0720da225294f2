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

  /// One packet, however often it came: anybody can send the same one a thousand times.
  private struct Entry: ~Copyable {
    var digest: UInt64 = 0
    let left = Atomic<UInt32>(0)
  }

  private let head: UnsafeMutablePointer<Head>

  /// No packet has these.
  private static var mostOther: UInt64 { 1 }

  private var entries: UnsafeMutablePointer<Entry> {
    UnsafeMutableRawPointer(head + 1).assumingMemoryBound(to: Entry.self)
  }

  init(_ notes: HandoverNotes) {
    let isComplete = notes.isComplete && notes.digests.count <= HandoverNotes.mostInAll
    let digests = isComplete ? notes.digests : []
    // At most half full, so that a look-up ends soon.
    var capacity = 2
    while capacity < 2 * digests.count { capacity *= 2 }
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Head>.stride + MemoryLayout<Entry>.stride * capacity, alignment: 16)
    head = block.bindMemory(to: Head.self, capacity: 1)
    head.initialize(to: Head())
    head.pointee.isComplete = isComplete
    head.pointee.mask = capacity - 1
    (block + MemoryLayout<Head>.stride).bindMemory(to: Entry.self, capacity: capacity)
    for place in 0..<capacity { (entries + place).initialize(to: Entry()) }
    for digest in digests where digest > Self.mostOther {
      var place = Int(truncatingIfNeeded: digest) & head.pointee.mask
      while entries[place].digest != digest, entries[place].digest != 0 { place = (place + 1) & head.pointee.mask }
      entries[place].digest = digest
      entries[place].left.wrappingAdd(1, ordering: .relaxed)
    }
  }

  func deallocate() { UnsafeMutableRawPointer(head).deallocate() }

  var isComplete: Bool { head.pointee.isComplete }

  /// True: there was an entry for it, and now there is one less.
  func cancel(_ digest: UInt64) -> Bool {
    let mask = head.pointee.mask
    var place = Int(truncatingIfNeeded: digest) & mask
    while entries[place].digest != digest {
      if entries[place].digest == 0 { return false }
      place = (place &+ 1) & mask
    }
    var left = entries[place].left.load(ordering: .relaxed)
    while left > 0 {
      let found = entries[place].left.compareExchange(expected: left, desired: left &- 1, ordering: .relaxed)
      if found.exchanged { return true }
      left = found.original
    }
    return false
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

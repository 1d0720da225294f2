import Contract
import Rings
import Synchronization

/// One worker's notes of what it has worked on of sets that are about to be another member's (X10). The worker writes, the
/// cluster's thread reads.
struct GivingNotes: @unchecked Sendable {
  struct Note: BitwiseCopyable {
    var digest: UInt64 = 0
    /// By which it was worked on.
    var table: UInt32 = 0
    var set: UInt16 = 0
  }

  /// Of a fragment that waits for others. It is noted when its packet is whole: were it noted now and the others came to
  /// the next member, neither would have all.
  private struct Waiting {
    var digest: UInt64 = 0
    var set: UInt16 = 0
    var datagram: UInt16 = 0
  }

  /// As many as come while a message goes and comes back: a million packets a second, for four milliseconds.
  static var capacity: Int { 4096 }
  static var mostWaiting: Int { 256 }

  private let ring: SPSCRing<Note>
  /// By set: the last table under which a note found no room.
  private let missed: UnsafeMutablePointer<Atomic<UInt32>>
  private let waiting: UnsafeMutablePointer<Waiting>
  private let waitingCount: UnsafeMutablePointer<Int>

  init() {
    ring = SPSCRing(capacity: Self.capacity)
    missed = .allocate(capacity: WorkSets.count)
    for set in 0..<WorkSets.count { (missed + set).initialize(to: Atomic(0)) }
    waiting = .allocate(capacity: Self.mostWaiting)
    waiting.initialize(repeating: Waiting(), count: Self.mostWaiting)
    waitingCount = .allocate(capacity: 1)
    waitingCount.initialize(to: 0)
  }

  func deallocate() {
    ring.deallocate()
    missed.deinitialize(count: WorkSets.count)
    missed.deallocate()
    waiting.deallocate()
    waitingCount.deallocate()
  }

  // The worker

  func add(_ digest: UInt64, set: UInt16, table: UInt32) {
    var note = Note(digest: digest, table: table, set: set)
    // A worker says that it has left a table only behind all this, so whoever heard that sees this.
    if ring.enqueue(&note, 1) == 0 { missed[Int(set)].store(table, ordering: .relaxed) }
  }

  /// A fragment of that datagram, worked on as far as it can be. The first of one ends what was known of another.
  func wait(_ digest: UInt64, set: UInt16, datagram: Int, table: UInt32) {
    let count = waitingCount.pointee
    if count == Self.mostWaiting { return missed[Int(set)].store(table, ordering: .relaxed) }
    waiting[count] = Waiting(digest: digest, set: set, datagram: UInt16(truncatingIfNeeded: datagram))
    waitingCount.pointee = count &+ 1
  }

  /// Of a datagram that is whole now, or that is another one's place: nil forgets what was known.
  func settle(datagram: Int, table: UInt32?) {
    var kept = 0
    var index = 0
    while index < waitingCount.pointee {
      let one = waiting[index]
      if Int(one.datagram) != datagram {
        waiting[kept] = one
        kept &+= 1
      } else if let table {
        add(one.digest, set: one.set, table: table)
      }
      index &+= 1
    }
    waitingCount.pointee = kept
  }

  // The cluster's thread

  func next() -> Note? { ring.dequeue() }

  /// The last table under which one is missing; 0: none ever was.
  func missed(of set: Int) -> UInt32 { missed[set].load(ordering: .relaxed) }
}

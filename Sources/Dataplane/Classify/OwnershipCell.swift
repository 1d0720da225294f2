package import Contract
import Synchronization

/// What happens to a work set's packets at this member: a DropReason below, and above it, when that is none, the number
/// of the worker whose they are. The same halves as in a Judgement, so that one shift joins it to a work set.
///
/// Of a set that is changing hands the lower half is no reason, and never that of a packet that leaves its stage: what has
/// it goes the way of packets that are not ours, and that is where it is told apart (X10).
struct Disposition: BitwiseCopyable {
  let bits: UInt16

  @inline(__always) init(bits: UInt16) { self.bits = bits }
  @inline(__always) init(worker: UInt8) { bits = UInt16(worker) << 8 }
  @inline(__always) init(_ reason: DropReason) { bits = UInt16(reason.rawValue) }
  /// Another member's, and passed on: above stands whose.
  init(passedTo member: UInt8) { bits = UInt16(DropReason.passedOn.rawValue) | UInt16(member) << 8 }
  /// That worker's, and what it works on is noted.
  @inline(__always) init(giving worker: UInt8) { bits = UInt16(worker) << 8 | UInt16(Self.given) }
  /// Kept until it is ours.
  @inline(__always) static var held: Disposition { Disposition(bits: UInt16(kept)) }

  @inline(__always) var verdict: UInt8 { UInt8(truncatingIfNeeded: bits) }
  @inline(__always) var worker: UInt8 { UInt8(truncatingIfNeeded: bits >> 8) }
  @inline(__always) var isGiving: Bool { verdict == Self.given }
  @inline(__always) var isHeld: Bool { verdict == Self.kept }
  @inline(__always) var isOurs: Bool { verdict == 0 || isGiving }

  // Above every reason.
  @inline(__always) static var given: UInt8 { 0xfe }
  @inline(__always) static var kept: UInt8 { 0xff }
}

/// What lies behind the dispositions of a table.
struct OwnershipTail {
  @inline(__always) static var dispositions: Int { 2 * WorkSets.count }

  /// The next table has the next one.
  let number: UInt32
  /// The last one by which a work set became this member's.
  let begun: UInt32
  let worked: UnsafeMutablePointer<WorkedSets>
  let workedCount: Int
  /// What comes, comes to this member alone, and so nobody else has worked on what waits here.
  let isSole: Bool

  @inline(__always)
  static func of(_ table: UnsafePointer<Disposition>) -> UnsafePointer<OwnershipTail> {
    UnsafeRawPointer(table + dispositions).assumingMemoryBound(to: OwnershipTail.self)
  }

  /// What the member before has worked on; nil: nobody says.
  func worked(on set: Int) -> WorkedList? {
    var index = 0
    while index < workedCount {
      if worked[index].has(set) { return worked[index].list }
      index &+= 1
    }
    return nil
  }
}

/// Where workers find what becomes of each work set. The table is replaced as a whole (X12), by one thread, and apart
/// from the snapshots: a table changes hands within microseconds, a configuration is minutes of somebody's work.
package struct OwnershipCell: @unchecked Sendable {
  private let current: UnsafeMutablePointer<Atomic<UInt>>

  package init(_ first: OwnershipDescription) {
    current = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt>.self, capacity: 1)
    current.initialize(to: Atomic(UInt(bitPattern: Self.table(first, number: 1, begun: 1, []))))
  }

  package func deallocate() {
    UnsafeRawPointer(load()).deallocate()
    current.deinitialize(count: 1)
    UnsafeMutableRawPointer(current).deallocate()
  }

  /// What it returns is good until the worker's next quiescent point.
  @inline(__always)
  func load() -> UnsafePointer<Disposition> {
    // edge ownership.content: acquire; pairs with the release in replace.
    UnsafePointer(bitPattern: current.pointee.load(ordering: .acquiring)).unsafelyUnwrapped
  }

  /// Of the table in force, as long as it is.
  var number: UInt64 { UInt64(current.pointee.load(ordering: .relaxed)) }

  /// For the thread that replaces tables.
  var nextNumber: UInt32 { OwnershipTail.of(load()).pointee.number &+ 1 }

  /// The table before it: to be freed when no worker can hold it any more. `worked` outlives the next one.
  func replace(by next: OwnershipDescription, worked: [WorkedSets] = []) -> UnsafeRawPointer {
    let number = nextNumber, old = load()
    let isBeginning = (0..<WorkSets.count).contains { next.isOurs($0) && !old[$0].isOurs }
    let begun = isBeginning ? number : OwnershipTail.of(old).pointee.begun
    let table = Self.table(next, number: number, begun: begun, worked)
    // edge ownership.content: release; pairs with the acquire in load. The table is written before, and so are the numbers
    // and windows of work sets that begin by it.
    current.pointee.store(UInt(bitPattern: table), ordering: .releasing)
    return UnsafeRawPointer(old)
  }

  /// One for each set of what comes in; behind those, one for each of what turns out to be of that set only later, because
  /// it came in pieces, or its SA has another set than the packet (X9). In one block, so that freeing it frees all.
  private static func table(
    _ ownership: OwnershipDescription, number: UInt32, begun: UInt32, _ worked: [WorkedSets]
  ) -> UnsafePointer<Disposition> {
    let size = MemoryLayout<Disposition>.stride * OwnershipTail.dispositions,
      behind = MemoryLayout<OwnershipTail>.stride
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: size + behind + MemoryLayout<WorkedSets>.stride * worked.count, alignment: 16)
    let table = block.bindMemory(to: Disposition.self, capacity: OwnershipTail.dispositions)
    for set in 0..<WorkSets.count {
      (table + set).initialize(to: disposition(of: set, ownership, isLate: false))
      (table + WorkSets.count + set).initialize(to: disposition(of: set, ownership, isLate: true))
    }
    let lists = (block + size + behind).bindMemory(to: WorkedSets.self, capacity: worked.count)
    for (index, list) in worked.enumerated() { (lists + index).initialize(to: list) }
    (block + size).bindMemory(to: OwnershipTail.self, capacity: 1)
      .initialize(
        to: OwnershipTail(
          number: number, begun: begun, worked: lists, workedCount: worked.count,
          isSole: ownership.foreign == .forwarded))
    return UnsafePointer(table)
  }

  private static func disposition(of set: Int, _ ownership: OwnershipDescription, isLate: Bool) -> Disposition {
    switch ownership[set].state {
    case .unassigned: Disposition(.workSetUnassigned)
    case .assigned where !ownership.isOurs(set):
      ownership.foreign == .forwarded || ownership.foreign == .seenByAll && isLate
        ? Disposition(passedTo: ownership[set].member) : Disposition(.notMine)
    // What is of the set only now has been seen by nobody else: it waits, whether the member before notes yet or not.
    case .pending:
      ownership.held.contains(set) || isLate && ownership.isComing(set) ? .held : Disposition(.workSetPending)
    case .assigned:
      ownership.giving.contains(set)
        ? Disposition(giving: ownership.workers[set]) : Disposition(worker: ownership.workers[set])
    }
  }
}

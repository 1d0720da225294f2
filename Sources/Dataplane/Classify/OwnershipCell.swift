package import Contract
import Synchronization

/// What happens to a work set's packets at this member: a DropReason below, and above it, when that is none, the number
/// of the worker whose they are. The same halves as in a Judgement, so that one shift joins it to a work set.
struct Disposition: BitwiseCopyable {
  let bits: UInt16

  @inline(__always) init(worker: UInt8) { bits = UInt16(worker) << 8 }
  @inline(__always) init(_ reason: DropReason) { bits = UInt16(reason.rawValue) }

  @inline(__always) var verdict: UInt8 { UInt8(truncatingIfNeeded: bits) }
  @inline(__always) var worker: UInt8 { UInt8(truncatingIfNeeded: bits >> 8) }
}

/// Where workers find what becomes of each work set. The table is replaced as a whole (X12), by one thread, and apart
/// from the snapshots: a table changes hands within microseconds, a configuration is minutes of somebody's work.
package struct OwnershipCell: @unchecked Sendable {
  private let current: UnsafeMutablePointer<Atomic<UInt>>

  package init(_ first: OwnershipDescription) {
    current = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt>.self, capacity: 1)
    current.initialize(to: Atomic(UInt(bitPattern: Self.table(first))))
  }

  package func deallocate() {
    load().deallocate()
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

  /// The table before it: to be freed when no worker can hold it any more.
  func replace(by next: OwnershipDescription) -> UnsafeRawPointer {
    // edge ownership.content: release; pairs with the acquire in load. The table is written before, and so are the numbers
    // and windows of work sets that begin by it.
    let old = current.pointee.exchange(UInt(bitPattern: Self.table(next)), ordering: .acquiringAndReleasing)
    return UnsafeRawPointer(bitPattern: old).unsafelyUnwrapped
  }

  private static func table(_ ownership: OwnershipDescription) -> UnsafePointer<Disposition> {
    let table = UnsafeMutablePointer<Disposition>.allocate(capacity: WorkSets.count)
    for set in 0..<WorkSets.count {
      let entry = ownership[set]
      let disposition =
        switch entry.state {
        case .unassigned: Disposition(.workSetUnassigned)
        case .assigned where !ownership.played.contains(entry.member): Disposition(.notMine)
        case .pending: Disposition(.workSetPending)
        case .assigned: Disposition(worker: ownership.workers[set])
        }
      (table + set).initialize(to: disposition)
    }
    return UnsafePointer(table)
  }
}

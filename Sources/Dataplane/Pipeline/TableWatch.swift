import Contract
import Memory

/// Which table a member's worker judges by. A packet that lies in a ring when its work set changes hands was sent to
/// whoever had the set then, and he has worked on it: the next owner, whose worker may be slow to see it, must not do so
/// again. So a table counts, for each side, from the moment at which that side's ring has once been empty.
struct TableWatch {
  private let cell: OwnershipCell
  private var newest: UnsafePointer<Disposition>
  private var current: (inside: UnsafePointer<Disposition>, outside: UnsafePointer<Disposition>)
  /// By side: bursts of what may have come before the newest.
  private var rounds = (inside: 0, outside: 0)

  /// As much as any device's ring holds: more than that has come since.
  private static var mostRounds: Int { 128 }

  init(_ cell: OwnershipCell) {
    self.cell = cell
    newest = cell.load()
    current = (newest, newest)
  }

  /// Before a receive: one that finds the ring empty says so only of what came before it.
  @inline(__always)
  mutating func look() {
    let found = cell.load()
    if found != newest {
      newest = found
      rounds = (Self.mostRounds, Self.mostRounds)
    }
  }

  /// For a burst of so many that was received right behind the look.
  @inline(__always)
  mutating func table(_ side: Side, _ received: Int) -> UnsafePointer<Disposition> {
    let table = side == .inside ? current.inside : current.outside
    return table == newest ? table : pass(side, received, table)
  }

  /// For what control gives to a worker, as if it came from inside.
  var inside: UnsafePointer<Disposition> { current.inside }

  /// A burst that is not full has emptied the ring; the next one comes under the newest table. What came to this member
  /// alone goes by that at once: were it passed on by the old one, it might come to somebody who has stopped by now.
  @inline(never)
  private mutating func pass(
    _ side: Side, _ received: Int, _ table: UnsafePointer<Disposition>
  ) -> UnsafePointer<Disposition> {
    let isSole = OwnershipTail.of(newest).pointee.isSole
    if side == .inside {
      rounds.inside &-= 1
      if isSole || received < Burst.capacity || rounds.inside <= 0 { current.inside = newest }
    } else {
      rounds.outside &-= 1
      if isSole || received < Burst.capacity || rounds.outside <= 0 { current.outside = newest }
    }
    return isSole ? newest : table
  }

  /// By which nothing is judged any more but by this; nil while sides differ.
  var settled: UnsafePointer<Disposition>? {
    current.inside == newest && current.outside == newest ? newest : nil
  }
}

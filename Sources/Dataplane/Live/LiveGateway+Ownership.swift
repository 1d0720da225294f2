package import Contract
import Rings

/// Whose work sets are, as the cluster's thread changes it. It alone does, and it waits for no worker.
extension LiveGateway {
  /// Tables that a worker may still go by, and how far all workers are with leaving them.
  package struct OwnershipChange: @unchecked Sendable {
    fileprivate var tables: [UnsafeRawPointer] = []
    /// What only those may still read.
    fileprivate var lists: [WorkedList] = []
    /// All have left them. How much workers had sent over to each other by then, which may have yet to be taken.
    fileprivate var crossed: [UInt]?
    /// It has been taken, and may have yet to leave.
    fileprivate var since: Quiescence.Moment?

    package init() {}

    package var isUnderWay: Bool { !tables.isEmpty }
  }

  /// In force for what comes from now on.
  ///
  /// `worked`: by sets that begin to be ours, what the member before has worked on of what is held of them (X10). Held
  /// packets of a set that begins without are not worked on. It need be said once: the tables behind have it, too, as long
  /// as a worker may not have come to this one.
  package func publish(
    _ next: OwnershipDescription, worked: [HandoverNotes] = [], _ change: inout OwnershipChange
  ) {
    change.lists += handoverBook.turn(
      to: next, ownership.nextNumber, worked: worked, isAlone: !change.isUnderWay)
    change.tables.append(ownership.replace(by: next, worked: handoverBook.lists))
    change.crossed = nil
    change.since = nil
    wakeWorkers()
  }

  /// True, once: no worker has anything of the tables before any more, and all that they judged by those has left.
  package func finish(_ change: inout OwnershipChange) -> Bool {
    // Often enough that workers find room for more.
    handoverBook.gather()
    guard change.isUnderWay, let cluster else { return false }
    let workers = exchanges.count
    guard let moment = change.since else {
      guard cluster.haveAdopted(ownership.number, workers: workers) else {
        wakeWorkers()
        return false
      }
      // What has crossed from worker to worker was judged by the table before, and leaves with the round that takes it.
      // More comes behind it, by the new one: where workers are busy the rings may never be empty.
      let crossed = change.crossed ?? shared.crossing.putIn
      change.crossed = crossed
      guard shared.crossing.hasTaken(crossed) else { return false }
      change.since = shared.quiescence.note()
      return false
    }
    guard shared.quiescence.hasPassed(moment) else {
      wakeWorkers()
      return false
    }
    forget(&change)
    return true
  }

  /// What was worked on of sets that were being given away and have been stopped: after the change that stopped them is
  /// over, and once.
  package func takeNotes(of sets: Set<Int>) -> HandoverNotes { handoverBook.takeNotes(of: sets) }

  /// At the end, when no worker is there any more.
  package func forget(_ change: inout OwnershipChange) {
    for table in change.tables { table.deallocate() }
    for list in change.lists { list.deallocate() }
    change = OwnershipChange()
  }

  private func wakeWorkers() {
    for exchange in exchanges { exchange.wakeWorker() }
  }
}

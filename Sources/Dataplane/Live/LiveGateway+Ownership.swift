package import Contract
import Rings

/// Whose work sets are, as the cluster's thread changes it. It alone does, and it waits for no worker.
extension LiveGateway {
  /// Tables that a worker may still go by, and how far all workers are with leaving them.
  package struct OwnershipChange: @unchecked Sendable {
    fileprivate var tables: [UnsafeRawPointer] = []
    fileprivate var since: Quiescence.Moment?
    /// Workers are through; what they had sent over to each other has yet to leave.
    fileprivate var isSecondLook = false

    package init() {}

    package var isUnderWay: Bool { since != nil }
  }

  /// In force for every burst that begins from now on.
  package func publish(_ next: OwnershipDescription, _ change: inout OwnershipChange) {
    change.tables.append(ownership.replace(by: next))
    change.since = shared.quiescence.note()
    change.isSecondLook = false
    wakeWorkers()
  }

  /// True, once: no worker has anything of the tables before any more, and all that they judged by those has left.
  package func finish(_ change: inout OwnershipChange) -> Bool {
    guard let moment = change.since else { return false }
    guard shared.quiescence.hasPassed(moment) else {
      wakeWorkers()
      return false
    }
    guard change.isSecondLook || hasOneWorker else {
      // What has crossed from worker to worker was judged by the table before, and leaves with the next round.
      guard shared.crossing.wasEmpty else { return false }
      change.isSecondLook = true
      change.since = shared.quiescence.note()
      return false
    }
    forget(&change)
    return true
  }

  /// At the end, when no worker is there any more.
  package func forget(_ change: inout OwnershipChange) {
    for table in change.tables { table.deallocate() }
    change = OwnershipChange()
  }

  private var hasOneWorker: Bool { description.gateway.workers == 1 }

  private func wakeWorkers() {
    for exchange in exchanges { exchange.wakeWorker() }
  }
}

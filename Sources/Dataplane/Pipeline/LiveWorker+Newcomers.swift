import CKernel
import Contract
import Memory

/// Hosts that have not been heard since somebody went missing (X19).
extension LiveWorker {
  /// Behind every receive of a member's.
  @inline(__always)
  mutating func lookForDoubts(_ desk: ClusterDesk) {
    let since = desk.doubtedSince
    if since == doubtedSince { return }
    doubtedSince = since
    turnAsideIfNeeded()
  }

  /// Nobody is missing any more, and what waited has been looked at.
  var isFreeOfDoubts: Bool { doubtedSince == 0 && handover?.pointee.newcomers.isEmpty ?? true }

  /// What has waited for long enough is judged as if it came now, and what of the burst has to wait is taken out of it.
  /// How much waits of that side.
  @inline(never)
  mutating func askNewcomers(
    _ burst: inout Burst, _ side: Side, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64
  ) -> Int {
    guard let handover, let watch = lease, watch.isOpen else { return 0 }
    let newcomers = handover.pointee.newcomers, room = handover.pointee.holding.refs
    let crossedBefore = stages.counters.crossedOut
    let now = hauberk_boot_nanoseconds()
    let begun = OwnershipTail.of(stages.table(snapshot)).pointee.begun
    var due = Burst(room)
    while newcomers.takeDue(side, doubtedSince, now, begun: begun, watch.desk, into: &due) {
      if due.count == 0 { continue }
      stages.counters.add(due.count, to: WorkerCounters.releasedPackets)
      judgeApart(&due, side, snapshot, seconds, side == .inside ? .inside : .outside)
      due = Burst(room)
    }
    // They may be all there is in this round.
    if stages.counters.crossedOut != crossedBefore { wakeOthers() }
    if doubtedSince != 0 {
      newcomers.sift(&burst, side, doubtedSince, now, begun: begun, watch.desk)
    } else if newcomers.isEmpty {
      turnAsideIfNeeded()
    }
    // Who is about to end keeps nothing that it would have to wait for.
    if drain.isOn { newcomers.throwAway(.draining) }
    return newcomers.count(side)
  }
}

import Contract
import Memory

/// What becomes of held packets when their side goes by another table (X10): each is judged as if it came now, before the
/// burst that did, so that nothing overtakes it.
extension LiveWorker {
  @inline(never)
  mutating func releaseHeld(
    _ side: Side, _ holding: Holding, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64
  ) {
    let table = stages.table(snapshot)
    let tail = OwnershipTail.of(table)
    guard holding.isNew(tail.pointee.number, side) else { return }
    let crossedBefore = stages.counters.crossedOut
    var set = 0
    while set < WorkSets.count, holding.count(side) > 0 {
      // What is held at first is held later as well.
      if holding.count(side, set) > 0, !table[WorkSets.count &+ set].isHeld {
        let worked = tail.pointee.isSole ? nil : tail.pointee.worked(on: set)
        let isKnown = tail.pointee.isSole || worked?.isComplete == true
        release(side, set, table[set].isOurs, isKnown, worked, holding, snapshot, seconds)
      }
      set &+= 1
    }
    // They may be all there is in this round.
    if stages.counters.crossedOut != crossedBefore { wakeOthers() }
  }

  /// All that is held of one set. Whose it is not drops it for the reason that it has by now. Not known: nobody says what
  /// was worked on. `worked` nil: nothing was.
  private mutating func release(
    _ side: Side, _ set: Int, _ isOurs: Bool, _ isKnown: Bool, _ worked: WorkedList?, _ holding: Holding,
    _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64
  ) {
    // As many as there are now: what is judged may come to be held anew.
    var left = holding.count(side, set)
    while left > 0 {
      var burst = Burst(holding.refs)
      while left > 0, burst.count < Burst.capacity, let one = holding.take(side, set) {
        left &-= 1
        if isOurs, !isKnown {
          holding.discard(one.ref, .holdDoubtful)
        } else if isOurs, let worked, worked.cancel(one.digest) {
          holding.discard(one.ref, .workedOn)
        } else {
          burst.append(one.ref)
        }
      }
      if burst.count == 0 { continue }
      stages.counters.add(burst.count, to: WorkerCounters.releasedPackets)
      judgeApart(&burst, side, snapshot, seconds, side == .inside ? .inside : .outside)
    }
  }
}

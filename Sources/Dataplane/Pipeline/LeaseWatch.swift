import Contract
import Memory

/// A worker's view of its member's lease (X17): looked at behind every receive, and by `Departures` right before
/// anything leaves. After a lapse what has come meanwhile is thrown away before the first new burst.
struct LeaseWatch {
  let desk: ClusterDesk
  private(set) var isOpen = false
  private var epoch: UInt64 = .max
  /// By side: bursts of what may have come before are still thrown away.
  private var rounds = (inside: 0, outside: 0)
  /// This side's burst was received before anybody looked.
  private var isEarlier = (inside: false, outside: false)

  /// As much as any device's ring holds: more than that has come since.
  private static var mostRounds: Int { 128 }

  init(_ desk: ClusterDesk) { self.desk = desk }

  /// True: something has begun anew.
  @inline(__always)
  mutating func look() -> Bool {
    isOpen = desk.isOpen
    if !isOpen || desk.epoch == epoch { return false }
    epoch = desk.epoch
    rounds = (Self.mostRounds, Self.mostRounds)
    isEarlier = (true, true)
    return true
  }

  @inline(__always)
  var isAside: Bool { !isOpen || rounds.inside > 0 || rounds.outside > 0 }

  /// Whether a burst is to be thrown away. One that is not full has emptied the queue.
  mutating func refuses(_ side: Side, _ count: Int) -> Bool {
    if !isOpen { return true }
    let left = side == .inside ? rounds.inside : rounds.outside
    if left == 0 { return false }
    let proves = side == .inside ? !isEarlier.inside : !isEarlier.outside
    if side == .inside { isEarlier.inside = false } else { isEarlier.outside = false }
    if !proves { return count > 0 }
    let next = count < Burst.capacity ? 0 : left &- 1
    if side == .inside { rounds.inside = next } else { rounds.outside = next }
    return count > 0
  }
}

import Contract
import Memory

/// A worker's view of its member's lease (X17): looked at behind every receive, and by `Departures` right before
/// anything leaves. After a lapse what has come meanwhile is thrown away before the first new burst.
struct LeaseWatch {
  let desk: ClusterDesk
  private(set) var isOpen = false
  private(set) var epoch: UInt64 = .max
  /// Before the last receive.
  private var epochBefore: UInt64 = .max
  /// By side, and of what other workers send over: bursts of what may have come before are still thrown away.
  private var rounds = (inside: 0, outside: 0, crossed: 0)

  /// As much as any device's ring holds: more than that has come since.
  private static var mostRounds: Int { 128 }
  /// As much as the rings between workers hold, whatever their number.
  private static var mostCrossed: Int { 1024 }

  init(_ desk: ClusterDesk) { self.desk = desk }

  /// Before a receive: one that finds a queue empty says so only of what came before it.
  @inline(__always)
  mutating func prepare() { epochBefore = desk.epoch }

  /// True: something has begun anew.
  @inline(__always)
  mutating func look() -> Bool {
    isOpen = desk.isOpen
    if !isOpen || desk.epoch == epoch { return false }
    epoch = desk.epoch
    rounds = (Self.mostRounds, Self.mostRounds, Self.mostCrossed)
    return true
  }

  @inline(__always)
  var isAside: Bool { !isOpen || rounds.inside > 0 || rounds.outside > 0 }

  /// Whether a burst is to be thrown away. One that is not full has emptied the queue, if that was after the beginning.
  mutating func refuses(_ side: Side, _ count: Int) -> Bool {
    if !isOpen { return true }
    let left = side == .inside ? rounds.inside : rounds.outside
    if left == 0 { return false }
    let next = count < Burst.capacity && epochBefore == epoch ? 0 : left &- 1
    if side == .inside { rounds.inside = next } else { rounds.outside = next }
    return count > 0
  }

  /// The same of a burst that other workers have sent over, who received it before.
  @inline(__always)
  mutating func refusesCrossed(_ count: Int) -> Bool {
    if !isOpen || rounds.crossed == 0 { return false }
    rounds.crossed = count < Burst.capacity ? 0 : rounds.crossed &- 1
    return count > 0
  }
}

import CKernel
import CLI
import Service

/// A gateway ends, and loses nothing by that which it can keep.
extension LiveSession {
  /// Told to stop, a member gives its work away first, and sends on what waits here; but it does not wait long for others
  /// to take it, or for neighbours to answer.
  func hasLeft() -> Bool {
    guard let membership else { return true }
    let now = hauberk_nanoseconds()
    if leaveBy == nil { leaveBy = now + 4_000_000_000 }
    guard now < leaveBy ?? now else { return true }
    guard membership.drain() else { return false }
    if drainage == nil { drainage = LiveDrain(gateway, bridge.slow, now: now) }
    return drainage?.isDone ?? true
  }

  /// A member that drains waits so long at most for others to take its work.
  func leaveOrGo(_ now: UInt64) -> UInt64 {
    if leaveBy == nil { leaveBy = now + 10_000_000_000 }
    return leaveBy ?? now
  }

  /// Takes nothing new from here on, and ends once nothing is under way. Asked again, it says how far that is.
  func drain() -> DrainAnswer {
    let now = hauberk_nanoseconds()
    if let membership, drainage == nil, !membership.drain(), now < leaveOrGo(now) {
      if state != .draining {
        state = .draining
        notifier?.status("draining: gives its work to other members")
        note("draining", "gives its work to other members")
      }
      return DrainAnswer()
    }
    if drainage == nil {
      drainage = LiveDrain(gateway, bridge.slow, now: now)
      state = .draining
      notifier?.status("draining: takes no packets")
      note("draining", "takes nothing new from its ports, and finishes what is under way")
    }
    return drainage?.answer(gateway, bridge.slow, now: now) ?? DrainAnswer()
  }

  func turnDrain() {
    let now = hauberk_nanoseconds()
    // Whoever asked may be gone.
    if state == .draining, drainage == nil { _ = drain() }
    guard drainage?.turn(gateway, bridge.slow, now: now) == true else { return }
    if let left = drainage?.answer(gateway, bridge.slow, now: now) {
      note("drained", left.text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }.joined(separator: "; "))
    }
    state = .drained
    isStopping = true
  }
}

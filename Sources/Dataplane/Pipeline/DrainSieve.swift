import CKernel
import Contract
import Memory
import Wire

/// What a worker still takes from its ports when it is to take nothing new: what had come before, and what something
/// that is under way waits for, an answer to ARP or ND or a fragment.
struct DrainSieve {
  private(set) var isOn = false
  /// Nothing is waited for any more, whatever is under way.
  private var isLast = false
  /// By side: bursts of what may have come before are still taken.
  private var rounds = (inside: 0, outside: 0)

  /// As much as any device's ring holds: more than that has come since.
  private static var mostRounds: Int { 128 }

  mutating func begin(isLast: Bool) {
    self.isLast = self.isLast || isLast
    // What had come before has been taken already, or is being taken.
    if isOn { return }
    isOn = true
    rounds = (Self.mostRounds, Self.mostRounds)
  }

  @inline(never)
  mutating func sift(
    _ burst: inout Burst, _ side: Side, _ fullness: Int, _ stages: Stages, _ frames: FrameSource, _ seconds: Int64
  ) {
    defer { tell(stages, seconds) }
    let left = side == .inside ? rounds.inside : rounds.outside
    if left > 0 {
      // A burst that is not full has emptied the queue.
      let next = fullness < Burst.capacity ? 0 : left &- 1
      if side == .inside { rounds.inside = next } else { rounds.outside = next }
      return
    }
    var remaining = 0, bytes = 0
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      if isAwaited(Bytes(stages.memory.address(start: ref.start), count: Int(ref.length)), stages) {
        burst.refs[remaining] = ref
        remaining &+= 1
      } else {
        bytes &+= Int(ref.length)
        frames.give(ref)
      }
      index &+= 1
    }
    let refused = burst.count &- remaining
    burst.count = remaining
    if refused == 0 { return }
    stages.counters.add(refused, to: WorkerCounters.receivedPackets)
    stages.counters.add(bytes, to: WorkerCounters.receivedBytes)
    stages.counters.add(refused, to: .draining)
  }

  private func isAwaited(_ frame: Bytes, _ stages: Stages) -> Bool {
    if isLast { return false }
    let packet = Dissection(frame: frame, link: .ethernet)
    if NeighbourTalk.isOne(packet) { return true }
    guard packet.fault == .none, packet.isFragment, let esp = stages.esp else { return false }
    return esp.fragments.awaits(frame.dropFirst(packet.offset), packet.addresses)
  }

  /// To whoever waits for the end.
  private func tell(_ stages: Stages, _ seconds: Int64) {
    guard rounds.inside == 0, rounds.outside == 0 else { return }
    var timeouts = 0
    let waiting = stages.esp?.fragments.waiting(seconds: seconds, &timeouts) ?? 0
    stages.counters.add(timeouts, to: WorkerCounters.reassemblyTimeouts)
    stages.counters.set(WorkerCounters.drainState, to: waiting &+ 1)
  }
}

import Contract
import Memory

/// Packets on their way out, by side, until there are enough for a call or the loop is through.
struct Departures {
  private let refs: UnsafeMutablePointer<PacketRef>
  private var counts = (inside: 0, outside: 0)
  private let frames: FrameSource
  private let counters: WorkerCounters
  /// Of a member: nothing leaves without a lease (X17).
  private let cluster: ClusterDesk?
  /// And nothing that came before it began anew.
  private var epoch: UInt64 = .max

  init(_ frames: FrameSource, _ counters: WorkerCounters, _ cluster: ClusterDesk?) {
    self.frames = frames
    self.counters = counters
    self.cluster = cluster
    refs = UnsafeMutableRawPointer.allocate(
      byteCount: 2 * Burst.capacity * MemoryLayout<PacketRef>.stride, alignment: 128
    ).bindMemory(to: PacketRef.self, capacity: 2 * Burst.capacity)
  }

  func deallocate() { UnsafeMutableRawPointer(refs).deallocate() }

  @inline(__always)
  mutating func add(_ ref: PacketRef, _ side: Side, _ port: LivePort) {
    if side == .inside {
      refs[counts.inside] = ref
      counts.inside &+= 1
      if counts.inside == Burst.capacity { send(.inside, port) }
    } else {
      refs[Burst.capacity &+ counts.outside] = ref
      counts.outside &+= 1
      if counts.outside == Burst.capacity { send(.outside, port) }
    }
  }

  @inline(__always)
  mutating func send(_ side: Side, _ port: LivePort) {
    if side == .inside {
      if counts.inside > 0 { send(refs, counts.inside, port) }
      counts.inside = 0
    } else {
      if counts.outside > 0 { send(refs + Burst.capacity, counts.outside, port) }
      counts.outside = 0
    }
  }

  @inline(__always)
  private func send(_ first: UnsafePointer<PacketRef>, _ count: Int, _ port: LivePort) {
    if let cluster, !cluster.isOpen || cluster.epoch != epoch { return giveBack(first, count) }
    port.send(first, count)
  }

  /// What lies here was received before, and another member may have worked on it.
  @inline(never)
  mutating func beginAnew(_ epoch: UInt64) {
    giveBack(refs, counts.inside)
    giveBack(refs + Burst.capacity, counts.outside)
    counts = (0, 0)
    self.epoch = epoch
  }

  @inline(never)
  private func giveBack(_ first: UnsafePointer<PacketRef>, _ count: Int) {
    var index = 0
    while index < count {
      frames.give(first[index])
      index &+= 1
    }
    counters.add(count, to: .fenced)
  }
}

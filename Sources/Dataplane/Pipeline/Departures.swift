import Contract
import Memory

/// Packets on their way out, by side, until there are enough for a call or the loop is through.
struct Departures {
  private let refs: UnsafeMutablePointer<PacketRef>
  private var counts = (inside: 0, outside: 0)

  init() {
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
      if counts.inside > 0 { port.send(refs, counts.inside) }
      counts.inside = 0
    } else {
      if counts.outside > 0 { port.send(refs + Burst.capacity, counts.outside) }
      counts.outside = 0
    }
  }
}

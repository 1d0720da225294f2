package import Memory
package import Rings

/// Packets that the dealer has put into this worker's ring.
package struct DealtPort: ReceivePort {
  let ring: SPSCRing<PacketRef>

  package init(_ ring: SPSCRing<PacketRef>) { self.ring = ring }

  @inline(__always)
  package mutating func receive(into burst: inout Burst) -> Bool {
    burst.count &+= ring.dequeue(burst.refs + burst.count, Burst.capacity &- burst.count)
    return true
  }
}

/// Finished packets, verdict and all, on their way back to the dealer, who restores the order.
package struct CompletionPort: TransmitPort {
  let ring: SPSCRing<PacketRef>

  /// The ring holds all that can be under way, so it is never full.
  package init(_ ring: SPSCRing<PacketRef>) { self.ring = ring }

  @inline(__always)
  package mutating func transmit(_ burst: Burst) {
    _ = ring.enqueue(burst.refs, burst.count)
  }
}

/// Takes everything and gives the frames back: what a benchmark transmits to.
package struct NullPort: TransmitPort {
  let frames: FrameSource

  package init(_ frames: FrameSource) { self.frames = frames }

  @inline(__always)
  package mutating func transmit(_ burst: Burst) {
    var index = 0
    while index < burst.count {
      frames.give(burst.refs[index])
      index &+= 1
    }
  }
}

package import Memory
package import Rings

/// A port of two rings: what lies in one is received, what is sent lies in the other. For whoever wants to be the wire.
package struct PipeQueue {
  package let incoming: SPSCRing<PacketRef>
  package let outgoing: SPSCRing<PacketRef>
  package let counters = PortCounters()
  let frames: FrameSource

  package init(capacity: Int, frames: FrameSource) {
    incoming = SPSCRing(capacity: capacity)
    outgoing = SPSCRing(capacity: capacity)
    self.frames = frames
  }

  package func deallocate() {
    incoming.deallocate()
    outgoing.deallocate()
    counters.deallocate()
  }

  package var descriptor: Int32 { -1 }

  @inline(__always)
  package mutating func receive(into burst: inout Burst) {
    let before = burst.count
    burst.count &+= incoming.dequeue(burst.refs + burst.count, Burst.capacity &- burst.count)
    var bytes = 0
    var index = before
    while index < burst.count {
      bytes &+= Int(burst.refs[index].length)
      index &+= 1
    }
    if burst.count > before { counters.addReceived(packets: burst.count &- before, bytes: bytes) }
  }

  @inline(__always)
  package mutating func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    let taken = outgoing.enqueue(refs, count)
    var bytes = 0
    var index = 0
    while index < taken {
      bytes &+= Int(refs[index].length)
      index &+= 1
    }
    counters.addSent(packets: taken, bytes: bytes)
    while index < count {
      frames.give(refs[index])
      index &+= 1
    }
    if taken < count { counters.add(count &- taken, to: .noBuffer) }
  }

  package mutating func flush() {}
}

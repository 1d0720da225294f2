package import Memory

/// The port of a device that has vanished: nothing comes, and what is sent is lost for want of a link.
package struct AbsentQueue {
  private let frames: FrameSource
  package let counters: PortCounters

  /// With the counters of the queue that was there, and of the one that will be.
  package init(frames: FrameSource, counters: PortCounters) {
    self.frames = frames
    self.counters = counters
  }

  @inline(__always)
  package func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var index = 0
    while index < count {
      frames.give(refs[index])
      index &+= 1
    }
    counters.add(count, to: .linkDown)
  }
}

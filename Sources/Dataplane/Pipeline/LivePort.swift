import Memory

/// One side of a live worker: a queue of a device, of whichever kind. Asked once a burst, so a switch costs nothing.
///
/// A handle: the queue lies on the heap, and belongs to whoever opened it.
package struct LivePort: BitwiseCopyable, @unchecked Sendable {
  package enum Queue: BitwiseCopyable {
    /// Rings in memory, with somebody else at their other end.
    case pipe(UnsafeMutablePointer<PipeQueue>)
    case xdp(UnsafeMutablePointer<XDPQueue>)
    case packet(UnsafeMutablePointer<PacketQueue>)
    case tap(UnsafeMutablePointer<TapQueue>)
    case pcap(UnsafeMutablePointer<PcapQueue>)
    /// In place of a device that is not there.
    case absent(UnsafeMutablePointer<AbsentQueue>)
  }

  package let queue: Queue
  /// The queue itself is its worker's alone; these anybody may read.
  package let counters: PortCounters
  private let socket: Int32
  /// A packet may be many entries of the ring.
  private let isInPieces: Bool

  package init(_ queue: Queue) {
    self.queue = queue
    if case .xdp(let queue) = queue {
      socket = queue.pointee.descriptor
      isInPieces = queue.pointee.isInPieces
    } else {
      socket = -1
      isInPieces = false
    }
    counters =
      switch queue {
      case .pipe(let queue): queue.pointee.counters
      case .xdp(let queue): queue.pointee.counters
      case .packet(let queue): queue.pointee.counters
      case .tap(let queue): queue.pointee.counters
      case .pcap(let queue): queue.pointee.counters
      case .absent(let queue): queue.pointee.counters
      }
  }

  @inline(__always)
  func receive(into burst: inout Burst) {
    switch queue {
    case .pipe(let queue): queue.pointee.receive(into: &burst)
    case .xdp(let queue): queue.pointee.receive(into: &burst)
    case .packet(let queue): queue.pointee.receive(into: &burst)
    case .tap(let queue): queue.pointee.receive(into: &burst)
    case .pcap(let queue): queue.pointee.receive(into: &burst)
    case .absent: break
    }
  }

  /// Of a burst of so many: as many as a full one where there may be more behind it. One that is not full has emptied the
  /// ring, unless a few packets are a full one.
  @inline(__always)
  func fullness(_ received: Int) -> Int { isInPieces && received > 0 ? Burst.capacity : received }

  /// The frames are the port's from here on.
  @inline(__always)
  func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    switch queue {
    case .pipe(let queue): queue.pointee.send(refs, count)
    case .xdp(let queue): queue.pointee.send(refs, count)
    case .packet(let queue): queue.pointee.send(refs, count)
    case .tap(let queue): queue.pointee.send(refs, count)
    case .pcap(let queue): queue.pointee.send(refs, count)
    case .absent(let queue): queue.pointee.send(refs, count)
    }
  }

  /// What has been given goes out now, and what has gone comes back.
  @inline(__always)
  func flush() {
    switch queue {
    case .pipe(let queue): queue.pointee.flush()
    case .xdp(let queue): queue.pointee.flush()
    case .packet(let queue): queue.pointee.flush()
    case .tap(let queue): queue.pointee.flush()
    case .pcap(let queue): queue.pointee.flush()
    case .absent: break
    }
  }

  /// To wait at for packets; below 0 where there is nothing to wait at.
  @inline(__always)
  var descriptor: Int32 {
    switch queue {
    case .pipe(let queue): queue.pointee.descriptor
    case .xdp(let queue): queue.pointee.descriptor
    case .packet(let queue): queue.pointee.descriptor
    case .tap(let queue): queue.pointee.descriptor
    case .pcap(let queue): queue.pointee.descriptor
    case .absent: -1
    }
  }

  /// What the kernel counts of an AF_XDP socket; nil for all else.
  package var kernelCounts: XDPKernelCounts? { socket >= 0 ? XDPKernelCounts(ofSocket: socket) : nil }

  /// Whether its packets wake nobody, so that it has to be looked at again and again.
  var isMute: Bool {
    if case .pipe = queue { true } else { false }
  }
}

import CXDP
import Glibc
package import Memory

/// How many packets may lie in the rings of one queue. Powers of two.
package struct XDPSizes: Sendable {
  /// Frames that the kernel has to receive into.
  package var receive: UInt32 = 1024
  package var transmit: UInt32 = 1024

  package init() {}
}

/// Why the kernel dropped packets before they reached a socket, and which descriptors it threw away.
package struct XDPKernelCounts: Equatable, Sendable {
  package var ringFull: UInt64 = 0
  /// The fill ring was empty: we were too slow, or had no frame to give.
  package var noFrame: UInt64 = 0
  /// Longer than a chunk, or dropped for a reason that the kernel does not name.
  package var tooLong: UInt64 = 0
  package var badDescriptors: UInt64 = 0

  package init() {}

  /// For any thread.
  init(ofSocket descriptor: Int32) {
    var counts = hauberk_xdp_statistics()
    hauberk_xdp_read_statistics(descriptor, &counts)
    ringFull = counts.ring_full
    noFrame = counts.no_frame
    tooLong = counts.dropped
    badDescriptors = counts.bad_fill &+ counts.bad_transmit
  }
}

extension XDPQueue {
  /// How much of a frame the kernel may use: the packet begins behind its headroom, and our tailroom stays.
  package static func chunk(_ memory: PacketMemory) throws(PortError) -> Int {
    let chunk = min(memory.frameStride - max(memory.sizes.tailroomBytes, 64), Int(HAUBERK_XDP_MOST_CHUNK))
    guard chunk >= Int(HAUBERK_XDP_LEAST_CHUNK) else {
      throw PortError("frames of \(memory.sizes.frameBytes) bytes are too small for AF_XDP, which takes 2048 and more")
    }
    let headroom = Int(HAUBERK_XDP_HEADROOM) - FrameHeader.size
    guard memory.sizes.headroomBytes <= headroom else {
      throw PortError(
        "AF_XDP leaves \(headroom) bytes in front of a packet, and \(memory.sizes.headroomBytes) are needed")
    }
    return chunk
  }

  /// Both sides of a worker, on one registration of the packet memory: the same queue of two devices, and what is
  /// received on one can be sent on the other.
  ///
  /// The devices have to be of one mind about copying, so zero-copy is had by both or by neither. The counters outlive
  /// the queues: they may be those of queues that were there before.
  package static func open(
    inside: XDPDevice, outside: XDPDevice, queue: Int, frames: FrameSource, sizes: XDPSizes = XDPSizes(),
    counters: (inside: PortCounters, outside: PortCounters), copies: Bool = false
  ) throws(PortError) -> (inside: XDPQueue, outside: XDPQueue) {
    hauberk_xdp_lift_lock_limit()
    // A frame across two pages that are not neighbours is nothing for a card; with plain pages every other one is.
    let copies = copies || !frames.memory.arena.isHugeThroughout || inside.hook == .generic || outside.hook == .generic
    let chunk = try chunk(frames.memory)
    let isLong = max(inside.longestFrame, outside.longestFrame) > chunk - Int(HAUBERK_XDP_HEADROOM)
    var wishes = hauberk_xdp_wishes()
    wishes.memory = frames.memory.arena.base
    wishes.bytes = frames.memory.arena.bytes
    wishes.chunk = UInt32(chunk)
    (wishes.fill, wishes.receive) = (sizes.receive, sizes.receive)
    (wishes.transmit, wishes.completion) = (sizes.transmit, sizes.transmit)
    wishes.queue = UInt32(queue)
    wishes.shared = -1
    wishes.copies = copies
    wishes.in_pieces = isLong
    let first = try XDPQueue(inside, wishes, frames, counters.inside)
    do {
      wishes.shared = first.descriptor
      return (first, try XDPQueue(outside, wishes, frames, counters.outside))
    } catch {
      let wasZeroCopy = first.isZeroCopy
      first.close()
      guard wasZeroCopy else { throw error }
      return try open(
        inside: inside, outside: outside, queue: queue, frames: frames, sizes: sizes, counters: counters,
        copies: true)
    }
  }

  /// One side alone, on a registration of its own, which the other side can share later. `longest` is the longest frame of
  /// both.
  package static func open(
    _ device: XDPDevice, queue: Int, frames: FrameSource, longest: Int, sizes: XDPSizes = XDPSizes(),
    counters: PortCounters, copies: Bool = false, isLater: Bool = false
  ) throws(PortError) -> XDPQueue {
    hauberk_xdp_lift_lock_limit()
    var wishes = hauberk_xdp_wishes()
    wishes.memory = frames.memory.arena.base
    wishes.bytes = frames.memory.arena.bytes
    wishes.chunk = UInt32(try chunk(frames.memory))
    (wishes.fill, wishes.receive) = (sizes.receive, sizes.receive)
    (wishes.transmit, wishes.completion) = (sizes.transmit, sizes.transmit)
    wishes.queue = UInt32(queue)
    wishes.shared = -1
    wishes.copies = copies || !frames.memory.arena.isHugeThroughout || device.hook == .generic
    wishes.in_pieces = max(longest, device.longestFrame) > Int(wishes.chunk) - Int(HAUBERK_XDP_HEADROOM)
    return try XDPQueue(device, wishes, frames, counters, isLater: isLater)
  }

  /// One side alone, when its device has come back: on the registration that the other side still uses. `isLater` where
  /// a worker runs already: the frames to receive into are his to lend, and control does not wait for a queue.
  package static func open(
    _ device: XDPDevice, queue: Int, beside other: XDPQueue, counters: PortCounters, isLater: Bool = false
  ) throws(PortError) -> XDPQueue {
    var wishes = hauberk_xdp_wishes()
    wishes.chunk = other.chunk
    (wishes.fill, wishes.receive) = (other.state.pointee.socket.fill.size, other.state.pointee.socket.receive.size)
    wishes.transmit = other.state.pointee.socket.transmit.size
    wishes.completion = other.state.pointee.socket.completion.size
    wishes.queue = UInt32(queue)
    wishes.shared = other.descriptor
    wishes.in_pieces = other.isInPieces
    guard other.isInPieces || device.longestFrame <= Int(other.chunk) - Int(HAUBERK_XDP_HEADROOM) else {
      throw PortError("the MTU of \(device.name) has grown beyond a frame of packet memory: start anew, or lower it")
    }
    return try XDPQueue(device, wishes, other.frames, counters, isLater: isLater)
  }

  private init(
    _ device: XDPDevice, _ wishes: hauberk_xdp_wishes, _ frames: FrameSource, _ counters: PortCounters,
    isLater: Bool = false
  ) throws(PortError) {
    guard wishes.queue < device.queues else {
      throw PortError(
        "\(device.name) has \(device.queues) receive queues, and a worker wants its queue \(wishes.queue)")
    }
    var wishes = wishes
    wishes.device = device.index
    var socket = hauberk_xdp_socket()
    var step: UnsafePointer<CChar>?
    var error = hauberk_xdp_open(&wishes, &socket, &step)
    // A queue that was closed, or whose process died, is free a little later.
    for _ in 0..<(isLater ? 0 : 100) where error == EBUSY {
      usleep(10_000)
      error = hauberk_xdp_open(&wishes, &socket, &step)
    }
    guard error == 0 else {
      throw Self.refusal(error, String(cString: step!), device, wishes)
    }
    state = .allocate(capacity: 1)
    state.initialize(to: State(socket: socket))
    positions = .allocate(capacity: Int(Self.batch))
    positions.initialize(repeating: 0, count: Int(Self.batch))
    self.frames = frames
    lent = LentFrames(frames.memory)
    chunk = wishes.chunk
    longestFrame = UInt32(device.longestFrame)
    isInPieces = wishes.in_pieces
    self.counters = counters
    if !isLater { fill() }
    do {
      try device.enter(queue: Int(wishes.queue), descriptor: socket.descriptor)
    } catch {
      close()
      throw error
    }
  }

  /// Takes every frame back. After the worker has stopped, or has let go of the queue: then `frames` are the closer's
  /// own. Nothing may be asked of the queue afterwards.
  package func close(giving frames: FrameSource? = nil) { Self.close([self], giving: frames) }

  package static func close(_ queues: [XDPQueue], giving frames: FrameSource? = nil) {
    let haveZeroCopy = queues.contains(where: \.isZeroCopy)
    for queue in queues { hauberk_xdp_close(&queue.state.pointee.socket) }
    // The kernel takes the frames away from the card a little later, and does not say when.
    if haveZeroCopy { usleep(100_000) }
    for queue in queues { queue.takeBack(giving: frames ?? queue.frames) }
  }

  private func takeBack(giving frames: FrameSource) {
    for position in lent.positions { frames.give(PacketRef(position: position, offset: 0, length: 0)) }
    if state.pointee.isGathering, !state.pointee.isSpoiled { frames.give(state.pointee.gathered) }
    lent.deallocate()
    positions.deallocate()
    state.deallocate()
  }

  /// What was got, for the operator.
  package func words(on device: XDPDevice) -> String {
    let hook = device.hook == .native ? "the driver's hook" : "the generic hook"
    return "AF_XDP in \(hook), \(isZeroCopy ? "zero-copy" : "copied"), \(device.queues) receive "
      + (device.queues == 1 ? "queue" : "queues")
  }

  /// What the kernel counts, since the socket was made. For any thread.
  package var kernelCounts: XDPKernelCounts { XDPKernelCounts(ofSocket: descriptor) }

  private static func refusal(
    _ error: Int32, _ step: String, _ device: XDPDevice, _ wishes: hauberk_xdp_wishes
  ) -> PortError {
    let place = "queue \(wishes.queue) of \(device.name)"
    switch error {
    case EAFNOSUPPORT: return PortError("this kernel has no AF_XDP: use the method packet")
    case EPERM, EACCES: return PortError("AF_XDP on \(device.name) needs the rights of root: CAP_NET_RAW")
    case EBUSY: return PortError("\(place) has an AF_XDP socket already, which is somebody else's")
    case ENOBUFS, ENOMEM:
      return PortError(
        "\(step) for \(place) fails: \(wishes.bytes >> 20) MiB for each worker are more than may be locked in memory (ulimit -l)"
      )
    case EINVAL where wishes.in_pieces && wishes.shared < 0 && step.hasPrefix("binding"):
      return PortError(
        "the MTU of \(device.name) is more than a frame of packet memory holds, and this kernel has no AF_XDP in several buffers: "
          + "lower the MTU, or use the method packet")
    default: return PortError("\(step) for \(place) fails: \(text(of: error))")
    }
  }
}

import Contract
import Dataplane
import Memory

/// What a device is opened for.
struct PortWishes {
  let device: String
  /// By worker.
  let frames: [FrameSource]
  let counters: [PortCounters]
  /// Those that the kernel has are taken over.
  let takesAddresses: Bool
  /// Where it is written down what was taken of the kernel's; a word for the device is put behind it.
  let record: String
  /// The longest frame of both sides' devices.
  let longest: Int
  /// What is dropped before it comes to a worker, where the kernel lets us.
  let early: EarlyMemory?
  /// Nothing that needs a device of one mind with the other side's.
  var copies = false
  /// Workers run already: what is theirs is left alone, and nothing is waited for.
  var isLater = false
}

/// A device that was opened by some method: a queue of it for each worker.
final class OpenedPort {
  /// In words: what was got.
  let words: String
  /// By worker.
  let ports: [LivePort]
  /// The device takes VLAN tags off before we could see them.
  private(set) var hidesVLANTags = false
  /// Keeps the kernel out; nil where it is at the other end.
  private let kernelGuard: KernelGuard?
  private let look: () -> PortState
  private let closer: (FrameSource?) -> Void

  /// What the kernel could not be kept from.
  var weakness: String? { kernelGuard?.weakness }

  var state: PortState { look() }

  private init(
    _ words: String, _ ports: [LivePort], _ kernelGuard: KernelGuard?, _ look: @escaping () -> PortState,
    _ closer: @escaping (FrameSource?) -> Void
  ) {
    self.words = words
    self.ports = ports
    self.kernelGuard = kernelGuard
    self.look = look
    self.closer = closer
  }

  /// Where workers still run, and have let go of it, frames go to a source of the closer's own. The counters stay.
  func close(giving frames: FrameSource? = nil) {
    closer(frames)
    kernelGuard?.release()
  }

  /// `other` is the other side, if its device is there.
  static func open(_ method: PortMethod, _ wishes: PortWishes, beside other: OpenedPort?) throws(PortError)
    -> OpenedPort
  {
    if method == .tap { return try openTap(wishes) }
    // Before the first packet comes in that the kernel could answer.
    let kernelGuard = try KernelGuard(wishes.device, takesAddresses: wishes.takesAddresses, record: wishes.record)
    do {
      switch method {
      case .xdp: return try openXDP(wishes, beside: other, kernelGuard)
      case .pcap: return try openPcap(wishes, kernelGuard)
      case .packet, .tap: return try openPacket(wishes, kernelGuard)
      }
    } catch {
      kernelGuard.release()
      throw error
    }
  }

  /// Both sides, of which one may go without zero-copy because the other has to.
  var isZeroCopy: Bool {
    ports.contains { if case .xdp(let queue) = $0.queue { queue.pointee.isZeroCopy } else { false } }
  }

  private static func openPacket(_ wishes: PortWishes, _ kernelGuard: KernelGuard) throws(PortError) -> OpenedPort {
    var options = PacketOptions()
    options.isPromiscuous = true
    let queues = try PacketQueue.open(wishes.device, options, frames: wishes.frames, counters: wishes.counters)
      .map(placed)
    // Without it workers drop the same, a little later.
    if let early = wishes.early { try? PacketQueue.filter(queues.map(\.pointee), by: early) }
    return OpenedPort(
      "AF_PACKET, memory ring", queues.map { LivePort(.packet($0)) }, kernelGuard, { queues[0].pointee.state }
    ) {
      _ in
      for queue in queues {
        queue.pointee.close()
        queue.deallocate()
      }
    }
  }

  private static func openTap(_ wishes: PortWishes) throws(PortError) -> OpenedPort {
    let queues = try TapQueue.open(wishes.device, frames: wishes.frames, counters: wishes.counters).map(placed)
    return OpenedPort("TAP", queues.map { LivePort(.tap($0)) }, nil, { queues[0].pointee.state }) { _ in
      for queue in queues {
        queue.pointee.close()
        queue.deallocate()
      }
    }
  }

  private static func openPcap(_ wishes: PortWishes, _ kernelGuard: KernelGuard) throws(PortError) -> OpenedPort {
    guard wishes.frames.count == 1 else {
      throw PortError("the method 'pcap' has one queue: 'workers: 1', or another method")
    }
    let queue = placed(
      try PcapQueue.open(wishes.device, frames: wishes.frames[0], counters: wishes.counters[0]))
    return OpenedPort("libpcap", [LivePort(.pcap(queue))], kernelGuard, { queue.pointee.state }) { _ in
      queue.pointee.close()
      queue.deallocate()
    }
  }

  private static func openXDP(_ wishes: PortWishes, beside other: OpenedPort?, _ kernelGuard: KernelGuard)
    throws(PortError) -> OpenedPort
  {
    let device = try XDPDevice(
      wishes.device, chunk: try XDPQueue.chunk(wishes.frames[0].memory), early: wishes.early)
    var queues: [UnsafeMutablePointer<XDPQueue>] = []
    do {
      if device.queues > wishes.frames.count {
        throw PortError(
          "\(device.name) has \(device.queues) receive queues and there are \(wishes.frames.count) workers: `ethtool -L \(device.name) combined \(wishes.frames.count)`, or as many workers"
        )
      }
      // Its own address may not be the one that we use, and groups are nobody's.
      try device.listen(to: nil)
      for (number, frames) in wishes.frames.enumerated() {
        let counters = wishes.counters[number]
        let queue: XDPQueue
        if case .xdp(let beside)? = other?.ports[number].queue {
          queue = try XDPQueue.open(
            device, queue: number, beside: beside.pointee, counters: counters, isLater: wishes.isLater)
        } else {
          queue = try XDPQueue.open(
            device, queue: number, frames: frames, longest: wishes.longest, counters: counters, copies: wishes.copies,
            isLater: wishes.isLater)
        }
        queues.append(placed(queue))
      }
    } catch {
      close(queues, device, giving: nil)
      throw error as? PortError ?? PortError("\(error)")
    }
    let opened = queues
    let words = "AF_XDP, \(device.hook.rawValue), \(opened[0].pointee.isZeroCopy ? "zero-copy" : "copy")"
    let port = OpenedPort(words, opened.map { LivePort(.xdp($0)) }, kernelGuard, { device.state }) { frames in
      close(opened, device, giving: frames)
    }
    port.hidesVLANTags = device.hidesVLANTags
    return port
  }

  private static func close(
    _ queues: [UnsafeMutablePointer<XDPQueue>], _ device: XDPDevice, giving frames: FrameSource?
  ) {
    // The program first: no packet is led to a queue that closes.
    device.close()
    XDPQueue.close(queues.map(\.pointee), giving: frames)
    for queue in queues { queue.deallocate() }
  }

  private static func placed<Queue>(_ queue: Queue) -> UnsafeMutablePointer<Queue> {
    let place = UnsafeMutablePointer<Queue>.allocate(capacity: 1)
    place.initialize(to: queue)
    return place
  }
}

import CKernel
package import Memory
package import Wire

/// How the queues of one interface divide what arrives among workers.
package enum PacketSharing: Int32, Sendable {
  /// By flow: the packets of one stay in order.
  case hash = 0
  /// By the processor that took the frame in.
  case processor = 2
  /// By the device's own queue.
  case deviceQueue = 5
}

/// How an AF_PACKET port is to be had.
package struct PacketOptions: Sendable {
  /// The ring of one queue, a multiple of 256 KiB; on a link with jumbo frames twice as much.
  package var ringBytes = 2 << 20
  /// Frames to any address are received; the workers judge whose they are.
  package var isPromiscuous = true
  /// Past the kernel's queues: what the device has no room for is counted, and not kept.
  package var bypassesQueueing = true
  package var sharing = PacketSharing.hash

  package init() {}
}

/// AF_PACKET for one worker. What is received is copied out of a ring that is shared with the kernel; what is sent, the
/// kernel copies, a burst with each call.
package struct PacketQueue {
  private let socket: OpaquePointer
  private let frames: FrameSource
  private var arrivals: Arrivals
  private var rest = RestKeeper()
  /// They outlive the queue; whoever has read them at the end deallocates them.
  package let counters: PortCounters

  /// One queue for each worker's frames. Between them they see every frame once. They count where queues that were there
  /// before them have counted.
  package static func open(
    _ device: String, _ options: PacketOptions = PacketOptions(), frames: [FrameSource], counters: [PortCounters]? = nil
  ) throws(PortError) -> [PacketQueue] {
    var queues: [PacketQueue] = []
    var group: Int32 = -1
    for (number, source) in frames.enumerated() {
      do {
        let queue = try PacketQueue(
          device, options, source, counters?[number], group: group, isAlone: frames.count == 1)
        group = hauberk_packet_group(queue.socket)
        queues.append(queue)
      } catch {
        for queue in queues {
          queue.close()
          if counters == nil { queue.counters.deallocate() }
        }
        throw error
      }
    }
    return queues
  }

  private init(
    _ device: String, _ options: PacketOptions, _ frames: FrameSource, _ counters: PortCounters?, group: Int32,
    isAlone: Bool
  ) throws(PortError) {
    var made: OpaquePointer?
    var step: UnsafePointer<CChar>?
    var wanted = hauberk_packet_options(
      ring_bytes: UInt32(options.ringBytes), promiscuous: options.isPromiscuous,
      bypass_queueing: options.bypassesQueueing, fanout: isAlone ? -1 : options.sharing.rawValue, group: group)
    let failure = hauberk_packet_open(device, &wanted, &made, &step)
    guard failure == 0, let made else { throw PortError(device, step, failure) }
    socket = made
    self.frames = frames
    self.counters = counters ?? PortCounters()
    arrivals = Arrivals(frames: frames, counters: self.counters, mtu: Int(hauberk_packet_mtu(made)))
  }

  package func close() { hauberk_packet_close(socket) }

  /// Appends what is there and fits.
  @inline(__always)
  package mutating func receive(into burst: inout Burst) {
    let before = burst.count
    var arrival = hauberk_arrival()
    while burst.count < Burst.capacity, hauberk_packet_peek(socket, &arrival) {
      guard arrivals.take(arrival, into: &burst) == .done else { break }
      hauberk_packet_pop(socket)
    }
    if burst.count > before {
      counters.addReceived(burst, from: before)
      rest.wasBusy()
    }
  }

  /// Takes the frames over, sends them, and gives them back.
  @inline(__always)
  package mutating func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var first = 0
    while first < count {
      let step = min(count &- first, Int(HAUBERK_SEND_MOST))
      sendSome(refs + first, step)
      first &+= step
    }
    if count > 0 { rest.wasBusy() }
  }

  private func sendSome(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var place = 0
    while place < count {
      let ref = refs[place]
      hauberk_packet_stage(
        socket, UInt32(truncatingIfNeeded: place), frames.memory.address(of: ref), ref.length)
      place &+= 1
    }
    var at = 0
    while at < count {
      let result = hauberk_packet_send(
        socket, UInt32(truncatingIfNeeded: at), UInt32(truncatingIfNeeded: count))
      counters.addSent(refs + at, Int(result.count))
      at &+= Int(result.count)
      guard result.error != 0 else { continue }
      let drop = PortDrop(sending: result.error)
      // A full device may have room for the next one, and a shorter one may fit; without a link none will.
      let lost = drop == .linkDown || result.error == PortDrop.wouldBlock ? count &- at : 1
      counters.add(lost, to: drop)
      at &+= lost
    }
    place = 0
    while place < count {
      frames.give(refs[place])
      place &+= 1
    }
  }

  /// Once a loop. A port that rests looks after its sockets and its device.
  @inline(__always)
  package mutating func flush() {
    if rest.isDue() { settle() }
    let lost = hauberk_packet_lost(socket)
    if lost > 0 { counters.add(Int(lost), to: .ringFull) }
  }

  @inline(never)
  private mutating func settle() {
    hauberk_packet_settle(socket)
    let mtu = Int(hauberk_packet_mtu(socket))
    if mtu > 0 { arrivals.mtu = mtu }
  }

  /// What is another member's is dropped before it is copied into the ring.
  package static func filter(_ queues: [PacketQueue], by early: EarlyMemory) throws(PortError) {
    try early.attach(to: queues.map(\.descriptor))
  }

  /// Readable when there is something to receive.
  package var descriptor: Int32 { hauberk_packet_descriptor(socket) }

  package var device: String { String(cString: hauberk_packet_device(socket)) }

  /// Asks the kernel; any thread may.
  package var state: PortState { PortState(hauberk_packet_link(socket)) }

  /// Frames to one more address are received, where the port is not promiscuous.
  package func join(_ address: MACAddress) throws(PortError) {
    let failure = hauberk_packet_join(socket, address.octets)
    guard failure == 0 else { throw PortError("\(device) does not take the address \(address): \(text(of: failure))") }
  }
}

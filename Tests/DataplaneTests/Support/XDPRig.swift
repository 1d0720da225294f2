@testable import Dataplane
import Memory
import PacketMaking

/// Workers' queues on two cables, `in0` to `in1` and `out0` to `out1`, of which the ends with a 0 are ours.
/// In a namespace's thread only.
final class XDPRig {
  let memory: PacketMemory
  private(set) var inside: XDPDevice
  private(set) var outside: XDPDevice
  let sources: [FrameSource]
  private(set) var workers: [(inside: XDPQueue, outside: XDPQueue)] = []
  private let counters: [PortCounters]
  private let rings: XDPSizes
  private let scratch = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)

  init(queues: Int = 1, hook: XDPHook? = nil, mtu: Int = 1500, sizes: XDPSizes = XDPSizes(), frames: Int = 8192) throws
  {
    try Namespace.makeCable("in0", "in1", queues: queues, mtu: mtu)
    try Namespace.makeCable("out0", "out1", queues: queues, mtu: mtu)
    var packetSizes = PacketMemorySizes()
    packetSizes.frames = frames
    memory = try PacketMemory(packetSizes, near: nil)
    let chunk = try XDPQueue.chunk(memory)
    inside = try XDPDevice("in0", hook: hook, chunk: chunk)
    outside = try XDPDevice("out0", hook: hook, chunk: chunk)
    let memory = memory
    sources = (0..<queues).map { _ in FrameSource(memory) }
    counters = (0..<queues * 2).map { _ in PortCounters() }
    rings = sizes
    try openQueues()
  }

  private func openQueues() throws {
    workers = []
    for (queue, frames) in sources.enumerated() {
      workers.append(
        try XDPQueue.open(
          inside: inside, outside: outside, queue: queue, frames: frames, sizes: rings,
          counters: (counters[queue * 2], counters[queue * 2 + 1])))
    }
  }

  private func closeQueues() {
    for worker in workers {
      worker.inside.close()
      worker.outside.close()
    }
  }

  /// Those of the first worker.
  var bothCounters: (inside: PortCounters, outside: PortCounters) { (counters[0], counters[1]) }

  /// A new cable in place of the one that is gone, for the first worker's side that is called so.
  func renew(_ side: String) throws -> (inside: XDPQueue, outside: XDPQueue) {
    (side == "in" ? workers[0].inside : workers[0].outside).close()
    try Namespace.makeCable(side + "0", side + "1")
    let device = try XDPDevice(side + "0", chunk: try XDPQueue.chunk(memory))
    if side == "in" {
      inside = device
      workers[0].inside = try XDPQueue.open(device, queue: 0, beside: workers[0].outside, counters: counters[0])
    } else {
      outside = device
      workers[0].outside = try XDPQueue.open(device, queue: 0, beside: workers[0].inside, counters: counters[1])
    }
    return workers[0]
  }

  /// 200 frames from a far end to a queue, and back out of it: what came back.
  func exchange(_ far: RawSocket, _ queue: XDPQueue) -> Arrived {
    var arrived = Arrived(Array(NumberedFrames.usual.prefix(200)))
    let deadline = Deadline(milliseconds: 20_000)
    for frame in arrived.expected { _ = far.send(frame) }
    while !arrived.isComplete, !deadline.isOver {
      forward(from: queue, to: queue)
      while let frame = far.next() { arrived.note(frame) }
    }
    return arrived
  }

  func reopen() throws {
    closeQueues()
    try openQueues()
  }

  func queues(_ side: KeyPath<(inside: XDPQueue, outside: XDPQueue), XDPQueue>) -> [XDPQueue] {
    workers.map { $0[keyPath: side] }
  }

  /// Everything closed. How many frames did not come back.
  func close() -> Int {
    closeQueues()
    inside.close()
    outside.close()
    let missing = memory.sizes.frames - free(large: false) + memory.sizes.largeFrames - free(large: true)
    for bank in counters { bank.deallocate() }
    for source in sources { source.deallocate() }
    scratch.deallocate()
    memory.deallocate()
    return missing
  }

  /// Takes every frame that there is, so it is the last thing that is asked.
  private func free(large: Bool) -> Int {
    var count = 0
    for source in sources {
      var position: UInt32 = 0
      while large ? source.large.take(&position) : source.small.take(&position) { count += 1 }
    }
    return count
  }

  /// One burst, whose frames the caller gives back.
  func hold(_ queue: XDPQueue) -> [PacketRef] {
    var burst = Burst(scratch)
    queue.receive(into: &burst)
    return (0..<burst.count).map { burst.refs[$0] }
  }

  /// The octets of one burst.
  func receive(_ queue: XDPQueue) -> [[UInt8]] {
    hold(queue).map { ref in
      defer { queue.frames.give(ref) }
      return Array(UnsafeRawBufferPointer(start: memory.address(of: ref), count: Int(ref.length)))
    }
  }

  func forward(from: XDPQueue, to: XDPQueue) {
    var burst = Burst(scratch)
    from.receive(into: &burst)
    to.send(burst.refs, burst.count)
    to.flush()
    from.flush()
  }

  /// False: no frame was free.
  func send(_ octets: [UInt8], _ queue: XDPQueue) -> Bool {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard queue.frames.take(length: octets.count, &ref) else { return false }
    send(octets, in: ref, queue)
    return true
  }

  func send(_ octets: [UInt8], in frame: PacketRef, _ queue: XDPQueue) {
    var ref = frame
    memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    queue.send(&ref, 1)
  }
}

import CBaseline
import CKernel
import CLI
import Dataplane
import Memory

/// AF_XDP beside AF_PACKET with sendmmsg and recvmmsg, on the cables of a network of its own.
///
/// "send": as many as the device takes. "receive": a neighbour's sendmmsg, the kernel's whole way, and the frame in our
/// hands; its own part is the same for both. "forward": that, and out on another cable. One thread does everything, and
/// such a cable's interrupts are its sender's.
func measurePorts(rounds: Int) throws -> Int32 {
  guard baseline_leave_network() == 0 else { throw CommandFailure(.usage, "live ports are measured as root") }
  for cable in ["in", "out", "near", "far"] {
    guard baseline_make_cable(cable + "0", cable + "1") == 0 else { throw CommandFailure(.usage, "no cable is made") }
  }
  try Console.output(
    Format.left("", 24) + ["AF_XDP", "AF_PACKET", "ratio", "million/s"].map { Format.right($0, 12) }.joined() + "\n")
  for hook in XDPHook.allCases {
    let start = hauberk_nanoseconds()
    let bench = try PortBench(hook)
    let opened = Double(hauberk_nanoseconds() - start) / 1e6
    for length in [60, 1420] {
      try bench.prepare(length)
      for way in PortBench.Way.allCases {
        var ours: [Double] = [], others: [Double] = []
        for round in -1..<rounds {
          let one = bench.run(way, ours: true), other = bench.run(way, ours: false)
          if round >= 0 { (ours, others) = (ours + [one], others + [other]) }
        }
        let ratio = median(zip(ours, others).map { $0 / $1 })
        try Console.output(
          Format.left("\(way), \(length) bytes, \(hook)", 24) + Format.right(Format.fixed(median(ours), 0), 12)
            + Format.right(Format.fixed(median(others), 0), 12) + Format.right(Format.fixed(ratio, 2), 12)
            + Format.right(Format.fixed(1e3 / median(ours), 2), 12) + "\n")
      }
    }
    try Console.output("opened in \(Format.fixed(opened, 1)) ms; \(bench.missing) frames missing\n")
    bench.close()
  }
  try Console.output("nanoseconds a packet, as medians of \(rounds) rounds\n")
  return 0
}

private final class PortBench {
  enum Way: String, CaseIterable { case send, receive, forward }

  private static let packets = 100_000
  private let memory: PacketMemory
  private let frames: FrameSource
  private let devices: [XDPDevice]
  private let inside: XDPQueue
  private let outside: XDPQueue
  private let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
  private let sockets: (inFar: Int32, near: Int32, nearFar: Int32, far: Int32)
  private var frame: [UInt8] = []
  private(set) var missing = 0

  init(_ hook: XDPHook) throws {
    memory = try PacketMemory(PacketMemorySizes(), near: nil)
    frames = FrameSource(memory)
    let chunk = try XDPQueue.chunk(memory)
    devices = [try XDPDevice("in0", hook: hook, chunk: chunk), try XDPDevice("out0", hook: hook, chunk: chunk)]
    (inside, outside) = try XDPQueue.open(
      inside: devices[0], outside: devices[1], queue: 0, frames: frames, counters: (PortCounters(), PortCounters()))
    sockets = (
      baseline_packet_socket("in1", 0), baseline_packet_socket("near0", 1), baseline_packet_socket("near1", 0),
      baseline_packet_socket("far0", 0)
    )
  }

  func close() {
    inside.close()
    outside.close()
    for device in devices { device.close() }
    for socket in [sockets.inFar, sockets.near, sockets.nearFar, sockets.far] { baseline_packet_close(socket) }
  }

  /// Every frame that may be sent already holds the packet.
  func prepare(_ length: Int) throws {
    frame = [UInt8](repeating: 0, count: length)
    // To somebody else, so that the far end's kernel is done with it at once.
    frame.replaceSubrange(0..<14, with: [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5])
    var taken: [PacketRef] = []
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    while frames.take(length: length, &ref) {
      memory.address(of: ref).copyMemory(from: frame, byteCount: length)
      taken.append(ref)
    }
    for ref in taken { frames.give(ref) }
  }

  /// Nanoseconds a packet.
  func run(_ way: Way, ours: Bool) -> Double {
    let start = hauberk_nanoseconds()
    var done = 0
    while done < Self.packets {
      let step =
        switch (way, ours) {
        case (.send, true): sendOurs()
        case (.send, false): Int(baseline_packet_send(sockets.far, frame, UInt32(frame.count), 64))
        case (.receive, true): generate(sockets.inFar) { receiveOurs() }
        case (.receive, false): generate(sockets.nearFar) { Int(baseline_packet_receive(sockets.near)) }
        case (.forward, true): generate(sockets.inFar) { hotForwardXDP(inside, outside, refs) }
        case (.forward, false):
          generate(sockets.nearFar) {
            Int(baseline_packet_forward(sockets.far, baseline_packet_receive(sockets.near)))
          }
        }
      done += step
    }
    return Double(hauberk_nanoseconds() - start) / Double(done)
  }

  /// Half a burst from the far end, then until it is here.
  private func generate(_ socket: Int32, _ take: () -> Int) -> Int {
    let sent = Int(baseline_packet_send(socket, frame, UInt32(frame.count), 32))
    var here = 0
    var turns = 0
    while here < sent, turns < 100_000 {
      here += take()
      turns += 1
    }
    missing += sent - here
    return sent
  }

  private func sendOurs() -> Int {
    var count = 0
    while count < 64, frames.take(length: frame.count, &refs[count]) { count += 1 }
    outside.send(refs, count)
    outside.flush()
    return count
  }

  private func receiveOurs() -> Int {
    var burst = Burst(refs)
    inside.receive(into: &burst)
    for slot in 0..<burst.count { frames.give(refs[slot]) }
    return burst.count
  }
}

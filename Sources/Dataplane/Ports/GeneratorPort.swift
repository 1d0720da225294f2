import CKernel
package import Contract
package import Memory
import Wire

/// Synthetic traffic: UDP and TCP flows in both directions, the same for the same seed.
package struct GeneratorPort: ReceivePort {
  private let description: GeneratorDescription
  private let frames: FrameSource
  private var random: SeededRandom
  private var made = 0

  package init(_ description: GeneratorDescription, frames: FrameSource) {
    self.description = description
    self.frames = frames
    random = SeededRandom(seed: description.seed)
  }

  @inline(__always)
  package mutating func receive(into burst: inout Burst) -> Bool {
    while burst.count < Burst.capacity {
      guard made < description.packets else { return false }
      let draw = random.next()
      // Four octets of frame check sequence are on the wire and not in memory.
      let flow = UInt32(truncatingIfNeeded: draw & 0xffff_ffff) % max(1, UInt32(truncatingIfNeeded: description.flows))
      let isIPv6 = Int(flow % 100) < description.ipv6Percent
      let length = max(size(draw) &- 4, isIPv6 ? Self.leastIPv6 : 0)
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      guard frames.take(length: length, &ref) else { return true }
      fill(ref, length, flow, isIPv6, isReply: draw >> 63 == 1)
      burst.append(ref)
      made &+= 1
    }
    return true
  }

  /// Ethernet, IPv6 and a whole TCP header.
  @inline(__always) private static var leastIPv6: Int { 14 &+ 40 &+ 20 }

  @inline(__always)
  private func size(_ draw: UInt64) -> Int {
    switch description.size {
    case .fixed(let bytes): return bytes
    case .range(let least, let most):
      return least &+ SeededRandom.scale(draw >> 32, to: most &- least &+ 1)
    case .imix:
      let slot = (draw >> 32) % 12
      return slot < 7 ? 64 : slot < 11 ? 594 : 1518
    }
  }

  @inline(__always)
  private func fill(_ ref: PacketRef, _ length: Int, _ flow: UInt32, _ isIPv6: Bool, isReply: Bool) {
    let bytes = frames.memory.address(of: ref)
    // The frame has been used before: what is not a header is zero, or two runs would differ.
    hauberk_clear(bytes, length)
    put(0x0200_0000_0002_0200, bytes, 0)
    put(0x0000_0001_0000_0000 | (isIPv6 ? 0x86dd_0000 : 0x0800_0000), bytes, 8)
    let here = UInt16(truncatingIfNeeded: 1024 &+ flow % 60_000), there: UInt16 = flow & 1 == 0 ? 443 : 53
    let proto = flow & 1 == 0 ? IPProtocol.tcp : IPProtocol.udp
    if isIPv6 {
      fillIPv6(bytes, length, flow, isReply, proto)
    } else {
      fillIPv4(bytes, length, flow, isReply, proto)
    }
    let transport = isIPv6 ? 54 : 34
    put(isReply ? there : here, bytes, transport)
    put(isReply ? here : there, bytes, transport &+ 2)
    put(UInt16(truncatingIfNeeded: max(0, length &- transport)), bytes, transport &+ 4)
    put(UInt16(0x5000), bytes, transport &+ 12)
    let header = frames.memory.header(of: ref)
    header.pointee.seconds = Int64(truncatingIfNeeded: made / 1_000_000)
    header.pointee.nanoseconds = UInt32(truncatingIfNeeded: made % 1_000_000 &* 1000)
    header.pointee.wireLength = UInt32(truncatingIfNeeded: length)
  }

  // 198.18.0.0/15 and 2001:db8::/32 are set aside for benchmarks and for documents (RFC 2544, RFC 3849).

  @inline(__always)
  private func fillIPv4(
    _ bytes: UnsafeMutableRawPointer, _ length: Int, _ flow: UInt32, _ isReply: Bool, _ proto: UInt8
  ) {
    let client = 0xc612_0000 | flow & 0xffff, server = 0xc613_0000 | flow >> 8 & 0xffff
    put(UInt16(0x4500), bytes, 14)
    put(UInt16(truncatingIfNeeded: length &- 14), bytes, 16)
    put(UInt32(0x0000_4000), bytes, 18)
    put(UInt32(0x4000_0000) | UInt32(proto) << 16, bytes, 22)
    put(isReply ? server : client, bytes, 26)
    put(isReply ? client : server, bytes, 30)
    put(headerChecksum(UnsafeRawPointer(bytes) + 14), bytes, 24)
  }

  @inline(__always)
  private func fillIPv6(
    _ bytes: UnsafeMutableRawPointer, _ length: Int, _ flow: UInt32, _ isReply: Bool, _ proto: UInt8
  ) {
    let prefix: UInt64 = 0x2001_0db8_0000_0000
    put(UInt32(0x6000_0000), bytes, 14)
    put(UInt16(truncatingIfNeeded: length &- 54), bytes, 18)
    put(UInt16(proto) << 8 | 64, bytes, 20)
    put(isReply ? prefix | 1 : prefix, bytes, 22)
    put(UInt64(flow), bytes, 30)
    put(isReply ? prefix : prefix | 1, bytes, 38)
    put(UInt64(flow), bytes, 46)
  }

  @inline(__always)
  private func headerChecksum(_ header: UnsafeRawPointer) -> UInt16 {
    var sum: UInt32 = 0
    var offset = 0
    while offset < 20 {
      sum &+= UInt32(UInt16(bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
      offset &+= 2
    }
    sum = sum >> 16 &+ sum & 0xffff
    return ~UInt16(truncatingIfNeeded: sum >> 16 &+ sum)
  }

  @inline(__always)
  private func put<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, _ bytes: UnsafeMutableRawPointer, _ offset: Int
  ) {
    bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
  }
}

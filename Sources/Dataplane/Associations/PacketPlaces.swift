/// Where a packet's IP header and its ESP begin, counted from the frame's beginning.
struct PacketPlaces: BitwiseCopyable {
  var bits: UInt32

  @inline(__always) init(bits: UInt32) { self.bits = bits }
  @inline(__always) init(ip: UInt8, esp: UInt16 = 0) { bits = UInt32(ip) << 16 | UInt32(esp) }

  @inline(__always) var ip: Int { Int(bits >> 16) }
  @inline(__always) var esp: Int { Int(bits & 0xffff) }
}

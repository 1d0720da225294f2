import Wire

/// What of a clear packet's header goes into the outer one.
struct InnerHeader {
  /// Of the IP packet, whatever the frame holds behind it; 0 where there is no IP packet.
  var length: Int
  /// What ESP calls it: 4 or 41.
  var nextHeader: UInt8
  var trafficClass: UInt8
  var hopLimit: UInt8
  /// IPv6 is never fragmented on the way.
  var dontFragment: Bool
  private let header: UnsafeRawPointer

  @inline(__always)
  init(_ header: UnsafeMutableRawPointer, available: Int) {
    self.header = UnsafeRawPointer(header)
    // Classification has seen at least a whole fixed header of either kind.
    let first = UInt64(bigEndian: header.loadUnaligned(as: UInt64.self))
    if first >> 60 == 4 {
      let total = Int(first >> 32 & 0xffff)
      length = total == 0 ? available : total
      nextHeader = IPProtocol.ipv4
      trafficClass = UInt8(truncatingIfNeeded: first >> 48)
      hopLimit = header.load(fromByteOffset: 8, as: UInt8.self)
      dontFragment = first & 0x4000 != 0
    } else {
      let payload = Int(first >> 16 & 0xffff)
      length = payload == 0 ? available : payload &+ IPv6View.length
      nextHeader = IPProtocol.ipv6
      trafficClass = UInt8(truncatingIfNeeded: first >> 52)
      hopLimit = UInt8(truncatingIfNeeded: first)
      dontFragment = true
    }
  }

  var isIPv6: Bool { nextHeader == IPProtocol.ipv6 }

  /// Of an IPv6 packet; an IPv4 packet has none.
  var flowLabel: UInt32 {
    isIPv6 ? UInt32(bigEndian: header.loadUnaligned(as: UInt32.self)) & 0xfffff : 0
  }
}

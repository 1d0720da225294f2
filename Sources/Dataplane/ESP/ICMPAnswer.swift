import Wire

/// What a sender gets to read whose packet does not fit.
enum ICMPAnswer {
  /// The header and the eight octets in front of the quote, which is there already.
  static func write(
    _ packet: UnsafeMutableRawPointer, inner: Bytes, from: (high: UInt64, low: UInt64), isIPv6: Bool, mtu: Int,
    quoted: Int
  ) {
    let length = UInt64(truncatingIfNeeded: 8 &+ quoted)
    if isIPv6 {
      packet.storeBytes(of: (6 << 60 | length << 16 | 58 << 8 | 64).bigEndian, as: UInt64.self)
      packet.storeBytes(of: from.high.bigEndian, toByteOffset: 8, as: UInt64.self)
      packet.storeBytes(of: from.low.bigEndian, toByteOffset: 16, as: UInt64.self)
      packet.storeBytes(of: inner.uint64InMemoryOrder(at: 8), toByteOffset: 24, as: UInt64.self)
      packet.storeBytes(of: inner.uint64InMemoryOrder(at: 16), toByteOffset: 32, as: UInt64.self)
      let icmp = packet + IPv6View.length
      // Type 2; an IPv6 path takes 1280 in any case (RFC 8200 section 5).
      icmp.storeBytes(of: (UInt64(2) << 56 | UInt64(truncatingIfNeeded: max(mtu, 1280))).bigEndian, as: UInt64.self)
      let pseudo = InternetChecksum.sum(Bytes(packet + 8, count: 32), length &+ UInt64(IPProtocol.icmpv6))
      let sum = InternetChecksum.fold(InternetChecksum.sum(Bytes(icmp, count: 8 &+ quoted), pseudo))
      icmp.storeBytes(of: sum.bigEndian, toByteOffset: 2, as: UInt16.self)
      return
    }
    packet.storeBytes(of: (0x4500 << 48 | (20 &+ length) << 32).bigEndian, as: UInt64.self)
    packet.storeBytes(
      of: (UInt64(64) << 56 | UInt64(IPProtocol.icmp) << 48 | from.low).bigEndian, toByteOffset: 8, as: UInt64.self)
    packet.storeBytes(of: inner.uint32(at: 12).bigEndian, toByteOffset: 16, as: UInt32.self)
    let header = InternetChecksum.fold(InternetChecksum.sum(Bytes(packet, count: IPv4View.minimumLength)))
    packet.storeBytes(of: header.bigEndian, toByteOffset: 10, as: UInt16.self)
    let icmp = packet + IPv4View.minimumLength
    // Type 3, code 4, and what fits.
    icmp.storeBytes(of: (UInt64(0x0304) << 48 | UInt64(truncatingIfNeeded: min(mtu, 65535))).bigEndian, as: UInt64.self)
    let sum = InternetChecksum.fold(InternetChecksum.sum(Bytes(icmp, count: 8 &+ quoted)))
    icmp.storeBytes(of: sum.bigEndian, toByteOffset: 2, as: UInt16.self)
  }
}

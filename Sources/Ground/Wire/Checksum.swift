/// The Internet checksum (RFC 1071), and how it changes with a word (RFC 1624).
public enum InternetChecksum {
  /// The sum of big-endian 16-bit words, not yet folded. An odd last octet counts as a high half.
  @inlinable
  public static func sum(_ bytes: Bytes, _ start: UInt64 = 0) -> UInt64 {
    var sum = start
    var offset = 0
    while offset &+ 4 <= bytes.count {
      sum &+= UInt64(bytes.uint32(at: offset))
      offset &+= 4
    }
    if offset &+ 2 <= bytes.count {
      sum &+= UInt64(bytes.uint16(at: offset))
      offset &+= 2
    }
    if offset < bytes.count { sum &+= UInt64(bytes.uint8(at: offset)) << 8 }
    return sum
  }

  /// Carries put back in, and inverted: what stands in a header.
  @inlinable @inline(__always)
  public static func fold(_ sum: UInt64) -> UInt16 {
    var folded = (sum & 0xffff_ffff) &+ sum >> 32
    folded = (folded & 0xffff) &+ (folded >> 16 & 0xffff) &+ folded >> 32
    folded = (folded & 0xffff) &+ folded >> 16
    folded = (folded & 0xffff) &+ folded >> 16
    return ~UInt16(truncatingIfNeeded: folded)
  }

  /// A header's checksum after one of its words has become another.
  @inlinable @inline(__always)
  public static func updated(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
    fold(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
  }
}

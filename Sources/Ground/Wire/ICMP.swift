/// The eight octets in front of what an ICMP message carries (RFC 792, RFC 4443).
public struct ICMPHeader {
  public var type: UInt8
  public var code: UInt8
  /// An MTU, a pointer, or identifier and number of an echo.
  public var rest: UInt32

  @inlinable @inline(__always)
  public init(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) {
    self.type = type
    self.code = code
    self.rest = rest
  }

  /// Writes the checksum too: what follows the header has to be there already. `pseudo` is nothing for IPv4.
  @inlinable
  public func write(to bytes: WritableBytes, pseudo: UInt64 = 0) {
    bytes.set(type, at: 0)
    bytes.set(code, at: 1)
    bytes.set(0 as UInt16, at: 2)
    bytes.set(rest, at: 4)
    bytes.set(InternetChecksum.fold(InternetChecksum.sum(bytes.bytes, pseudo)), at: 2)
  }
}

extension ICMPView {
  @inlinable public static var echoReply: UInt8 { 0 }
  @inlinable public static var echoRequest: UInt8 { 8 }
  @inlinable public static var unreachable: UInt8 { 3 }
  @inlinable public static var timeExceeded: UInt8 { 11 }

  @inlinable public static var unreachable6: UInt8 { 1 }
  @inlinable public static var tooBig6: UInt8 { 2 }
  @inlinable public static var timeExceeded6: UInt8 { 3 }
  @inlinable public static var parameterProblem6: UInt8 { 4 }
  @inlinable public static var echoRequest6: UInt8 { 128 }
  @inlinable public static var echoReply6: UInt8 { 129 }
  @inlinable public static var redirect6: UInt8 { 137 }

  /// Identifier and sequence number of an echo.
  @inlinable public var rest: UInt32 { bytes.uint32(at: 4) }

  /// Whether the checksum is right; `pseudo` is nothing for IPv4.
  @inlinable
  public func isSound(pseudo: UInt64 = 0) -> Bool {
    InternetChecksum.fold(InternetChecksum.sum(bytes, pseudo)) == 0
  }
}

extension InternetChecksum {
  /// The sum of IPv6's pseudo-header (RFC 8200 section 8.1).
  @inlinable
  public static func pseudo(
    from source: IPv6Address, to destination: IPv6Address, _ protocolNumber: UInt8, length: Int
  ) -> UInt64 {
    var sum = UInt64(protocolNumber) &+ UInt64(truncatingIfNeeded: length)
    sum &+= (source.high >> 32) &+ (source.high & 0xffff_ffff) &+ (source.low >> 32) &+ (source.low & 0xffff_ffff)
    sum &+= (destination.high >> 32) &+ (destination.high & 0xffff_ffff)
    sum &+= (destination.low >> 32) &+ (destination.low & 0xffff_ffff)
    return sum
  }
}

/// UDP (RFC 768).
public struct UDPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 8 }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var sourcePort: UInt16 { bytes.uint16(at: 0) }
  @inlinable @inline(__always) public var destinationPort: UInt16 { bytes.uint16(at: 2) }
  @inlinable @inline(__always) public var datagramLength: Int { Int(bytes.uint16(at: 4)) }
  @inlinable @inline(__always) public var payload: Bytes { bytes.dropFirst(Self.length) }
}

/// TCP (RFC 9293).
public struct TCPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var minimumLength: Int { 20 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.minimumLength else { return nil }
    let length = Int(bytes.uint8(at: 12) >> 4) &* 4
    guard length >= Self.minimumLength, bytes.count >= length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var sourcePort: UInt16 { bytes.uint16(at: 0) }
  @inlinable @inline(__always) public var destinationPort: UInt16 { bytes.uint16(at: 2) }
  @inlinable @inline(__always) public var sequence: UInt32 { bytes.uint32(at: 4) }
  @inlinable @inline(__always) public var acknowledgement: UInt32 { bytes.uint32(at: 8) }
  @inlinable @inline(__always) public var headerLength: Int { Int(bytes.uint8(at: 12) >> 4) &* 4 }
  @inlinable @inline(__always) public var flags: UInt8 { bytes.uint8(at: 13) }
  @inlinable @inline(__always) public var window: UInt16 { bytes.uint16(at: 14) }
  @inlinable @inline(__always) public var payload: Bytes { bytes.dropFirst(headerLength) }
}

/// The ports alone, which UDP, TCP and their quotes in ICMP errors have in the same place.
public struct PortsView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 4 }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always)
  public var source: UInt16 { bytes.uint16(at: 0) }
  @inlinable @inline(__always)
  public var destination: UInt16 { bytes.uint16(at: 2) }
}

/// ICMP (RFC 792) and ICMPv6 (RFC 4443): type, code, and for errors the packet they quote.
public struct ICMPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 8 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var type: UInt8 { bytes.uint8(at: 0) }
  @inlinable @inline(__always) public var code: UInt8 { bytes.uint8(at: 1) }
  /// The quoted packet, which may be cut anywhere.
  @inlinable @inline(__always) public var quoted: Bytes { bytes.dropFirst(Self.length) }

  /// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
  @inlinable @inline(__always) public var isIPv4Error: Bool {
    type == 3 || type == 4 || type == 5 || type == 11 || type == 12
  }
  /// Types below 128 are errors (RFC 4443 section 2.1); of them 1 to 4 quote a packet.
  @inlinable @inline(__always) public var isIPv6Error: Bool { type >= 1 && type <= 4 }
}

/// ESP (RFC 4303): the part in clear.
public struct ESPView {
  public let bytes: Bytes
  /// SPI and sequence number; the IV follows.
  @inlinable @inline(__always) public static var length: Int { 8 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var spi: UInt32 { bytes.uint32(at: 0) }
  @inlinable @inline(__always) public var sequence: UInt32 { bytes.uint32(at: 4) }
  @inlinable @inline(__always) public var body: Bytes { bytes.dropFirst(Self.length) }
}

/// The header of every IKE message (RFC 7296 section 3.1).
public struct IKEView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 28 }
  @inlinable @inline(__always) public static var port: UInt16 { 500 }
  /// IKE and ESP share this port behind a NAT (RFC 3948).
  @inlinable @inline(__always) public static var encapsulationPort: UInt16 { 4500 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var initiatorSPI: UInt64 { bytes.uint64(at: 0) }
  @inlinable @inline(__always) public var responderSPI: UInt64 { bytes.uint64(at: 8) }
}

/// L2TP version 2 (RFC 2661): where the ids stand depends on one flag.
public struct L2TPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var port: UInt16 { 1701 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= 6, bytes.uint8(at: 1) & 15 == 2 else { return nil }
    guard bytes.uint8(at: 0) & 0x40 == 0 || bytes.count >= 8 else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var isControl: Bool { bytes.uint8(at: 0) & 0x80 != 0 }
  @inlinable var idsOffset: Int { bytes.uint8(at: 0) & 0x40 != 0 ? 4 : 2 }
  @inlinable @inline(__always) public var tunnel: UInt16 { bytes.uint16(at: idsOffset) }
  @inlinable @inline(__always) public var session: UInt16 { bytes.uint16(at: idsOffset &+ 2) }
}

/// GRE (RFC 2784, RFC 2890).
public struct GREView {
  public let bytes: Bytes

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= 4 else { return nil }
    var length = 4
    let flags = bytes.uint8(at: 0)
    if flags & 0x80 != 0 { length &+= 4 }  // checksum
    if flags & 0x20 != 0 { length &+= 4 }  // key
    if flags & 0x10 != 0 { length &+= 4 }  // sequence
    guard bytes.count >= length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var hasChecksum: Bool { bytes.uint8(at: 0) & 0x80 != 0 }
  @inlinable @inline(__always) public var hasKey: Bool { bytes.uint8(at: 0) & 0x20 != 0 }
  @inlinable @inline(__always) public var hasSequence: Bool { bytes.uint8(at: 0) & 0x10 != 0 }
  @inlinable @inline(__always) public var type: UInt16 { bytes.uint16(at: 2) }
  @inlinable @inline(__always) public var key: UInt32? { hasKey ? bytes.uint32(at: hasChecksum ? 8 : 4) : nil }
  @inlinable @inline(__always) public var payload: Bytes {
    bytes.dropFirst(4 &+ (hasChecksum ? 4 : 0) &+ (hasKey ? 4 : 0) &+ (hasSequence ? 4 : 0))
  }
}

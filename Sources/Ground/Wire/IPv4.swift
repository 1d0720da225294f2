/// IPv4 (RFC 791). The view judges structure alone: no checksum, no rule about addresses.
public struct IPv4View {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var minimumLength: Int { 20 }

  public enum Fault: Sendable {
    case truncated, version, headerLength, totalLength
  }

  /// The reason why these bytes are no IPv4 header, or nil.
  @inlinable @inline(__always)
  public static func fault(in bytes: Bytes) -> Fault? {
    guard bytes.count >= minimumLength else { return .truncated }
    let first = bytes.uint8(at: 0)
    guard first >> 4 == 4 else { return .version }
    let headerLength = Int(first & 15) &* 4
    guard headerLength >= minimumLength else { return .headerLength }
    guard bytes.count >= headerLength else { return .truncated }
    let total = Int(bytes.uint16(at: 2))
    // 0 is what segmentation offload leaves when the packet outgrows the field.
    guard total >= headerLength || total == 0 else { return .totalLength }
    return nil
  }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard Self.fault(in: bytes) == nil else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always)
  public var headerLength: Int { Int(bytes.uint8(at: 0) & 15) &* 4 }
  @inlinable @inline(__always)
  public var totalLength: Int {
    let total = Int(bytes.uint16(at: 2))
    return total == 0 ? bytes.count : total
  }
  @inlinable @inline(__always) public var trafficClass: UInt8 { bytes.uint8(at: 1) }
  @inlinable @inline(__always) public var identification: UInt16 { bytes.uint16(at: 4) }
  @inlinable @inline(__always) public var dontFragment: Bool { bytes.uint16(at: 6) & 0x4000 != 0 }
  @inlinable @inline(__always) public var moreFragments: Bool { bytes.uint16(at: 6) & 0x2000 != 0 }
  /// In units of eight octets.
  @inlinable @inline(__always) public var fragmentOffset: Int { Int(bytes.uint16(at: 6) & 0x1fff) }
  @inlinable @inline(__always)
  public var isFragment: Bool { bytes.uint16(at: 6) & 0x3fff != 0 }
  @inlinable @inline(__always) public var timeToLive: UInt8 { bytes.uint8(at: 8) }
  @inlinable @inline(__always)
  public var protocolNumber: UInt8 { bytes.uint8(at: 9) }
  @inlinable @inline(__always)
  public var source: UInt32 { bytes.uint32(at: 12) }
  @inlinable @inline(__always)
  public var destination: UInt32 { bytes.uint32(at: 16) }

  /// The options between the fixed header and the payload.
  @inlinable @inline(__always) public var options: Bytes { bytes.prefix(headerLength).dropFirst(Self.minimumLength) }

  /// What the header says is payload, as far as it is there.
  @inlinable @inline(__always)
  public var payload: Bytes { bytes.prefix(totalLength).dropFirst(headerLength) }
}

public enum EtherType {
  @inlinable @inline(__always) public static var ipv4: UInt16 { 0x0800 }
  @inlinable @inline(__always) public static var arp: UInt16 { 0x0806 }
  @inlinable @inline(__always) public static var ipv6: UInt16 { 0x86dd }
  @inlinable @inline(__always) public static var vlan: UInt16 { 0x8100 }
  @inlinable @inline(__always) public static var serviceVLAN: UInt16 { 0x88a8 }
  /// The number QinQ had before 802.1ad, still met.
  @inlinable @inline(__always) public static var oldServiceVLAN: UInt16 { 0x9100 }

  @inlinable @inline(__always)
  public static func isTag(_ type: UInt16) -> Bool {
    type == vlan || type == serviceVLAN || type == oldServiceVLAN
  }
}

/// Ethernet II (IEEE 802.3): destination, source, type.
public struct EthernetView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 14 }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always)
  public var destination: MACAddress { MACAddress(bytes.uint64(at: 0) >> 16) }
  @inlinable @inline(__always)
  public var source: MACAddress { MACAddress(bytes.uint64(at: 6) >> 16) }
  @inlinable @inline(__always)
  public var type: UInt16 { bytes.uint16(at: 12) }
}

/// One 802.1Q or 802.1ad tag: control information, then the type of what follows.
public struct VLANTagView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 4 }
  /// More tags than this are refused: nothing real carries them, and each costs a step.
  @inlinable @inline(__always) public static var most: Int { 4 }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length else { return nil }
    self.bytes = bytes
  }

  @inlinable @inline(__always) public var identifier: UInt16 { bytes.uint16(at: 0) & 0xfff }
  @inlinable @inline(__always) public var priority: UInt8 { bytes.uint8(at: 0) >> 5 }
  @inlinable @inline(__always) public var type: UInt16 { bytes.uint16(at: 2) }
}

/// ARP for IPv4 over Ethernet (RFC 826).
public struct ARPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 28 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length, bytes.uint16(at: 0) == 1, bytes.uint16(at: 2) == EtherType.ipv4,
      bytes.uint8(at: 4) == 6, bytes.uint8(at: 5) == 4
    else { return nil }
    self.bytes = bytes
  }

  /// 1 asks, 2 answers.
  @inlinable @inline(__always) public var operation: UInt16 { bytes.uint16(at: 6) }
  @inlinable @inline(__always) public var senderMAC: MACAddress { MACAddress(bytes.uint64(at: 8) >> 16) }
  @inlinable @inline(__always) public var sender: IPv4Address { IPv4Address(bytes.uint32(at: 14)) }
  @inlinable @inline(__always) public var targetMAC: MACAddress { MACAddress(bytes.uint64(at: 18) >> 16) }
  @inlinable @inline(__always) public var target: IPv4Address { IPv4Address(bytes.uint32(at: 24)) }
}

public enum EtherType {
  @inlinable @inline(__always) public static var ipv4: UInt16 { 0x0800 }
  @inlinable @inline(__always) public static var arp: UInt16 { 0x0806 }
  @inlinable @inline(__always) public static var ipv6: UInt16 { 0x86dd }
  /// What the members of a cluster tell each other: the first of IEEE 802's two for experiments. Never tagged.
  @inlinable @inline(__always) public static var clusterControl: UInt16 { 0x88b5 }
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

/// Ethernet II as it leaves, with one 802.1Q tag or none.
public struct EthernetHeader {
  public var destination: MACAddress
  public var source: MACAddress
  public var vlan: UInt16?
  public var type: UInt16

  @inlinable @inline(__always)
  public init(to destination: MACAddress, from source: MACAddress, vlan: UInt16? = nil, type: UInt16) {
    self.destination = destination
    self.source = source
    self.vlan = vlan
    self.type = type
  }

  @inlinable @inline(__always)
  public var length: Int { vlan == nil ? EthernetView.length : EthernetView.length &+ VLANTagView.length }

  @inlinable
  public func write(to bytes: WritableBytes) {
    bytes.set(destination, at: 0)
    bytes.set(source, at: 6)
    guard let vlan else { return bytes.set(type, at: 12) }
    bytes.set(EtherType.vlan, at: 12)
    bytes.set(vlan & 0xfff, at: 14)
    bytes.set(type, at: 16)
  }
}

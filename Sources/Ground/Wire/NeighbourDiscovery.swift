/// A neighbour solicitation or advertisement (RFC 4861 sections 4.3 and 4.4), the ICMP header included.
public struct NeighbourView {
  public let bytes: Bytes
  /// The source's or the target's MAC address, by the option that belongs to this type.
  public let linkAddress: MACAddress?
  @inlinable @inline(__always) public static var length: Int { 24 }

  @inlinable public static var solicitation: UInt8 { 135 }
  @inlinable public static var advertisement: UInt8 { 136 }

  /// Nil as well when an option has no length, or runs past the end (section 7.1).
  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length, bytes.uint8(at: 1) == 0 else { return nil }
    let type = bytes.uint8(at: 0)
    guard type == Self.solicitation || type == Self.advertisement else { return nil }
    let wanted: UInt8 = type == Self.solicitation ? 1 : 2
    var address: MACAddress?
    var rest = bytes.dropFirst(Self.length)
    while rest.count > 0 {
      guard rest.count >= 2 else { return nil }
      let length = Int(rest.uint8(at: 1)) &* 8
      guard length > 0, length <= rest.count else { return nil }
      if rest.uint8(at: 0) == wanted, length == 8 { address = MACAddress(rest.uint64(at: 0)) }
      rest = rest.dropFirst(length)
    }
    self.bytes = bytes
    linkAddress = address
  }

  @inlinable public var isSolicitation: Bool { bytes.uint8(at: 0) == Self.solicitation }
  @inlinable public var target: IPv6Address { IPv6Address(high: bytes.uint64(at: 8), low: bytes.uint64(at: 16)) }
  @inlinable public var isRouter: Bool { bytes.uint8(at: 4) & 0x80 != 0 }
  @inlinable public var isSolicited: Bool { bytes.uint8(at: 4) & 0x40 != 0 }
  @inlinable public var overrides: Bool { bytes.uint8(at: 4) & 0x20 != 0 }
}

/// A solicitation or an advertisement to be sent.
public struct NeighbourMessage {
  public var type: UInt8
  public var flags: UInt8
  public var target: IPv6Address
  public var linkAddress: MACAddress?

  @inlinable public static var router: UInt8 { 0x80 }
  @inlinable public static var solicited: UInt8 { 0x40 }
  @inlinable public static var override: UInt8 { 0x20 }

  public init(solicit target: IPv6Address, linkAddress: MACAddress?) {
    type = NeighbourView.solicitation
    flags = 0
    self.target = target
    self.linkAddress = linkAddress
  }

  @inlinable
  public init(advertise target: IPv6Address, linkAddress: MACAddress, flags: UInt8) {
    type = NeighbourView.advertisement
    self.flags = flags
    self.target = target
    self.linkAddress = linkAddress
  }

  @inlinable public var length: Int { linkAddress == nil ? NeighbourView.length : NeighbourView.length &+ 8 }

  @inlinable
  public func write(to bytes: WritableBytes, pseudo: UInt64) {
    bytes.set(target, at: 8)
    if let linkAddress {
      bytes.set((type == NeighbourView.solicitation ? 0x0101 : 0x0201) as UInt16, at: 24)
      bytes.set(linkAddress, at: 26)
    }
    ICMPHeader(type: type, rest: UInt32(flags) << 24).write(to: bytes, pseudo: pseudo)
  }
}

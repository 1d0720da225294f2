// What an address is by its form alone (RFC 1122 section 3.2.1.3, RFC 4291).

extension MACAddress {
  @inlinable public static var zero: MACAddress { MACAddress(0) }

  /// Where frames to an IPv6 group go (RFC 2464 section 7).
  @inlinable
  public init(group: IPv6Address) { self.init(0x3333_0000_0000 | group.low & 0xffff_ffff) }
}

extension IPv4Address {
  @inlinable public static var zero: IPv4Address { IPv4Address(0) }
  @inlinable public static var broadcast: IPv4Address { IPv4Address(.max) }

  @inlinable public var isMulticast: Bool { value >> 28 == 14 }
  /// One that a single host can have: not this network, loopback, a group, or reserved.
  @inlinable
  public var isHost: Bool { value >> 24 != 0 && value >> 24 != 127 && value >> 28 < 14 }
}

extension IPv6Address {
  @inlinable public static var zero: IPv6Address { IPv6Address(high: 0, low: 0) }
  @inlinable public static var allNodes: IPv6Address { IPv6Address(high: 0xff02 << 48, low: 1) }

  @inlinable public var isMulticast: Bool { high >> 56 == 0xff }
  @inlinable public var isLinkLocal: Bool { high >> 54 == 0x3fa }
  /// One that a single host can have: not unspecified, loopback, or a group.
  @inlinable
  public var isHost: Bool { !isMulticast && !(high == 0 && low < 2) }

  /// The group in which a neighbour with this address listens for solicitations (RFC 4291 section 2.7.1).
  @inlinable
  public var solicitedNode: IPv6Address {
    IPv6Address(high: 0xff02 << 48, low: 0x1_ff00_0000 | low & 0xff_ffff)
  }

  /// fe80::/64 with a modified EUI-64 behind it (RFC 4291 appendix A).
  @inlinable
  public init(linkLocal mac: MACAddress) {
    let identifier = (mac.value >> 24) << 40 | 0xff_fe00_0000 | mac.value & 0xff_ffff
    self.init(high: 0xfe80 << 48, low: identifier ^ 0x0200_0000_0000_0000)
  }
}

extension IPAddress {
  @inlinable
  public var isHost: Bool {
    switch self {
    case .v4(let address): address.isHost
    case .v6(let address): address.isHost
    }
  }
}

extension IPPrefix {
  @inlinable
  public func contains(_ other: IPAddress) -> Bool {
    switch (address, other) {
    case (.v4(let mine), .v4(let theirs)): (mine.value ^ theirs.value) >> UInt32(32 &- length) == 0
    case (.v6(let mine), .v6(let theirs)):
      (mine.high ^ theirs.high) >> UInt64(max(0, 64 &- length)) == 0
        && (mine.low ^ theirs.low) >> UInt64(min(64, 128 &- length)) == 0
    default: false
    }
  }

  /// The address that means every host of an IPv4 network, or the network itself; a network of two has neither.
  @inlinable
  public func isBroadcast(_ other: IPAddress) -> Bool {
    guard case .v4(let theirs) = other, length < 31, contains(other) else { return false }
    let host: UInt32 = .max >> UInt32(length)
    return theirs.value & host == host || theirs.value & host == 0
  }
}

/// 48 bits, the first octet on the wire in the highest place.
public struct MACAddress: Hashable, Sendable {
  public let value: UInt64

  @inlinable
  public init(_ value: UInt64) { self.value = value & 0xffff_ffff_ffff }

  public static let broadcast = MACAddress(0xffff_ffff_ffff)
  /// The lowest bit of the first octet: sent to a group.
  @inlinable
  public var isGroup: Bool { value & 0x0100_0000_0000 != 0 }
}

public struct IPv4Address: Hashable, Sendable {
  public let value: UInt32
  @inlinable
  public init(_ value: UInt32) { self.value = value }
}

public struct IPv6Address: Hashable, Sendable {
  public let high: UInt64
  public let low: UInt64
  @inlinable
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

public enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  public var isIPv6: Bool {
    if case .v6 = self { true } else { false }
  }
}

/// An address and how many of its leading bits count.
public struct IPPrefix: Hashable, Sendable {
  public let address: IPAddress
  /// In an octet: there may be very many.
  private let bits: UInt8

  public var length: Int { Int(bits) }

  public init?(_ address: IPAddress, length: Int) {
    let width =
      switch address {
      case .v4: 32
      case .v6: 128
      }
    guard (0...width).contains(length) else { return nil }
    self.address = address
    bits = UInt8(length)
  }
}

extension IPPrefix {
  /// The same without the bits that do not count.
  public var masked: IPPrefix {
    switch address {
    case .v4(let address):
      let kept = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
      return IPPrefix(.v4(IPv4Address(address.value & kept)), length: length) ?? self
    case .v6(let address):
      // A shift of all bits leaves none.
      let high = UInt64.max << UInt64(max(0, 64 - length)), low = UInt64.max << UInt64(min(64, 128 - length))
      return IPPrefix(.v6(IPv6Address(high: address.high & high, low: address.low & low)), length: length) ?? self
    }
  }

  /// Whether every address of this prefix is one of the other's.
  public func isWithin(_ other: IPPrefix) -> Bool {
    length >= other.length && other.contains(address)
  }
}

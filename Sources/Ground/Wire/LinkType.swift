/// The link types of captures that Hauberk reads, by their number in the file (LINKTYPE_…).
public enum LinkType: UInt8, CaseIterable, Sendable {
  /// BSD loopback: a family in the byte order of the machine that wrote the capture.
  case null = 0
  case ethernet = 1
  case ppp = 9
  case raw = 101
  /// OpenBSD loopback: a family in network byte order.
  case loop = 108
  case linuxCooked = 113
  /// Numbers above 255 in the file have numbers of their own here.
  case rawIPv4 = 228
  case rawIPv6 = 229
  case linuxCooked2 = 255

  /// From the number that libpcap gives (a DLT), which for raw IP depends on the system.
  public init?(libpcap number: Int32) {
    switch number {
    case 12, 14, 101: self = .raw
    case 276: self = .linuxCooked2
    case 0, 1, 9, 108, 113, 228, 229: self.init(rawValue: UInt8(number))
    default: return nil
    }
  }

  public var name: String {
    switch self {
    case .null: "BSD loopback (NULL)"
    case .ethernet: "Ethernet"
    case .ppp: "PPP"
    case .raw: "raw IP"
    case .loop: "OpenBSD loopback (LOOP)"
    case .linuxCooked: "Linux cooked v1"
    case .rawIPv4: "raw IPv4"
    case .rawIPv6: "raw IPv6"
    case .linuxCooked2: "Linux cooked v2"
    }
  }
}

/// What a link header says about the packet behind it.
public struct LinkPayload {
  public var etherType: UInt16
  /// Where the payload begins; behind the VLAN tags only after `skipTags`.
  public var offset: Int

  @inlinable @inline(__always)
  public init(etherType: UInt16, offset: Int) {
    self.etherType = etherType
    self.offset = offset
  }

  /// Says that the header is shorter than its kind demands.
  @inlinable
  public static var tooShort: LinkPayload { LinkPayload(etherType: 0, offset: -1) }
}

extension LinkType {
  /// Reads the link header. The offset is negative when the frame is too short for it.
  @inlinable
  public func payload(of frame: Bytes) -> LinkPayload {
    switch self {
    case .ethernet:
      guard frame.count >= EthernetView.length else { return .tooShort }
      return LinkPayload(etherType: frame.uint16(at: 12), offset: EthernetView.length)
    case .raw, .rawIPv4, .rawIPv6:
      guard frame.count >= 1 else { return .tooShort }
      return LinkPayload(etherType: Self.etherType(ofVersion: frame.uint8(at: 0) >> 4), offset: 0)
    case .linuxCooked:
      guard frame.count >= 16 else { return .tooShort }
      return LinkPayload(etherType: frame.uint16(at: 14), offset: 16)
    case .linuxCooked2:
      guard frame.count >= 20 else { return .tooShort }
      return LinkPayload(etherType: frame.uint16(at: 0), offset: 20)
    case .null, .loop:
      guard frame.count >= 4 else { return .tooShort }
      let family = frame.uint32(at: 0)
      // Families are small numbers: a large one was written in the other byte order.
      return LinkPayload(
        etherType: Self.etherType(ofFamily: family > 0xffff ? family.byteSwapped : family), offset: 4)
    case .ppp:
      return Self.pppPayload(of: frame)
    }
  }

  @inlinable
  static func etherType(ofVersion version: UInt8) -> UInt16 {
    switch version {
    case 4: EtherType.ipv4
    case 6: EtherType.ipv6
    default: 0
    }
  }

  /// AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30, by system.
  @inlinable
  static func etherType(ofFamily family: UInt32) -> UInt16 {
    switch family {
    case 2: EtherType.ipv4
    case 10, 24, 28, 30: EtherType.ipv6
    default: 0
    }
  }

  /// PPP (RFC 1661, RFC 1662): address and control may be left out, and the protocol may be one octet.
  @inlinable
  static func pppPayload(of frame: Bytes) -> LinkPayload {
    var offset = 0
    if frame.count >= 2, frame.uint8(at: 0) == 0xff, frame.uint8(at: 1) == 0x03 { offset = 2 }
    guard frame.count >= offset &+ 1 else { return .tooShort }
    var proto = UInt16(frame.uint8(at: offset))
    offset &+= 1
    if proto & 1 == 0 {  // an even first octet is the high half of two
      guard frame.count >= offset &+ 1 else { return .tooShort }
      proto = proto << 8 | UInt16(frame.uint8(at: offset))
      offset &+= 1
    }
    switch proto {
    case 0x0021: return LinkPayload(etherType: EtherType.ipv4, offset: offset)
    case 0x0057: return LinkPayload(etherType: EtherType.ipv6, offset: offset)
    default: return LinkPayload(etherType: 0, offset: offset)
    }
  }
}

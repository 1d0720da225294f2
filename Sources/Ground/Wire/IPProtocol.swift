/// Numbers of the IPv4 protocol field and the IPv6 next header (IANA).
public enum IPProtocol {
  @inlinable @inline(__always) public static var hopByHop: UInt8 { 0 }
  @inlinable @inline(__always) public static var icmp: UInt8 { 1 }
  @inlinable @inline(__always) public static var igmp: UInt8 { 2 }
  @inlinable @inline(__always) public static var ipv4: UInt8 { 4 }
  @inlinable @inline(__always) public static var tcp: UInt8 { 6 }
  @inlinable @inline(__always) public static var udp: UInt8 { 17 }
  @inlinable @inline(__always) public static var ipv6: UInt8 { 41 }
  @inlinable @inline(__always) public static var routing: UInt8 { 43 }
  @inlinable @inline(__always) public static var fragment: UInt8 { 44 }
  @inlinable @inline(__always) public static var gre: UInt8 { 47 }
  @inlinable @inline(__always) public static var esp: UInt8 { 50 }
  @inlinable @inline(__always) public static var ah: UInt8 { 51 }
  @inlinable @inline(__always) public static var icmpv6: UInt8 { 58 }
  @inlinable @inline(__always) public static var none: UInt8 { 59 }
  @inlinable @inline(__always) public static var destinationOptions: UInt8 { 60 }
  @inlinable @inline(__always) public static var sctp: UInt8 { 132 }
  @inlinable @inline(__always) public static var mobility: UInt8 { 135 }
  @inlinable @inline(__always) public static var hip: UInt8 { 139 }
  @inlinable @inline(__always) public static var shim6: UInt8 { 140 }

  public static func name(of number: UInt8) -> String {
    switch number {
    case icmp: "ICMP"
    case igmp: "IGMP"
    case ipv4: "IPv4 in IP"
    case tcp: "TCP"
    case udp: "UDP"
    case ipv6: "IPv6 in IP"
    case gre: "GRE"
    case esp: "ESP"
    case ah: "AH"
    case icmpv6: "ICMPv6"
    case none: "no next header"
    case sctp: "SCTP"
    default: "protocol \(number)"
    }
  }
}

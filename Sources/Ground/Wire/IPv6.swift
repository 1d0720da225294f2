/// IPv6 (RFC 8200): the fixed header.
public struct IPv6View {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 40 }

  public enum Fault: Sendable {
    case truncated, version
  }

  @inlinable @inline(__always)
  public static func fault(in bytes: Bytes) -> Fault? {
    guard bytes.count >= length else { return .truncated }
    return bytes.uint8(at: 0) >> 4 == 6 ? nil : .version
  }

  @inlinable @inline(__always)
  public init?(_ bytes: Bytes) {
    guard Self.fault(in: bytes) == nil else { return nil }
    self.bytes = bytes
  }

  @inlinable
  public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: bytes.uint16(at: 0) >> 4) }
  @inlinable
  public var flowLabel: UInt32 { bytes.uint32(at: 0) & 0xfffff }
  @inlinable @inline(__always)
  public var payloadLength: Int { Int(bytes.uint16(at: 4)) }
  @inlinable @inline(__always)
  public var nextHeader: UInt8 { bytes.uint8(at: 6) }
  @inlinable @inline(__always) public var hopLimit: UInt8 { bytes.uint8(at: 7) }
  @inlinable @inline(__always)
  public var source: IPv6Address { IPv6Address(high: bytes.uint64(at: 8), low: bytes.uint64(at: 16)) }
  @inlinable @inline(__always)
  public var destination: IPv6Address { IPv6Address(high: bytes.uint64(at: 24), low: bytes.uint64(at: 32)) }

  /// What follows the fixed header. A length of 0 is a jumbogram or segmentation offload: all that is there.
  @inlinable @inline(__always)
  public var payload: Bytes {
    let rest = bytes.dropFirst(Self.length)
    return payloadLength == 0 ? rest : rest.prefix(payloadLength)
  }
}

/// Where the chain of extension headers ends, and what was met on the way (RFC 8200 section 4).
public struct IPv6Chain {
  /// The last next-header value: an upper layer, or a header that cannot be passed.
  public var protocolNumber: UInt8
  /// Where that layer begins, counted from the IPv6 header.
  public var offset: Int
  /// Set at a Fragment header with an offset or with more to come; the walk stops there.
  public var isFragment = false
  public var isFirstFragment = true
  /// The chain ran past the end of the packet, or was longer than `mostHeaders`.
  public var isBroken = false
  public var headers = 0
  /// An Authentication Header was passed: what follows is readable, but not for everyone to act on.
  public var isAuthenticated = false

  /// Long enough for every chain that serves a purpose; an in-kernel filter can unroll as many.
  @inlinable @inline(__always) public static var mostHeaders: Int { 64 }

  @inlinable
  public init(_ header: IPv6View) {
    protocolNumber = header.nextHeader
    offset = IPv6View.length
    isBroken = !walk(header.payload)
  }

  /// False when the chain cannot be followed to its end.
  @inlinable
  mutating func walk(_ payload: Bytes) -> Bool {
    var at = 0
    while true {
      guard let length = Self.length(of: protocolNumber, payload.dropFirst(at)) else { return true }
      guard length > 0, at &+ length <= payload.count, headers < Self.mostHeaders else { return false }
      let next = payload.uint8(at: at)
      if protocolNumber == IPProtocol.fragment {
        let field = payload.uint16(at: at &+ 2)
        if field & 0xfff9 != 0 {
          // Every fragment carries the same next header here; only the first has the rest of the chain.
          isFragment = true
          isFirstFragment = field & 0xfff8 == 0
        }
      }
      if protocolNumber == IPProtocol.ah { isAuthenticated = true }
      protocolNumber = next
      at &+= length
      offset = IPv6View.length &+ at
      headers &+= 1
      if isFragment { return true }
    }
  }

  /// How long the extension header at the front is: nil when it is none, 0 when it is cut short.
  @inlinable
  static func length(of number: UInt8, _ bytes: Bytes) -> Int? {
    switch number {
    case IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.destinationOptions, IPProtocol.mobility,
      IPProtocol.hip, IPProtocol.shim6:
      bytes.count >= 8 ? (Int(bytes.uint8(at: 1)) &+ 1) &* 8 : 0
    case IPProtocol.ah:
      bytes.count >= 8 ? (Int(bytes.uint8(at: 1)) &+ 2) &* 4 : 0
    case IPProtocol.fragment:
      bytes.count >= 8 ? 8 : 0
    default: nil
    }
  }
}

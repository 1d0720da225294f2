import Contract
import Wire

/// Lowers the longest segment that a host says it takes (RFC 9293 section 3.7.1) to what a tunnel has room for: so hosts
/// agree on what needs no cutting, even where no error about a packet's size reaches them.
struct SegmentClamp: BitwiseCopyable {
  /// 0: any length goes.
  var v4: UInt16 = 0
  var v6: UInt16 = 0

  @inline(__always) var isOn: Bool { v4 | v6 != 0 }

  init() {}

  /// `longest` inner packet of any tunnel; nil where there is none.
  init(_ limit: SegmentLimit, longest: Int?) {
    switch limit {
    case .none: return
    case .octets(let octets): (v4, v6) = (octets, octets)
    case .automatic:
      guard let longest else { return }
      v4 = UInt16(clamping: longest - IPv4View.minimumLength - TCP.header)
      v6 = UInt16(clamping: longest - IPv6View.length - TCP.header)
    }
  }

  private enum TCP {
    static let header = 20
    static let synchronize: UInt8 = 2
    static let end: UInt8 = 0
    static let padding: UInt8 = 1
    static let segment: UInt8 = 2
  }

  /// The packet that begins at `ip`, of which `available` octets are here.
  @inline(__always)
  func apply(_ ip: UnsafeMutableRawPointer, available: Int) {
    let isIPv6 = ip.load(as: UInt8.self) >> 4 == 6
    let kind = ip.load(fromByteOffset: isIPv6 ? 6 : 9, as: UInt8.self)
    if kind == IPProtocol.tcp { applyToTCP(ip, available: available, isIPv6: isIPv6) }
  }

  @inline(never)
  private func applyToTCP(_ ip: UnsafeMutableRawPointer, available: Int, isIPv6: Bool) {
    let header = isIPv6 ? IPv6View.length : Int(ip.load(as: UInt8.self) & 15) &* 4
    if !isIPv6 {
      // A later fragment has no header of TCP's.
      let fragment = UInt16(bigEndian: ip.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
      guard fragment & 0x1fff == 0 else { return }
    }
    guard available >= header &+ TCP.header else { return }
    let tcp = ip + header
    guard tcp.load(fromByteOffset: 13, as: UInt8.self) & TCP.synchronize != 0 else { return }
    let end = min(Int(tcp.load(fromByteOffset: 12, as: UInt8.self) >> 4) &* 4, available &- header)
    var at = TCP.header
    while at < end {
      let kind = tcp.load(fromByteOffset: at, as: UInt8.self)
      if kind == TCP.end { return }
      if kind == TCP.padding {
        at &+= 1
        continue
      }
      guard at &+ 1 < end else { return }
      let length = Int(tcp.load(fromByteOffset: at &+ 1, as: UInt8.self))
      guard length >= 2, at &+ length <= end else { return }
      if kind == TCP.segment, length == 4 { return lower(tcp, at &+ 2, to: isIPv6 ? v6 : v4) }
      at &+= length
    }
  }

  /// RFC 1624: the checksum follows. At an odd place the value's octets lie in two words, the other way round.
  private func lower(_ tcp: UnsafeMutableRawPointer, _ at: Int, to limit: UInt16) {
    let old = UInt16(bigEndian: tcp.loadUnaligned(fromByteOffset: at, as: UInt16.self))
    guard old > limit else { return }
    tcp.storeBytes(of: limit.bigEndian, toByteOffset: at, as: UInt16.self)
    let isOdd = at & 1 == 1
    let was = isOdd ? old.byteSwapped : old, now = isOdd ? limit.byteSwapped : limit
    let sum = UInt16(bigEndian: tcp.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
    var rest = UInt32(~sum) &+ UInt32(~was) &+ UInt32(now)
    rest = rest & 0xffff &+ rest &>> 16
    rest = rest & 0xffff &+ rest &>> 16
    tcp.storeBytes(of: (~UInt16(truncatingIfNeeded: rest)).bigEndian, toByteOffset: 16, as: UInt16.self)
  }
}

import CCrypto
import CKernel
import Contract
import Memory
import Nonces
import Wire

extension Sealer {
  /// The front of a plain packet: an outer IPv4 header, SPI, sequence number, IV.
  @inline(__always) static var plainFront: Int { IPv4View.minimumLength &+ 16 }
  @inline(__always) static var plainTag: Int { 16 }

  /// The common packet: IPv4 without options over Ethernet into a plain SA, with room and numbers enough. False sends it
  /// the general way, with nothing changed.
  @inline(__always)
  func preparePlain(_ ref: UnsafeMutablePointer<PacketRef>, sa: UnsafeMutablePointer<OutboundSA>, job: Int) -> Bool {
    let packet = ref.pointee
    let frame = esp.address(of: packet)
    // Version, TOS, total length, identification, flags: as they lie in memory.
    let head = UInt64(littleEndian: frame.loadUnaligned(fromByteOffset: EthernetView.length, as: UInt64.self))
    let inner = Int(UInt16(truncatingIfNeeded: head >> 16).byteSwapped)
    let padding = (0 &- (inner &+ 2)) & 3
    let text = inner &+ padding &+ 2
    let total = Self.plainFront &+ text &+ Self.plainTag
    let state = sa.pointee.state(of: esp.worker)
    guard inner <= Int(packet.length) &- EthernetView.length, total <= Self.longest(sa), state.pointee.budget > 0,
      esp.hasRoom(behind: packet, Int(packet.offset) &+ EthernetView.length &+ text &+ Self.plainTag),
      Int(packet.offset) >= FrameHeader.size &+ Self.plainFront
    else { return false }

    let sequence = state.pointee.sequence.last &+ 1
    state.pointee.sequence.count(sequence)
    state.pointee.budget &-= 1
    state.pointee.bytes &+= UInt64(truncatingIfNeeded: inner)
    let iv = state.pointee.nonces.takeOne().value.byteSwapped
    writePlain(sa, frame, head, total: total, sequence, iv, job)
    // The tag overwrites what is not padding.
    let start = frame + EthernetView.length
    start.storeBytes(of: Self.trailer(padding), toByteOffset: inner, as: UInt64.self)
    esp.plainJobs[job] = hauberk_job(
      key: sa.pointee.key.key, text: start.assumingMemoryBound(to: UInt8.self),
      length: UInt32(truncatingIfNeeded: text), kind: sa.pointee.plainKind)
    ref.pointee.start = packet.start &- UInt32(truncatingIfNeeded: Self.plainFront)
    ref.pointee.length = UInt32(truncatingIfNeeded: EthernetView.length &+ total)
    ref.pointee.offset = packet.offset &- UInt16(truncatingIfNeeded: Self.plainFront)
    return true
  }

  /// 1, 2, 3 as many as there are, how many, IPv4.
  @inline(__always)
  static func trailer(_ padding: Int) -> UInt64 {
    let bits = UInt64(truncatingIfNeeded: padding &* 8)
    let octets = 0x03_0201 & ((1 &<< bits) &- 1)
    return (octets | (UInt64(truncatingIfNeeded: padding) | 0x0400) &<< bits).littleEndian
  }

  @inline(__always)
  private func writePlain(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ frame: UnsafeMutableRawPointer, _ head: UInt64, total: Int,
    _ sequence: UInt64, _ iv: UInt64, _ job: Int
  ) {
    // RFC 6040, normal mode: the whole TOS. RFC 4301: DF as inside. Without DF an outer packet may be cut, and needs a
    // name of its own (RFC 6864).
    let isFixed = head & 0x40 << 48 != 0
    let name = isFixed ? 0 : UInt64(UInt16(truncatingIfNeeded: sequence).byteSwapped) << 32
    let first =
      0x45 | head & 0xff00 | UInt64(UInt16(truncatingIfNeeded: total).byteSwapped) << 16 | name
      | (isFixed ? 0x40 << 48 : 0)
    // The words' sum does not depend on the order of octets (RFC 1071).
    var sum = UInt32(truncatingIfNeeded: first & 0xff00) &+ UInt32(truncatingIfNeeded: first >> 16 & 0xffff)
    sum &+= UInt32(truncatingIfNeeded: first >> 32 & 0xffff) &+ UInt32(truncatingIfNeeded: first >> 48)
    sum &+= sa.pointee.plainSum
    sum = (sum & 0xffff) &+ sum >> 16
    sum = (sum & 0xffff) &+ sum >> 16
    let second = UInt64(littleEndian: sa.pointee.header.1) | UInt64(~UInt16(truncatingIfNeeded: sum)) << 16

    // Two octets more than there are: the outer header's come over them.
    let link = frame.loadUnaligned(as: SIMD2<UInt64>.self)
    let start = frame - Self.plainFront
    start.storeBytes(of: link, as: SIMD2<UInt64>.self)
    start.storeBytes(of: first, toByteOffset: EthernetView.length, as: UInt64.self)
    start.storeBytes(of: second, toByteOffset: EthernetView.length &+ 8, as: UInt64.self)
    start.storeBytes(
      of: UInt16(truncatingIfNeeded: 0x0008), toByteOffset: EthernetView.length &- 2, as: UInt16.self)
    frame.storeBytes(of: UInt32(truncatingIfNeeded: sa.pointee.header.2), toByteOffset: -6, as: UInt32.self)
    let front =
      UInt64(sa.pointee.spi.byteSwapped)
      | UInt64(UInt32(truncatingIfNeeded: sequence).byteSwapped) << 32
    // The cipher comes a burst later: halves that are stored apart have met in the cache by then.
    frame.storeBytes(of: front, toByteOffset: -2, as: UInt64.self)
    frame.storeBytes(of: iv, toByteOffset: 6, as: UInt64.self)
    let nonce = esp.plainNonces + 16 &* job
    nonce.storeBytes(of: UInt64(sa.pointee.salt) | iv << 32, as: UInt64.self)
    nonce.storeBytes(of: iv >> 32, toByteOffset: 8, as: UInt64.self)
  }
}

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
  func preparePlain(
    _ ref: UnsafeMutablePointer<PacketRef>, sa: UnsafeMutablePointer<OutboundSA>,
    _ job: UnsafeMutablePointer<hauberk_job>,
    _ bytes: inout Int
  ) -> Bool {
    let offset = Int(ref.pointee.offset)
    let frame = esp.address(of: ref.pointee)
    // Version, TOS, total length, identification, flags: as they lie in memory.
    let head = UInt64(littleEndian: frame.loadUnaligned(fromByteOffset: EthernetView.length, as: UInt64.self))
    let inner = Int(UInt16(truncatingIfNeeded: head >> 16).byteSwapped)
    // Up to a multiple of four, with padding length and next header.
    let text = (inner &+ 5) & ~3
    let total = Self.plainFront &+ text &+ Self.plainTag
    let state = sa.pointee.state(of: esp.worker)
    let budget = state.pointee.budget
    // Room in front and room behind, both of them not below 0.
    let front = offset &- FrameHeader.size &- Self.plainFront
    let behind = esp.smallFrameBytes &- EthernetView.length &- Self.plainTag &- offset &- text
    guard inner <= Int(ref.pointee.length) &- EthernetView.length, total <= Self.longest(sa), budget > 0,
      front | behind >= 0
    else { return false }

    let sequence = state.pointee.sequence.last &+ 1
    let iv = state.pointee.nonces.takeOne().value.byteSwapped
    state.pointee.sequence.count(sequence)
    state.pointee.budget = budget &- 1
    state.pointee.bytes &+= UInt64(truncatingIfNeeded: inner)
    writePlain(sa, frame, head, total: total, sequence, iv)
    // The tag overwrites what is not padding.
    let start = frame + EthernetView.length
    start.storeBytes(of: esp.trailers[text &- inner &- 2], toByteOffset: inner, as: UInt64.self)
    job.pointee = hauberk_job(
      nonce_front: UInt64(sa.pointee.salt) | iv << 32, nonce_back: UInt32(truncatingIfNeeded: iv >> 32),
      length: UInt16(truncatingIfNeeded: text), kind: sa.pointee.plainKind, key: sa.pointee.key.key,
      text: start.assumingMemoryBound(to: UInt8.self))
    ref.pointee.start &-= UInt32(truncatingIfNeeded: Self.plainFront)
    ref.pointee.length = UInt32(truncatingIfNeeded: EthernetView.length &+ total)
    ref.pointee.offset &-= UInt16(truncatingIfNeeded: Self.plainFront)
    bytes &+= EthernetView.length &+ total
    return true
  }

  /// 1, 2, 3 as many as there are, how many, IPv4.
  static func trailer(_ padding: Int) -> UInt64 {
    let bits = UInt64(truncatingIfNeeded: padding &* 8)
    let octets = 0x03_0201 & ((1 &<< bits) &- 1)
    return (octets | (UInt64(truncatingIfNeeded: padding) | 0x0400) &<< bits).littleEndian
  }

  @inline(__always)
  private func writePlain(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ frame: UnsafeMutableRawPointer, _ head: UInt64, total: Int,
    _ sequence: UInt64, _ iv: UInt64
  ) {
    // RFC 6040, normal mode: the whole TOS. RFC 4301: DF as inside. A packet that may be cut needs a name of its own
    // (RFC 6864), and any other may have one.
    let low = UInt32(truncatingIfNeeded: sequence)
    let name = UInt64(UInt16(truncatingIfNeeded: low).byteSwapped) << 32
    let first =
      head & 0x0040_0000_0000_ff00 | 0x45 | UInt64(UInt32(truncatingIfNeeded: total).byteSwapped) | name
    // The words' sum does not depend on the order of octets (RFC 1071). Of a length that fits into a small frame no sum
    // leaves 32 bits; the halves' sum is the upper one, the lower one's carry with it.
    let halves = UInt32(truncatingIfNeeded: first) &+ UInt32(truncatingIfNeeded: first >> 32) &+ sa.pointee.plainSum
    let sum = halves &+ (halves >> 16 | halves << 16)
    let second = UInt64(littleEndian: sa.pointee.header1) | UInt64(~sum & 0xffff_0000)

    // The link header, and two octets more than it has: the outer header's come over them.
    let link = frame.loadUnaligned(as: SIMD2<UInt64>.self)
    let start = frame - Self.plainFront
    start.storeBytes(of: link, as: SIMD2<UInt64>.self)
    start.storeBytes(of: first, toByteOffset: EthernetView.length, as: UInt64.self)
    start.storeBytes(of: second, toByteOffset: EthernetView.length &+ 8, as: UInt64.self)
    frame.storeBytes(of: UInt32(truncatingIfNeeded: sa.pointee.header2), toByteOffset: -6, as: UInt32.self)
    // The cipher comes a burst later: halves that are stored apart have met in the cache by then.
    frame.storeBytes(of: (UInt64(sa.pointee.spi) << 32 | UInt64(low)).byteSwapped, toByteOffset: -2, as: UInt64.self)
    frame.storeBytes(of: iv, toByteOffset: 6, as: UInt64.self)
  }
}

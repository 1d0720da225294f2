import CCrypto
import Contract
import Memory
import Wire

extension Opener {
  /// The common packet: Ethernet, IPv4 without options, a plain unicast SA, a fresh number. False sends it the general way.
  @inline(__always)
  func preparePlain(
    _ ref: PacketRef, sa: UnsafeMutablePointer<InboundSA>, _ job: UnsafeMutablePointer<hauberk_job>
  ) -> Bool {
    let frame = esp.address(of: ref)
    let total = Int(UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 16, as: UInt16.self)))
    let text = total &- Sealer.plainFront &- Sealer.plainTag
    let sequence = UInt64(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 38, as: UInt32.self)))
    let window = ReplayWindow(following: sa.pointee.state)
    // What is left of the frame, and what there is beyond the least text: both of them not below 0.
    guard (Int(ref.length) &- EthernetView.length &- total) | (text &- 24) >= 0, text & 3 == 0,
      window.verdict(sequence) == .fresh
    else { return false }
    let iv = UInt64(littleEndian: frame.loadUnaligned(fromByteOffset: 42, as: UInt64.self))
    job.pointee = hauberk_job(
      nonce_front: UInt64(sa.pointee.salt) | iv << 32, nonce_back: UInt32(truncatingIfNeeded: iv >> 32),
      length: UInt16(truncatingIfNeeded: text), kind: sa.pointee.plainKind, key: sa.pointee.key.key,
      text: (frame + Self.plainText).assumingMemoryBound(to: UInt8.self))
    return true
  }

  /// After the cipher. False, with nothing changed: it is not common after all, and `finishUncommon` has to look.
  @inline(__always)
  func finishPlain(
    _ ref: UnsafeMutablePointer<PacketRef>, sa: UnsafeMutablePointer<InboundSA>,
    _ job: UnsafeMutablePointer<hauberk_job>
  ) -> Bool {
    let frame = esp.address(of: ref.pointee)
    let text = frame + Self.plainText
    let length = Int(job.pointee.length)
    let sequence = UInt64(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 38, as: UInt32.self)))
    // The last octets: padding of up to three, its length, what is inside.
    let last = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self))
    let padding = Int(last >> 48 & 0xff)
    let head = UInt64(littleEndian: text.loadUnaligned(as: UInt64.self))
    let inner = Int(UInt16(truncatingIfNeeded: head >> 16).byteSwapped)
    let pair = UInt64(bigEndian: text.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
    let mark = frame.load(fromByteOffset: 15, as: UInt8.self)
    let state = sa.pointee.state
    guard job.pointee.kind != 0, padding <= 3,
      last &>> UInt64(truncatingIfNeeded: 48 &- 8 &* padding) == esp.trailers[padding],
      head & 0xf0 == 0x40, inner >= IPv4View.minimumLength, inner <= length &- 2 &- padding,
      sa.pointee.flags.contains(.hasPrefixes), (pair ^ sa.pointee.prefixes) & policies.reversedMask == 0,
      // No congestion outside that the inner header does not know.
      mark & 1 == 0 || (mark ^ UInt8(truncatingIfNeeded: head >> 8)) & 3 == 0,
      ReplayWindow(following: state).commit(sequence) == .fresh
    else { return false }
    state.pointee.packets &+= 1
    state.pointee.bytes &+= UInt64(truncatingIfNeeded: inner)
    let front = Sealer.plainFront
    Sealer.move(frame, to: frame + front, count: EthernetView.length)
    ref.pointee.start &+= UInt32(truncatingIfNeeded: front)
    ref.pointee.offset &+= UInt16(truncatingIfNeeded: front)
    ref.pointee.length = UInt32(truncatingIfNeeded: EthernetView.length &+ inner)
    return true
  }

  /// The general way from here on, on the packet as it is.
  func finishUncommon(_ ref: UnsafeMutablePointer<PacketRef>, sa number: Int, _ done: hauberk_job) -> DropReason {
    let frame = esp.address(of: ref.pointee)
    let sequence = UInt64(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 38, as: UInt32.self)))
    return finish(
      &ref.pointee,
      PendingPacket(
        ip: UInt8(truncatingIfNeeded: EthernetView.length), sa: UInt32(truncatingIfNeeded: number), sequence: sequence,
        length: UInt32(done.length), payload: UInt32(truncatingIfNeeded: Self.plainText),
        mark: frame.load(fromByteOffset: 15, as: UInt8.self) & 3),
      isGood: done.kind != 0)
  }

  /// Where a plain packet's ciphertext begins.
  @inline(__always) static var plainText: Int { EthernetView.length &+ Sealer.plainFront }
}

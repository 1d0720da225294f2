import CKernel
import Contract
import Memory
import Wire

/// Cuts an IPv4 packet into fragments (RFC 791 section 3.2), each in a frame of its own, hung at the one before.
struct IPv4Cutter {
  let memory: FrameAddresses
  let frames: FrameSource

  enum Outcome {
    /// The packet is its own first fragment now; what follows begins here, or is nothing.
    case pieces(PacketRef)
    /// Nothing has changed.
    case refused(DropReason)
  }

  static var noPacket: PacketRef { PacketRef(position: 0, offset: 0, length: 0) }

  /// The packet of `length` octets that begins `ip` behind its frame, in fragments of at most `most`.
  @inline(never)
  func cut(_ ref: inout PacketRef, ip: Int, length: Int, most: Int) -> Outcome {
    // A header may claim more than has come: behind it lie other people's packets.
    guard ip &+ length <= Int(ref.length) else { return .refused(.innerTruncated) }
    let start = memory.address(start: ref.start) + ip
    guard let header = IPv4View(Bytes(start, count: length)) else { return .refused(.innerMalformed) }
    let step = (most &- header.headerLength) & ~7
    guard step >= 8 else { return .refused(.tooBigForLink) }
    // A fragment that ends where no packet ends has no pieces either.
    guard header.fragmentOffset &* 8 &+ header.payload.count <= Int(UInt16.max) else {
      return .refused(.fragmentMalformed)
    }
    // From the last: each is hung in front of the one before.
    var first = Self.noPacket
    var offset = (header.payload.count &- 1) / step &* step
    while offset > 0 {
      guard let piece = fragment(ref, ip: ip, header, from: offset, most: step) else {
        release(first)
        return .refused(.noFrame)
      }
      self.header(of: piece).pointee.made = first
      first = piece
      offset &-= step
    }
    let head = min(step, header.payload.count)
    Self.rewrite(
      start, header: header.headerLength, payload: head, offset: 0, isLast: head == header.payload.count, from: header)
    ref.length = UInt32(truncatingIfNeeded: ip &+ header.headerLength &+ head)
    return .pieces(first)
  }

  func release(_ first: PacketRef) {
    var next = first
    while next.length != 0 {
      let following = header(of: next).pointee.made
      frames.give(next)
      next = following
    }
  }

  private func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
  }

  /// A later fragment.
  private func fragment(_ ref: PacketRef, ip: Int, _ header: IPv4View, from offset: Int, most: Int) -> PacketRef? {
    let rest = header.payload.dropFirst(offset)
    let length = rest.count < most ? rest.count : most
    var piece = Self.noPacket
    guard frames.take(length: ip &+ header.headerLength &+ length, &piece) else { return nil }
    let start = memory.address(start: piece.start)
    hauberk_copy(start, memory.address(start: ref.start), ip &+ header.headerLength)
    hauberk_copy(start + ip + header.headerLength, rest.base, length)
    Self.rewrite(
      start + ip, header: header.headerLength, payload: length, offset: offset, isLast: length == rest.count,
      from: header)
    self.header(of: piece).pointee = self.header(of: ref).pointee
    return piece
  }

  /// Offsets count from the fragment that it was already; the last one goes on if that did. Options stay as they are in the
  /// first, and are blanked in the others unless they are to be copied.
  private static func rewrite(
    _ packet: UnsafeMutableRawPointer, header: Int, payload: Int, offset: Int, isLast: Bool, from view: IPv4View
  ) {
    let more: UInt16 = isLast && !view.moreFragments ? 0 : 0x2000
    let field = UInt16(truncatingIfNeeded: view.fragmentOffset &+ offset / 8) | more
    packet.storeBytes(of: UInt16(truncatingIfNeeded: header &+ payload).bigEndian, toByteOffset: 2, as: UInt16.self)
    packet.storeBytes(of: field.bigEndian, toByteOffset: 6, as: UInt16.self)
    var at = IPv4View.minimumLength
    while offset > 0, at < header {
      let kind = packet.load(fromByteOffset: at, as: UInt8.self)
      var length = 1
      if kind > 1, at &+ 1 < header { length = Int(packet.load(fromByteOffset: at &+ 1, as: UInt8.self)) }
      if kind == 0 || length == 0 || at &+ length > header { break }
      if kind & 0x80 == 0 {
        var octet = 0
        while octet < length {
          packet.storeBytes(of: 1, toByteOffset: at &+ octet, as: UInt8.self)
          octet &+= 1
        }
      }
      at &+= length
    }
    packet.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
    let sum = InternetChecksum.fold(InternetChecksum.sum(Bytes(packet, count: header)))
    packet.storeBytes(of: sum.bigEndian, toByteOffset: 10, as: UInt16.self)
  }
}

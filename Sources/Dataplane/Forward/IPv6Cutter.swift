import CKernel
import Contract
import Memory
import Wire

/// Cuts an IPv6 packet into fragments (RFC 8200 section 4.5), each in a frame of its own, hung at the one before. A router
/// does so to nobody's packets: this is for what has come in pieces, and is passed on in pieces.
struct IPv6Cutter {
  let memory: FrameAddresses
  let frames: FrameSource

  private static var fragmentLength: Int { 8 }

  /// The packet of `length` octets that begins `ip` behind its frame, in fragments of at most `most`.
  @inline(never)
  func cut(_ ref: inout PacketRef, ip: Int, length: Int, most: Int, identification: UInt32) -> IPv4Cutter.Outcome {
    let packet = Bytes(memory.address(start: ref.start) + ip, count: length)
    guard let (front, place) = Self.front(packet) else { return .refused(.innerMalformed) }
    let step = (most &- front &- Self.fragmentLength) & ~7
    guard step >= 8 else { return .refused(.tooBigForLink) }
    // The first one grows to the front.
    guard Int(ref.offset) >= FrameHeader.size &+ Self.fragmentLength else { return .refused(.noRoomInFrame) }
    let rest = packet.dropFirst(front)
    let piece = Piece(ip: ip, front: front, place: place, next: packet.uint8(at: place), identification: identification)
    // From the last: each is hung in front of the one before.
    var first = IPv4Cutter.noPacket
    var offset = (rest.count &- 1) / step &* step
    while offset > 0 {
      guard let made = make(ref, piece, rest.dropFirst(offset), from: offset, most: step) else {
        IPv4Cutter(memory: memory, frames: frames).release(first)
        return .refused(.noFrame)
      }
      header(of: made).pointee.made = first
      first = made
      offset &-= step
    }
    let head = rest.count < step ? rest.count : step
    let start = memory.address(start: ref.start)
    hauberk_move(start - Self.fragmentLength, start, ip &+ front)
    ref.start &-= UInt32(truncatingIfNeeded: Self.fragmentLength)
    ref.offset &-= UInt16(truncatingIfNeeded: Self.fragmentLength)
    ref.length = UInt32(truncatingIfNeeded: ip &+ front &+ Self.fragmentLength &+ head)
    piece.write(memory.address(start: ref.start) + ip, payload: head, offset: 0, hasMore: head < rest.count)
    return .pieces(first)
  }

  private func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
  }

  /// How long what every fragment has is, and where the number of what follows it stands.
  private static func front(_ packet: Bytes) -> (length: Int, place: Int)? {
    guard let view = IPv6View(packet) else { return nil }
    var number = view.nextHeader, length = IPv6View.length, place = 6
    while number == IPProtocol.hopByHop || number == IPProtocol.routing || number == IPProtocol.destinationOptions {
      guard packet.count >= length &+ 8 else { return nil }
      place = length
      number = packet.uint8(at: length)
      length &+= (Int(packet.uint8(at: length &+ 1)) &+ 1) &* 8
    }
    return length < packet.count ? (length, place) : nil
  }

  /// What all fragments of one packet have in common.
  private struct Piece {
    let ip: Int
    let front: Int
    let place: Int
    let next: UInt8
    let identification: UInt32

    /// Into the header that every fragment has, and behind it.
    func write(_ packet: UnsafeMutableRawPointer, payload: Int, offset: Int, hasMore: Bool) {
      let length = UInt16(truncatingIfNeeded: front &- IPv6View.length &+ IPv6Cutter.fragmentLength &+ payload)
      packet.storeBytes(of: length.bigEndian, toByteOffset: 4, as: UInt16.self)
      packet.storeBytes(of: IPProtocol.fragment, toByteOffset: place, as: UInt8.self)
      let field = UInt16(truncatingIfNeeded: offset) | (hasMore ? 1 : 0)
      packet.storeBytes(of: next, toByteOffset: front, as: UInt8.self)
      packet.storeBytes(of: 0, toByteOffset: front &+ 1, as: UInt8.self)
      packet.storeBytes(of: field.bigEndian, toByteOffset: front &+ 2, as: UInt16.self)
      packet.storeBytes(of: identification.bigEndian, toByteOffset: front &+ 4, as: UInt32.self)
    }
  }

  /// A later fragment.
  private func make(_ ref: PacketRef, _ piece: Piece, _ rest: Bytes, from offset: Int, most: Int) -> PacketRef? {
    let length = rest.count < most ? rest.count : most
    let front = piece.ip &+ piece.front
    var made = IPv4Cutter.noPacket
    guard frames.take(length: front &+ Self.fragmentLength &+ length, &made) else { return nil }
    let start = memory.address(start: made.start)
    hauberk_copy(start, memory.address(start: ref.start), front)
    hauberk_copy(start + front + Self.fragmentLength, rest.base, length)
    piece.write(start + piece.ip, payload: length, offset: offset, hasMore: length < rest.count)
    header(of: made).pointee = header(of: ref).pointee
    return made
  }
}

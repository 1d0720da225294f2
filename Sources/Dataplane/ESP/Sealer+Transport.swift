import CKernel
import Contract
import Memory
import Wire

extension Sealer {
  /// Transport mode (RFC 4303 section 3.1.1): the packet keeps its header, and ESP comes between it and what it carries.
  @inline(never)
  func prepareTransport(
    _ ref: inout PacketRef, _ index: Int, ip: Int, _ sa: UnsafeMutablePointer<OutboundSA>, _ number: Int,
    _ inner: InnerHeader, job: Int
  ) -> DropReason {
    let frame = esp.address(of: ref)
    let packet = Bytes(frame + ip, count: inner.length)
    guard let cut = TransportCut(packet) else { return .fragmentInTransport }
    let shift = sa.pointee.frontBytes
    let carried = inner.length &- cut.length
    let mask = Int(sa.pointee.padMask)
    let padding = (0 &- (carried &+ 2)) & mask
    let encrypted = carried &+ padding &+ 2
    let total = cut.length &+ shift &+ encrypted &+ Int(sa.pointee.tagBytes)
    if total > Self.longest(sa) { return total > Int(UInt16.max) ? .tooLongToSeal : .tooBigForPath }
    let available = Int(ref.length) &- ip
    guard esp.room(behind: ref) &+ available &- inner.length >= total &- shift &- inner.length,
      Int(ref.offset) &- FrameHeader.size >= shift
    else { return .noRoomInFrame }
    var numbers = Numbers()
    let refusal = take(sa, &numbers, bytes: inner.length, ref)
    guard refusal == .none else { return refusal }

    let start = frame - shift
    hauberk_move(start, frame, ip &+ cut.length)
    let isEncapsulated = sa.pointee.flags.contains(.isEncapsulated)
    cut.rewrite(
      start + ip, next: isEncapsulated ? IPProtocol.udp : IPProtocol.esp, total: total)
    var header = start + ip + cut.length
    if isEncapsulated {
      let isIPv6 = sa.pointee.flags.contains(.isOuterIPv6)
      let ports = isIPv6 ? sa.pointee.header5 : sa.pointee.header2 >> 32
      Self.writeDatagram(header, UInt32(truncatingIfNeeded: ports), total &- cut.length &- UDPView.length)
      header += UDPView.length
    }
    let payload = frame + ip + cut.length
    Self.writeTrailer(payload + carried, padding: padding, next: cut.next)
    writeJob(sa, header, payload, encrypted, numbers, job)
    ref.start &-= UInt32(truncatingIfNeeded: shift)
    ref.offset &-= UInt16(truncatingIfNeeded: shift)
    ref.length = UInt32(truncatingIfNeeded: ip &+ total)
    esp.pending[job] = PendingPacket(
      index: UInt16(truncatingIfNeeded: index), ip: UInt8(truncatingIfNeeded: ip),
      sa: UInt32(truncatingIfNeeded: number), sequence: numbers.sequence,
      payload: UInt32(truncatingIfNeeded: cut.length))
    return .none
  }

  /// Traffic flow confidentiality: what is between the packet and the trailer.
  static func fill(_ start: UnsafeMutableRawPointer, _ count: Int) {
    hauberk_clear(start, count)
  }
}

/// Where transport mode cuts a packet: behind the headers that every router on the way looks at.
struct TransportCut {
  /// How much stays in front of ESP.
  let length: Int
  /// What is cut off.
  let next: UInt8
  /// Where the number of what follows stands.
  private let nextOffset: Int
  private let isIPv6: Bool

  /// Nil for a fragment, and for what is no whole packet.
  init?(_ packet: Bytes) {
    if let header = IPv4View(packet) {
      guard !header.isFragment else { return nil }
      length = header.headerLength
      next = header.protocolNumber
      nextOffset = 9
      isIPv6 = false
      return
    }
    guard let header = IPv6View(packet) else { return nil }
    isIPv6 = true
    var at = IPv6View.length, place = 6
    var number = header.nextHeader
    // Hop-by-hop and routing headers; destination options as far as they stand before a routing header.
    while true {
      let isOptions = number == IPProtocol.destinationOptions
      guard number == IPProtocol.hopByHop || number == IPProtocol.routing || isOptions else { break }
      let rest = packet.dropFirst(at)
      guard rest.count >= 8 else { return nil }
      let step = (Int(rest.uint8(at: 1)) &+ 1) &* 8
      guard step <= rest.count else { return nil }
      if isOptions, rest.uint8(at: 0) != IPProtocol.routing { break }
      number = rest.uint8(at: 0)
      place = at
      at &+= step
    }
    guard number != IPProtocol.fragment else { return nil }
    length = at
    next = number
    nextOffset = place
  }

  /// The header in front, after something else has come behind it.
  func rewrite(_ header: UnsafeMutableRawPointer, next: UInt8, total: Int) {
    header.storeBytes(of: next, toByteOffset: nextOffset, as: UInt8.self)
    if isIPv6 {
      let payload = UInt16(truncatingIfNeeded: total &- IPv6View.length)
      header.storeBytes(of: payload.bigEndian, toByteOffset: 4, as: UInt16.self)
    } else {
      header.storeBytes(of: UInt16(truncatingIfNeeded: total).bigEndian, toByteOffset: 2, as: UInt16.self)
      header.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
      let checksum = InternetChecksum.fold(InternetChecksum.sum(Bytes(header, count: length)))
      header.storeBytes(of: checksum.bigEndian, toByteOffset: 10, as: UInt16.self)
    }
  }
}

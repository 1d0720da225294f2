import CKernel
import Wire

/// A train of TCP segments or UDP datagrams that a sender has left to a device to divide: one frame goes in, frames
/// that fit the link come out, one at a time, each with its own lengths, numbers, flags and checksums.
///
/// It takes a frame for as sound as its bytes say, and refuses what its header and the kernel's word contradict.
/// The frame stays where it is until the last segment is out.
struct Segmenter {
  private var frame = Bytes(UnsafeRawPointer(bitPattern: 64)!, count: 0)
  private var tag: UInt32 = 0
  private var isIPv4 = false
  private var isTCP = false
  /// Where the IP header, its upper layer and the payload begin.
  private var network = 0
  private var transport = 0
  private var payload = 0
  private var end = 0
  private var step = 1
  /// Where the next segment's payload begins. At the end there is none.
  private var at = 0
  private var index: UInt16 = 0
  /// The sum of what is the same in every pseudo-header.
  private var addresses: UInt64 = 0

  init() {}

  /// Whether there is a segment to be had.
  @inline(__always)
  var isActive: Bool { at < end }

  /// Begins with a frame; `tag` is a VLAN tag to be put in, 0 for none. False: it is not what `offload` says it is.
  mutating func begin(_ frame: Bytes, _ offload: Offload, tag: UInt32, mtu: Int) -> Bool {
    self.frame = frame
    self.tag = tag
    index = 0
    let isSound = read(offload) && divide(by: Int(offload.segmentSize), mtu: mtu)
    if !isSound { end = 0 }
    at = isSound ? payload : 0
    return isSound
  }

  /// Forgets what is left of a frame.
  mutating func stop() { end = 0 }

  /// A stream may be divided anywhere; a datagram is what its sender made it.
  private mutating func divide(by size: Int, mtu: Int) -> Bool {
    let room = mtu &- (payload &- network)
    guard size > 0, room > 0, isTCP || size <= room, payload < end else { return false }
    step = size < room ? size : room
    return true
  }

  /// How long the next segment will be, with its link header.
  @inline(__always)
  var nextLength: Int { payload &+ (tag == 0 ? 0 : VLANTagView.length) &+ nextPayload }

  @inline(__always)
  private var nextPayload: Int { step < end &- at ? step : end &- at }

  /// Writes the next segment, `nextLength` bytes.
  mutating func next(into bytes: UnsafeMutableRawPointer) {
    let chunk = nextPayload
    let shift = LinkLayer.copyHead(of: frame, payload, tag: tag, to: bytes)
    hauberk_copy(bytes + (payload &+ shift), frame.base + at, chunk)
    let header = bytes + (network &+ shift)
    let upper = bytes + (transport &+ shift)
    let upperLength = payload &- transport &+ chunk
    if isIPv4 {
      finishIPv4(header, total: payload &- network &+ chunk)
    } else {
      store(UInt16(truncatingIfNeeded: payload &- network &- IPv6View.length &+ chunk), header, 4)
    }
    if isTCP {
      finishTCP(upper, isLast: at &+ chunk == end)
    } else {
      store(UInt16(truncatingIfNeeded: upperLength), upper, 4)
    }
    finishChecksum(upper, upperLength)
    at &+= chunk
    index &+= 1
  }

  // What a frame is

  private mutating func read(_ offload: Offload) -> Bool {
    guard let network = LinkLayer.network(in: frame) else { return false }
    self.network = network
    let packet = frame.dropFirst(network)
    let type = frame.uint16(at: network &- 2)
    var number: UInt8 = 0
    isIPv4 = type == EtherType.ipv4
    guard isIPv4 ? readIPv4(packet, &number) : type == EtherType.ipv6 && readIPv6(packet, &number) else { return false }
    guard transport <= end, readTransport(number) else { return false }
    guard offload.fits(protocolNumber: number, isIPv4: isIPv4), offload.agrees(transport: transport, isTCP: isTCP)
    else { return false }
    addresses &+= UInt64(number)
    if !offload.hasChecksum, transport &- network != (isIPv4 ? IPv4View.minimumLength : IPv6View.length) {
      // Behind a source route the last address is not in its place. The sender has counted it, with the whole length.
      let length = end &- transport
      addresses =
        UInt64(frame.uint16(at: transport &+ (isTCP ? Offload.placeInTCP : Offload.placeInUDP)))
        &+ UInt64(~UInt16(truncatingIfNeeded: length &+ length >> 16))
    }
    return true
  }

  private mutating func readIPv4(_ packet: Bytes, _ number: inout UInt8) -> Bool {
    guard let header = IPv4View(packet), !header.isFragment else { return false }
    transport = network &+ header.headerLength
    end = network &+ min(header.totalLength, packet.count)
    addresses = InternetChecksum.sum(Bytes(packet.base + 12, count: 8))
    number = header.protocolNumber
    return true
  }

  private mutating func readIPv6(_ packet: Bytes, _ number: inout UInt8) -> Bool {
    guard let header = IPv6View(packet), header.payloadLength > 0 else { return false }
    let chain = IPv6Chain(header)
    guard !chain.isBroken, !chain.isFragment, !chain.isAuthenticated else { return false }
    transport = network &+ chain.offset
    end = network &+ min(IPv6View.length &+ header.payloadLength, packet.count)
    addresses = InternetChecksum.sum(Bytes(packet.base + 8, count: 32))
    number = chain.protocolNumber
    return true
  }

  private mutating func readTransport(_ number: UInt8) -> Bool {
    let bytes = frame.prefix(end).dropFirst(transport)
    isTCP = number == IPProtocol.tcp
    if isTCP {
      // A stream's beginning and its abrupt end are one segment each, and an urgent pointer counts from a segment.
      guard let header = TCPView(bytes), header.flags & TCPBits.single == 0 else { return false }
      payload = transport &+ header.headerLength
      return true
    }
    guard number == IPProtocol.udp, bytes.count >= UDPView.length else { return false }
    payload = transport &+ UDPView.length
    return true
  }

  // What a segment is

  @inline(__always)
  private func finishIPv4(_ header: UnsafeMutableRawPointer, total: Int) {
    store(UInt16(truncatingIfNeeded: total), header, 2)
    store(frame.uint16(at: network &+ 4) &+ index, header, 4)
    store(UInt16(0), header, 10)
    store(InternetChecksum.fold(InternetChecksum.sum(Bytes(header, count: transport &- network))), header, 10)
  }

  @inline(__always)
  private func finishTCP(_ upper: UnsafeMutableRawPointer, isLast: Bool) {
    let offset = UInt32(truncatingIfNeeded: at &- payload)
    store(frame.uint32(at: transport &+ 4) &+ offset, upper, 4)
    var flags = frame.uint8(at: transport &+ 13)
    if !isLast { flags &= ~TCPBits.lastOnly }
    if at != payload { flags &= ~TCPBits.firstOnly }
    upper.storeBytes(of: flags, toByteOffset: 13, as: UInt8.self)
  }

  @inline(__always)
  private func finishChecksum(_ upper: UnsafeMutableRawPointer, _ length: Int) {
    let place = isTCP ? Offload.placeInTCP : Offload.placeInUDP
    store(UInt16(0), upper, place)
    let sum = InternetChecksum.sum(Bytes(upper, count: length), addresses &+ UInt64(truncatingIfNeeded: length))
    let checksum = InternetChecksum.fold(sum)
    // In UDP a zero would mean that there is none; the other zero of the same sum is all ones.
    store(checksum == 0 && !isTCP ? UInt16.max : checksum, upper, place)
  }

  @inline(__always)
  private func store<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, _ bytes: UnsafeMutableRawPointer, _ offset: Int
  ) {
    bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
  }
}

/// TCP's flags by what becomes of them when a segment is divided (RFC 9293, RFC 3168).
private enum TCPBits {
  /// FIN and PSH belong to the end.
  @inline(__always) static var lastOnly: UInt8 { 0x09 }
  /// CWR answers once.
  @inline(__always) static var firstOnly: UInt8 { 0x80 }
  /// SYN, RST, URG.
  @inline(__always) static var single: UInt8 { 0x26 }
}

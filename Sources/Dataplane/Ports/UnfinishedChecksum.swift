import Wire

/// Finds checksums that a sender has left to a device which does not exist: a virtual link's other end, another guest of
/// the same host. AF_PACKET is told of them; AF_XDP and libpcap have no word beside a packet that would say so.
///
/// Such a sender leaves the sum of the pseudo-header where the checksum is to be. One packet in 65 536 looks like that by
/// chance, so only what looks like it is counted through.
enum UnfinishedChecksum {
  /// The first packet of TCP or UDP behind no more than a tag, without options, whole: what such senders send.
  @inline(__always)
  static func isIn(_ start: UnsafeRawPointer, _ length: Int) -> Bool {
    let frame = Bytes(start, count: length)
    guard length >= EthernetView.length &+ leastIP &+ leastUDP else { return false }
    var at = EthernetView.length
    if frame.uint16(at: at &- 2) == EtherType.vlan {
      at &+= VLANTagView.length
      guard length >= at &+ leastIP &+ leastUDP else { return false }
    }
    let head = frame.uint16(at: at &- 2)
    if head == EtherType.ipv4 { return ipv4(frame, at) }
    return head == EtherType.ipv6 ? ipv6(frame, at) : false
  }

  @inline(__always) private static var leastIP: Int { 20 }
  @inline(__always) private static var leastUDP: Int { 8 }

  @inline(__always)
  private static func ipv4(_ frame: Bytes, _ at: Int) -> Bool {
    // More to come, or a later part: its checksum counts what is not here.
    guard frame.uint8(at: at) == 0x45, frame.uint16(at: at &+ 6) & 0x3fff == 0 else { return false }
    let payload = Int(frame.uint16(at: at &+ 2)) &- leastIP
    let sum = UInt64(frame.uint32(at: at &+ 12)) &+ UInt64(frame.uint32(at: at &+ 16))
    return transport(frame, at &+ leastIP, payload, frame.uint8(at: at &+ 9), sum)
  }

  @inline(__always)
  private static func ipv6(_ frame: Bytes, _ at: Int) -> Bool {
    guard frame.count >= at &+ 40 &+ leastUDP else { return false }
    var sum: UInt64 = 0
    var word = 8
    while word < 40 {
      sum &+= UInt64(frame.uint32(at: at &+ word))
      word &+= 4
    }
    return transport(frame, at &+ 40, Int(frame.uint16(at: at &+ 4)), frame.uint8(at: at &+ 6), sum)
  }

  @inline(__always)
  private static func transport(_ frame: Bytes, _ at: Int, _ payload: Int, _ number: UInt8, _ addresses: UInt64) -> Bool
  {
    var place = Offload.placeInUDP
    if number == IPProtocol.tcp {
      place = Offload.placeInTCP
    } else if number != IPProtocol.udp {
      return false
    }
    guard payload >= place &+ 2, at &+ payload <= frame.count else { return false }
    let pseudo = addresses &+ UInt64(number) &+ UInt64(truncatingIfNeeded: payload)
    guard frame.uint16(at: at &+ place) == ~InternetChecksum.fold(pseudo) else { return false }
    return isWrong(Bytes(frame.base + at, count: payload), pseudo)
  }

  /// Rare, or the packet is in trouble anyway.
  @inline(never)
  private static func isWrong(_ upper: Bytes, _ pseudo: UInt64) -> Bool {
    InternetChecksum.fold(InternetChecksum.sum(upper, pseudo)) != 0
  }
}

import CWorkSet
import Wire

/// A packet's name among the members that have received it: the same at all of them, and of no other packet as far as
/// chance goes (X10). It is made of the IP packet alone: a device may hide a tag, and who fills a frame up to 60 octets
/// fills it as he likes. Keyed, so that nobody outside can make two packets of one name.
enum PacketDigest {
  /// Of a frame as it came.
  @inline(never)
  static func digest(_ frame: Bytes, _ key: UnsafePointer<hauberk_work_set_key>) -> UInt64 {
    let packet = packet(frame)
    let k = key.pointee.k
    var sum = k.0 ^ UInt64(truncatingIfNeeded: packet.count)
    var at = 0
    while at &+ 16 <= packet.count {
      sum = mix(packet.uint64InMemoryOrder(at: at) ^ k.1, packet.uint64InMemoryOrder(at: at &+ 8) ^ sum)
      at &+= 16
    }
    var first: UInt64 = 0, second: UInt64 = 0
    while at < packet.count {
      second = second &<< 8 | first &>> 56
      first = first &<< 8 | UInt64(packet.uint8(at: at))
      at &+= 1
    }
    sum = mix(first ^ k.2, second ^ sum ^ k.3)
    sum = mix(sum ^ k.4, k.6)
    // The first two stand for other things in a list.
    return sum < 2 ? sum &+ 2 : sum
  }

  /// Without link header and filling. What says something else of its length than is there goes as it is.
  private static func packet(_ frame: Bytes) -> Bytes {
    var offset = EthernetView.length
    guard frame.count >= offset else { return frame }
    var tags = 0
    while EtherType.isTag(frame.uint16(at: offset &- 2)), tags < VLANTagView.most,
      frame.count >= offset &+ VLANTagView.length
    {
      offset &+= VLANTagView.length
      tags &+= 1
    }
    let packet = frame.dropFirst(offset)
    guard packet.count >= IPv4View.minimumLength else { return packet }
    if packet.uint8(at: 0) &>> 4 == 4 {
      let length = Int(packet.uint16(at: 2))
      return length >= IPv4View.minimumLength ? packet.prefix(length) : packet
    }
    let length = Int(packet.uint16(at: 4))
    return length > 0 ? packet.prefix(length &+ IPv6View.length) : packet
  }

  @inline(__always)
  private static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let product = first.multipliedFullWidth(by: second)
    return product.high ^ product.low
  }
}

import Contract
import Wire

/// Who has which address: ARP, and solicitations and advertisements (RFC 4861 section 4).
enum NeighbourTalk {
  static func isOne(_ packet: Dissection) -> Bool {
    if packet.fault == .arp { return true }
    guard packet.fault == .none, packet.protocolNumber == IPProtocol.icmpv6, packet.addresses.isIPv6,
      !packet.isFragment, packet.upper.count > 0
    else { return false }
    let type = packet.upper.uint8(at: 0)
    return type == 135 || type == 136
  }

  static func isOne(_ frame: Bytes) -> Bool { isOne(Dissection(frame: frame, link: .ethernet)) }
}

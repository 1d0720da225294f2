import Contract
package import Wire

/// What a frame's headers say, one clause each, for a person. Also what the fuzzer reads packets with.
package struct HeaderStory {
  package private(set) var clauses: [String] = []

  package init(_ frame: Bytes, link: LinkType) {
    var payload = link.payload(of: frame)
    guard payload.offset >= 0 else {
      clauses.append("\(link.name), cut short")
      return
    }
    if link == .ethernet, let ethernet = EthernetView(frame) {
      clauses.append("Ethernet \(ethernet.source) > \(ethernet.destination)")
    } else {
      clauses.append(link.name)
    }
    var tags = 0
    while EtherType.isTag(payload.etherType), tags < VLANTagView.most,
      let tag = VLANTagView(frame.dropFirst(payload.offset))
    {
      clauses.append("VLAN \(tag.identifier)" + (tag.priority > 0 ? " priority \(tag.priority)" : ""))
      payload = LinkPayload(etherType: tag.type, offset: payload.offset + VLANTagView.length)
      tags += 1
    }
    tell(frame.dropFirst(payload.offset), etherType: payload.etherType)
  }

  private mutating func tell(_ packet: Bytes, etherType: UInt16) {
    switch etherType {
    case EtherType.ipv4: tellIPv4(packet, depth: 0)
    case EtherType.ipv6: tellIPv6(packet, depth: 0)
    case EtherType.arp: tellARP(packet)
    case EtherType.clusterControl: clauses.append("cluster control")
    default: clauses.append("type 0x\(String(etherType, radix: 16))")
    }
  }

  private mutating func tellARP(_ packet: Bytes) {
    guard let arp = ARPView(packet) else {
      clauses.append("ARP, not for IPv4 over Ethernet")
      return
    }
    switch arp.operation {
    case 1: clauses.append("ARP: who has \(arp.target)? asks \(arp.sender)")
    case 2: clauses.append("ARP: \(arp.sender) is at \(arp.senderMAC)")
    default: clauses.append("ARP operation \(arp.operation)")
    }
  }

  /// A packet inside a packet inside a packet is enough to understand any story.
  private static let mostDepth = 3

  private mutating func tellIPv4(_ packet: Bytes, depth: Int) {
    guard let header = IPv4View(packet) else {
      clauses.append("IPv4, broken: \(IPv4View.fault(in: packet).map { "\($0)" } ?? "unknown")")
      return
    }
    var clause = "IPv4 \(IPv4Address(header.source)) > \(IPv4Address(header.destination)), TTL \(header.timeToLive)"
    if header.options.count > 0 { clause += ", \(header.options.count) bytes of options" }
    if header.isFragment { clause += ", fragment at \(header.fragmentOffset * 8)" }
    clauses.append(clause)
    guard header.fragmentOffset == 0 else { return }
    tellUpper(header.protocolNumber, header.payload, isIPv6: false, depth: depth)
  }

  private mutating func tellIPv6(_ packet: Bytes, depth: Int) {
    guard let header = IPv6View(packet) else {
      clauses.append("IPv6, broken")
      return
    }
    let chain = IPv6Chain(header)
    var clause = "IPv6 \(header.source) > \(header.destination), hop limit \(header.hopLimit)"
    if chain.headers > 0 { clause += ", \(chain.headers) extension header\(chain.headers == 1 ? "" : "s")" }
    if chain.isFragment { clause += chain.isFirstFragment ? ", first fragment" : ", later fragment" }
    if chain.isBroken { clause += ", broken chain" }
    clauses.append(clause)
    guard !chain.isBroken, chain.isFirstFragment else { return }
    let upper = packet.prefix(header.payload.count + IPv6View.length).dropFirst(chain.offset)
    tellUpper(chain.protocolNumber, upper, isIPv6: true, depth: depth)
  }

  private mutating func tellUpper(_ number: UInt8, _ bytes: Bytes, isIPv6: Bool, depth: Int) {
    switch number {
    case IPProtocol.tcp:
      if let tcp = TCPView(bytes) {
        clauses.append(
          "TCP \(tcp.sourcePort) > \(tcp.destinationPort) [\(Self.flags(tcp.flags))], \(tcp.payload.count) bytes")
        return
      }
    case IPProtocol.udp:
      if let udp = UDPView(bytes) {
        clauses.append("UDP \(udp.sourcePort) > \(udp.destinationPort), \(udp.payload.count) bytes")
        tellDatagram(udp)
        return
      }
    case IPProtocol.icmp, IPProtocol.icmpv6:
      if let icmp = ICMPView(bytes) {
        clauses.append("\(IPProtocol.name(of: number)) type \(icmp.type) code \(icmp.code)")
        guard isIPv6 ? icmp.isIPv6Error : icmp.isIPv4Error, depth < Self.mostDepth else { return }
        clauses.append("quoting")
        if isIPv6 { tellIPv6(icmp.quoted, depth: depth + 1) } else { tellIPv4(icmp.quoted, depth: depth + 1) }
        return
      }
    case IPProtocol.esp:
      if let esp = ESPView(bytes) {
        clauses.append("ESP SPI 0x\(String(esp.spi, radix: 16)), sequence \(esp.sequence)")
        return
      }
    case IPProtocol.gre:
      if let gre = GREView(bytes) {
        clauses.append("GRE" + (gre.key.map { " key \($0)" } ?? ""))
        if depth < Self.mostDepth { tellInner(gre.payload, etherType: gre.type, depth: depth + 1) }
        return
      }
    default:
      clauses.append(IPProtocol.name(of: number))
      return
    }
    clauses.append("\(IPProtocol.name(of: number)), cut short")
  }

  private mutating func tellInner(_ packet: Bytes, etherType: UInt16, depth: Int) {
    switch etherType {
    case EtherType.ipv4: tellIPv4(packet, depth: depth)
    case EtherType.ipv6: tellIPv6(packet, depth: depth)
    default: clauses.append("type 0x\(String(etherType, radix: 16))")
    }
  }

  private mutating func tellDatagram(_ udp: UDPView) {
    switch udp.destinationPort {
    case IKEView.port:
      if let ike = IKEView(udp.payload) { clauses.append("IKE SPI \(String(ike.initiatorSPI, radix: 16))") }
    case IKEView.encapsulationPort:
      guard udp.payload.count >= 4 else { return }
      if udp.payload.uint32(at: 0) != 0, let esp = ESPView(udp.payload) {
        clauses.append("ESP SPI 0x\(String(esp.spi, radix: 16)), sequence \(esp.sequence)")
      } else if let ike = IKEView(udp.payload.dropFirst(4)) {
        clauses.append("IKE SPI \(String(ike.initiatorSPI, radix: 16))")
      }
    case L2TPView.port:
      guard let l2tp = L2TPView(udp.payload) else { return }
      clauses.append("L2TP \(l2tp.isControl ? "control" : "data"), tunnel \(l2tp.tunnel), session \(l2tp.session)")
    default: break
    }
  }

  private static func flags(_ flags: UInt8) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
    return (0..<8).filter { flags >> $0 & 1 == 1 }.map { names[$0] }.joined(separator: " ")
  }
}

import PacketMaking
import Wire

/// An IP packet with the link header of that type in front.
func linkFrame(_ link: LinkType, isIPv6: Bool, _ packet: [UInt8]) -> [UInt8] {
  let type: EtherNumber = isIPv6 ? .ipv6 : .ipv4
  let family: UInt32 = isIPv6 ? 10 : 2
  switch link {
  case .ethernet: return ethernet(type, packet)
  case .raw, .rawIPv4, .rawIPv6: return packet
  case .null: return loopback(family: family, { little($0) }, packet)
  case .loop: return loopback(family: family, { big($0) }, packet)
  case .ppp: return ppp(isIPv6 ? 0x57 : 0x21, packet)
  case .linuxCooked: return cooked(type, packet)
  case .linuxCooked2: return cooked2(type, packet)
  }
}

/// Some flow's packet under that link type.
func linkFrame(_ link: LinkType, isIPv6: Bool, _ random: inout Seeded) -> [UInt8] {
  let all = exchanges(&random, isIPv6: isIPv6)
  return linkFrame(link, isIPv6: isIPv6, all[random.below(all.count)].there)
}

/// The number that a capture file has for a link type (tcpdump.org, LINKTYPE values).
func fileNumber(_ link: LinkType) -> UInt32 {
  switch link {
  case .null: 0
  case .ethernet: 1
  case .ppp: 9
  case .raw: 101
  case .loop: 108
  case .linuxCooked: 113
  case .rawIPv4: 228
  case .rawIPv6: 229
  case .linuxCooked2: 276
  }
}

import Contract
import Wire

/// Why a packet is in no stream. Every packet is in one, or counted under one of these.
package enum AuditCount: UInt8, CaseIterable, Sendable {
  case notESP
  case ike
  case keepalives
  case fragments
  case runts
  case cut
  case malformed
  case beyondLimit

  /// The name in `--json` and in tables.
  package var name: String { "\(self)" }

  /// What it means, for a person.
  package var meaning: String {
    switch self {
    case .notESP: "neither ESP nor UDP port 4500"
    case .ike: "IKE on the port that it shares with ESP"
    case .keepalives: "a lone 0xff that keeps a NAT open"
    case .fragments: "fragments of ESP or UDP without SPI, sequence number and IV"
    case .runts: "ESP or UDP too short for SPI, sequence number and IV"
    case .cut: "the capture kept too little for SPI, sequence number and IV"
    case .malformed: "the link or IP header is broken"
    case .beyondLimit: "ESP, after as many packets or streams as an audit remembers"
    }
  }
}

/// A frame's ESP packet, bare (RFC 4303) or in UDP (RFC 3948).
struct FoundESP {
  var destinationHigh: UInt64
  var destinationLow: UInt64
  var isIPv6: Bool
  /// From the SPI on, as far as it is there.
  var bytes: Bytes
  /// What the packet is counted as if there is too little of it.
  var shortfall: AuditCount
  /// False when the capture cut it, or the rest is in other fragments.
  var isWhole: Bool { shortfall == .runts }

  enum Outcome {
    case esp(FoundESP)
    case none(AuditCount)
  }

  static func find(in frame: Bytes, wireLength: Int, link: LinkType) -> Outcome {
    let packet = Dissection(frame: frame, link: link)
    switch packet.fault {
    case .none: break
    case .arp, .clusterControl, .unsupportedEtherType: return .none(.notESP)
    default: return .none(wireLength > frame.count ? .cut : .malformed)
    }
    let shortfall: AuditCount = packet.isFragment ? .fragments : wireLength > frame.count ? .cut : .runts
    switch packet.protocolNumber {
    case IPProtocol.esp where packet.isFirstFragment:
      return .esp(FoundESP(packet, packet.upper, shortfall))
    case IPProtocol.udp where packet.isFirstFragment:
      return inUDP(packet, shortfall)
    case IPProtocol.esp, IPProtocol.udp: return .none(.fragments)
    // The walk along the chain ends at a fragment; what is behind these was not looked at.
    case IPProtocol.destinationOptions where packet.isFragment: return .none(.fragments)
    default: return .none(.notESP)
    }
  }

  private init(_ packet: Dissection, _ bytes: Bytes, _ shortfall: AuditCount) {
    destinationHigh = packet.addresses.destinationHigh
    destinationLow = packet.addresses.destinationLow
    isIPv6 = packet.addresses.isIPv6
    self.bytes = bytes
    self.shortfall = shortfall
  }

  private static func inUDP(_ packet: Dissection, _ shortfall: AuditCount) -> Outcome {
    guard let udp = UDPView(packet.upper) else { return .none(shortfall) }
    // Behind a NAT one of the two ports is another.
    guard udp.destinationPort == IKEView.encapsulationPort || udp.sourcePort == IKEView.encapsulationPort else {
      return .none(.notESP)
    }
    let length = udp.datagramLength &- UDPView.length
    // A length of 0 is what segmentation offload leaves.
    let payload = length >= 0 ? udp.payload.prefix(length) : udp.payload
    if payload.count == 1, length <= 1, payload.uint8(at: 0) == 0xff { return .none(.keepalives) }
    guard payload.count >= 4 else { return .none(shortfall) }
    if payload.uint32(at: 0) == 0 { return .none(.ike) }
    return .esp(FoundESP(packet, payload, shortfall))
  }
}

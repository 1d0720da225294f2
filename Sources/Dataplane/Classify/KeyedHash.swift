import CWorkSet
import Contract
import Wire

/// Which rule named a packet's work set: what a trace tells.
package enum KeyingRule: UInt8, Sendable {
  case flow, addresses, fragment, tunnel, unicastSPI, groupSender, ikeSPI, l2tp, compat

  package var meaning: String {
    switch self {
    case .flow: "addresses, ports and protocol, in either direction"
    case .addresses: "the address pair, in either direction"
    case .fragment: "a fragment: addresses and protocol (X9)"
    case .tunnel: "the inbound SPI of the tunnel it takes (X5)"
    case .unicastSPI: "the low ten bits of our SPI (X7)"
    case .groupSender: "the group's SPI and the sender id (X7)"
    case .ikeSPI: "the initiator's IKE SPI (X6)"
    case .l2tp: "L2TP tunnel and session (X6)"
    case .compat: "the seed's sample filter (C27)"
    }
  }
}

/// A work set and the rule that named it.
struct KeyedSet {
  var set: UInt16
  var rule: KeyingRule
  var action = SecureAction.none
  /// Where ESP begins, for what is to be opened.
  var esp: UnsafeRawPointer?

  @inline(__always)
  init(_ set: UInt32, _ rule: KeyingRule) {
    self.set = UInt16(truncatingIfNeeded: set)
    self.rule = rule
  }
}

/// The keyed hash's rules: which fields of a packet name its work set (X5, X6, X7, X9).
///
/// The arithmetic itself is in CWorkSet, one definition for this path and for the filter in the kernel.
/// `docs/HASH.md` says why it is the one it is.
struct KeyedRules {
  let snapshot: UnsafePointer<ClassifySnapshot>
  let side: Side

  @inline(__always)
  init(_ snapshot: UnsafePointer<ClassifySnapshot>, from side: Side = .inside) {
    self.snapshot = snapshot
    self.side = side
  }

  /// From outside, traffic is asked for as what would go there, and must not come in clear if that is sealed (RFC 4301
  /// section 5.2).
  private func policy(_ packet: Dissection) -> (action: SecureAction, workSet: UInt16) {
    let selector = side == .inside ? packet.selector : packet.selector.reversed
    let entry = snapshot.pointee.policies.find(selector)
    let action = entry.pointee.action
    let isAmiss = side == .outside && action.kindBits == SecureAction.Kind.seal.rawValue
    return (isAmiss ? .refuse(.clearOutside) : action, entry.pointee.workSet)
  }

  @inline(never)
  func workSet(of packet: Dissection) -> KeyedSet {
    // X9: no fragment but the first has ports, so none uses them.
    if packet.isFragment { return fragmentAction(packet, fragment(packet)) }
    // X7: AH goes by the address pair, as an extension header too.
    if packet.isAuthenticated { return withPolicy(packet, pair(packet)) }
    let addresses = packet.addresses
    let cluster = snapshot.pointee.cluster
    if cluster.contains(
      high: addresses.destinationHigh, low: addresses.destinationLow, isIPv6: addresses.isIPv6)
    {
      let result = toCluster(packet)
      return result.action == .none ? withPolicy(packet, result) : result
    }
    if isLocal(packet) { return withPolicy(packet, forwarded(packet)) }
    if snapshot.pointee.policies.isEmpty { return withPolicy(packet, forwarded(packet)) }
    let policy = policy(packet)
    // X5: clear traffic into a unicast tunnel belongs to the worker that has the tunnel.
    var result = policy.workSet != PolicyTable.flow ? KeyedSet(UInt32(policy.workSet), .tunnel) : forwarded(packet)
    result.action = policy.action
    return result
  }

  /// What a policy makes of a packet whose work set is known.
  private func withPolicy(_ packet: Dissection, _ set: KeyedSet) -> KeyedSet {
    guard snapshot.pointee.hasSecurity || snapshot.pointee.isLive else { return set }
    var set = set
    set.action = isLocal(packet) ? .local : policy(packet).action
    return set
  }

  /// For the gateway itself. Nothing is, in a replay.
  private func isLocal(_ packet: Dissection) -> Bool {
    let to = packet.addresses
    return snapshot.pointee.isLive
      && snapshot.pointee.locals.contains(high: to.destinationHigh, low: to.destinationLow, isIPv6: to.isIPv6)
  }

  /// ESP for us has to be whole before anything can be said of it.
  private func fragmentAction(_ packet: Dissection, _ set: KeyedSet) -> KeyedSet {
    guard snapshot.pointee.hasSecurity else { return set }
    let to = packet.addresses
    guard packet.protocolNumber == IPProtocol.esp || packet.protocolNumber == IPProtocol.udp,
      snapshot.pointee.cluster.contains(high: to.destinationHigh, low: to.destinationLow, isIPv6: to.isIPv6)
    else { return withPolicy(packet, set) }
    var set = set
    set.action = .reassemble
    return set
  }

  /// The symmetric hash (X7): five fields for UDP and TCP, two for everything else.
  private func forwarded(_ packet: Dissection) -> KeyedSet {
    if isICMPError(packet) { return icmpError(packet) }
    guard packet.hasPorts, let ports = PortsView(packet.upper) else { return pair(packet) }
    if packet.protocolNumber == IPProtocol.udp, Self.isIPsec(ports.source) || Self.isIPsec(ports.destination) {
      return pair(packet)
    }
    return flow(packet, ports)
  }

  /// Traffic to a cluster address (X6, X7).
  private func toCluster(_ packet: Dissection) -> KeyedSet {
    switch packet.protocolNumber {
    case IPProtocol.esp:
      return esp(packet, ESPView(packet.upper))
    case IPProtocol.udp:
      guard let udp = UDPView(packet.upper) else { return forwarded(packet) }
      switch udp.destinationPort {
      case IKEView.port:
        return ike(packet, udp.payload)
      case IKEView.encapsulationPort:
        // RFC 3948: four zero octets mark IKE, everything else is ESP; a lone 0xff keeps the NAT open.
        guard udp.payload.count >= 8 else { return shortDatagram(packet, udp.payload) }
        if udp.payload.uint32(at: 0) == 0 { return ike(packet, udp.payload.dropFirst(4)) }
        return esp(packet, ESPView(udp.payload))
      case L2TPView.port:
        // Tunnel 0 is a peer that has no id of ours yet.
        if let l2tp = L2TPView(udp.payload), l2tp.tunnel != 0 {
          return KeyedSet(hauberk_l2tp(key, l2tp.tunnel, l2tp.session), .l2tp)
        }
        return forwarded(packet)
      default:
        return forwarded(packet)
      }
    default:
      return forwarded(packet)
    }
  }

  /// X6: the initiator's SPI survives the move to port 4500 and a NAT.
  private func ike(_ packet: Dissection, _ message: Bytes) -> KeyedSet {
    guard message.count >= 8 else { return pair(packet) }
    return KeyedSet(hauberk_ike(key, message.uint64(at: 0)), .ikeSPI)
  }

  /// X7: we chose a unicast SPI's low ten bits; a group's packets spread by their sender.
  private func esp(_ packet: Dissection, _ esp: ESPView?) -> KeyedSet {
    guard let esp else { return refusing(.espTooShort, pair(packet)) }
    let entry = snapshot.pointee.spis.find(esp.spi)
    if entry.spi == 0 { return refusing(.unknownSPI, pair(packet)) }
    if entry.senderIDBits == 0 { return opening(entry, esp, unicast(entry.spi)) }
    guard esp.body.count >= 4 else { return refusing(.espTooShort, pair(packet)) }
    let sender = esp.body.uint32(at: 0) >> (32 &- entry.senderIDBits)
    return opening(entry, esp, KeyedSet(hauberk_group(key, entry.spi, sender), .groupSender))
  }

  private func opening(_ entry: SPITable.Entry, _ esp: ESPView, _ set: KeyedSet) -> KeyedSet {
    guard entry.action.kind == .open else { return refusing(.unknownSPI, set) }
    var set = set
    set.action = entry.action.general
    set.esp = esp.bytes.base
    return set
  }

  /// Only where packets are opened at all: elsewhere they are classified, and nothing more.
  private func refusing(_ reason: DropReason, _ set: KeyedSet) -> KeyedSet {
    guard snapshot.pointee.hasSecurity else { return set }
    var set = set
    set.action = .refuse(reason)
    return set
  }

  /// RFC 3948 section 2.3: one octet 0xff keeps a NAT's mapping alive. Anything else this short is nothing.
  private func shortDatagram(_ packet: Dissection, _ payload: Bytes) -> KeyedSet {
    let isKeepalive = payload.count == 1 && payload.uint8(at: 0) == 0xff
    return refusing(isKeepalive ? .natKeepalive : .udpTooShort, pair(packet))
  }

  private func isICMPError(_ packet: Dissection) -> Bool {
    let isIPv6 = packet.addresses.isIPv6
    guard packet.protocolNumber == (isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp),
      let icmp = ICMPView(packet.upper)
    else { return false }
    return isIPv6 ? icmp.isIPv6Error : icmp.isIPv4Error
  }

  /// X9: an error belongs to whoever sent, or forwards, what it quotes.
  private func icmpError(_ packet: Dissection) -> KeyedSet {
    let quoted = Dissection(
      quoted: packet.upper.dropFirst(ICMPView.length), isIPv6: packet.addresses.isIPv6)
    guard quoted.fault == .none else { return pair(packet) }
    if quoted.isFragment { return fragment(quoted) }
    if !snapshot.pointee.policies.isEmpty {
      let forward = snapshot.pointee.policies.find(quoted.selector).pointee.workSet
      if forward != PolicyTable.flow { return KeyedSet(UInt32(forward), .tunnel) }
      let backward = snapshot.pointee.policies.find(quoted.selector.reversed).pointee.workSet
      if backward != PolicyTable.flow { return KeyedSet(UInt32(backward), .tunnel) }
    }
    if quoted.protocolNumber == IPProtocol.esp { return quotedESP(quoted, ESPView(quoted.upper)) }
    guard quoted.hasPorts, let ports = PortsView(quoted.upper) else { return pair(quoted) }
    if quoted.protocolNumber == IPProtocol.udp, Self.isIPsec(ports.source) || Self.isIPsec(ports.destination) {
      return quotedIPsec(quoted, ports)
    }
    return flow(quoted, ports)
  }

  private func quotedESP(_ quoted: Dissection, _ esp: ESPView?) -> KeyedSet {
    guard let esp else { return pair(quoted) }
    let addresses = quoted.addresses
    let spi = snapshot.pointee.outbound.inboundSPI(
      peerHigh: addresses.destinationHigh, peerLow: addresses.destinationLow, outboundSPI: esp.spi)
    return spi != 0 ? unicast(spi) : pair(quoted)
  }

  /// What we sent from a cluster address with IKE's ports goes where its answers go.
  private func quotedIPsec(_ quoted: Dissection, _ ports: PortsView) -> KeyedSet {
    let addresses = quoted.addresses
    guard
      snapshot.pointee.cluster.contains(
        high: addresses.sourceHigh, low: addresses.sourceLow, isIPv6: addresses.isIPv6),
      let udp = UDPView(quoted.upper)
    else { return pair(quoted) }
    if ports.source == IKEView.port { return ike(quoted, udp.payload) }
    guard ports.source == IKEView.encapsulationPort, udp.payload.count >= 8 else { return pair(quoted) }
    if udp.payload.uint32(at: 0) == 0 { return ike(quoted, udp.payload.dropFirst(4)) }
    return quotedESP(quoted, ESPView(udp.payload))
  }

  // The hashes.

  @inline(__always)
  private var key: UnsafePointer<hauberk_work_set_key> { snapshot.pointee.keyPointer }

  @inline(__always)
  private static func isIPsec(_ port: UInt16) -> Bool {
    port == IKEView.port || port == IKEView.encapsulationPort
  }

  @inline(__always)
  private func unicast(_ spi: UInt32) -> KeyedSet { KeyedSet(spi & 1023, .unicastSPI) }

  private func flow(_ packet: Dissection, _ ports: PortsView) -> KeyedSet {
    let a = packet.addresses
    let from = ports.source, to = ports.destination
    let proto = packet.protocolNumber
    let set =
      a.isIPv6
      ? hauberk_flow6(
        key, a.sourceHigh, a.sourceLow, a.destinationHigh, a.destinationLow, from, to, proto)
      : hauberk_flow4(
        key, UInt32(truncatingIfNeeded: a.sourceLow), UInt32(truncatingIfNeeded: a.destinationLow), from, to,
        proto)
    return KeyedSet(set, .flow)
  }

  private func pair(_ packet: Dissection) -> KeyedSet {
    let a = packet.addresses
    let set =
      a.isIPv6
      ? hauberk_pair6(key, a.sourceHigh, a.sourceLow, a.destinationHigh, a.destinationLow)
      : hauberk_pair4(
        key, UInt32(truncatingIfNeeded: a.sourceLow), UInt32(truncatingIfNeeded: a.destinationLow))
    return KeyedSet(set, .addresses)
  }

  private func fragment(_ packet: Dissection) -> KeyedSet {
    let a = packet.addresses
    let proto = packet.protocolNumber
    let set =
      a.isIPv6
      ? hauberk_fragment6(key, a.sourceHigh, a.sourceLow, a.destinationHigh, a.destinationLow, proto)
      : hauberk_fragment4(
        key, UInt32(truncatingIfNeeded: a.sourceLow), UInt32(truncatingIfNeeded: a.destinationLow), proto)
    return KeyedSet(set, .fragment)
  }
}

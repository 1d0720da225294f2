import Wire

/// Neighbour discovery (RFC 4861 sections 7.1 and 7.2). The checksum has been verified.
extension SlowPath {
  mutating func receiveDiscovery(_ packet: ReceivedPacket, _ arrival: Arrival) -> Fate {
    // Nobody beyond the link can send it with 255 hops left.
    guard packet.hopLimit == 255, let mac = arrival.sender else { return .farSender }
    guard case .v6(let source) = packet.source, case .v6(let destination) = packet.destination,
      let message = NeighbourView(packet.transport), !message.target.isMulticast
    else { return .malformed }
    if let said = message.linkAddress {
      let target = LinkAddress(interface: arrival.interface, address: .v6(message.target))
      let isAnswer = !message.isSolicitation && message.isSolicited && isAsked(target)
      if let refusal = refusal(ofSender: said, in: mac, isAnswer: isAnswer) { return refusal }
    }
    if message.isSolicitation { return receiveSolicitation(message, from: source, mac, destination, arrival.interface) }
    return receiveAdvertisement(message, from: source, destination, arrival.interface)
  }

  private mutating func receiveSolicitation(
    _ message: NeighbourView, from source: IPv6Address, _ mac: MACAddress, _ destination: IPv6Address,
    _ interface: Int
  ) -> Fate {
    guard let slot = own.slot(interface, .v6(message.target)) else { return .foreign }
    if source == .zero {
      guard destination == message.target.solicitedNode, message.linkAddress == nil else { return .malformed }
      // Two that try out one address at a time: neither gets it (RFC 4862 section 5.4.3).
      if own[slot].state == .probing { return conflict(slot, with: mac) }
    } else {
      guard source.isHost else { return .noHost }
      if let mine = own.slot(interface, .v6(source)) { return conflict(mine, with: mac) }
    }
    guard answers(for: slot) else { return .foreign }
    if let limit = allowed.refusal(ofReplyTo: mac, now: now) { return limit }
    if source == .zero {
      advertise(message.target, interface)
    } else {
      if message.linkAddress != nil { hear(LinkAddress(interface: interface, address: .v6(source)), mac) }
      let flags = NeighbourMessage.router | NeighbourMessage.solicited | NeighbourMessage.override
      sendAdvertisement(message.target, flags, to: source, mac, interface)
    }
    return .answered
  }

  private mutating func receiveAdvertisement(
    _ message: NeighbourView, from source: IPv6Address, _ destination: IPv6Address, _ interface: Int
  ) -> Fate {
    guard source.isHost, !(destination.isMulticast && message.isSolicited) else { return .malformed }
    let key = LinkAddress(interface: interface, address: .v6(message.target))
    if let slot = own.slot(interface, key.address) {
      guard let mac = message.linkAddress else { return .noted }
      return conflict(slot, with: mac)
    }
    guard let slot = table.slot(of: key) else { return .unasked }
    let isAnswer = message.isSolicited && table[slot].isAsked
    guard let known = table[slot].mac else {
      guard let mac = message.linkAddress else { return .malformed }
      if isAnswer { confirm(slot, mac) } else { move(slot, mac) }
      return .learned
    }
    let said = message.linkAddress ?? known
    if said != known, !message.overrides {
      // Doubt, and no more than that (section 7.2.5, I).
      if table[slot].state == .reachable { enter(slot, .stale, for: Timing.delay) }
      return .noted
    }
    if isAnswer {
      confirm(slot, said)
    } else if said != known {
      move(slot, said)
    } else {
      return .noted
    }
    return .learned
  }

  /// False where we have no address to ask from.
  mutating func askByDiscovery(_ target: IPv6Address, at mac: MACAddress?, _ interface: Int) -> Bool {
    guard let source = sourceAddress(to: .v6(target), interface)?.v6 else { return false }
    let message = NeighbourMessage(solicit: target, linkAddress: interfaces[interface].mac)
    let group = target.solicitedNode
    sendDiscovery(
      .solicitation, message, from: source, to: mac == nil ? group : target, mac ?? MACAddress(group: group), interface)
    return true
  }

  /// Whether somebody has our address (RFC 4862 section 5.4.2).
  mutating func probeByDiscovery(_ address: IPv6Address, _ interface: Int) {
    let group = address.solicitedNode
    let message = NeighbourMessage(solicit: address, linkAddress: nil)
    sendDiscovery(.solicitation, message, from: .zero, to: group, MACAddress(group: group), interface)
  }

  /// To all, unasked (RFC 4861 section 7.2.6).
  mutating func advertise(_ address: IPv6Address, _ interface: Int) {
    let flags = NeighbourMessage.router | NeighbourMessage.override
    sendAdvertisement(address, flags, to: .allNodes, MACAddress(group: .allNodes), interface)
  }

  private mutating func sendAdvertisement(
    _ address: IPv6Address, _ flags: UInt8, to destination: IPv6Address, _ mac: MACAddress, _ interface: Int
  ) {
    let message = NeighbourMessage(
      advertise: address, linkAddress: linkAddress(of: .v6(address), interface), flags: flags)
    sendDiscovery(.advertisement, message, from: address, to: destination, mac, interface)
  }

  private mutating func sendDiscovery(
    _ kind: Sent, _ message: NeighbourMessage, from source: IPv6Address, to destination: IPv6Address,
    _ mac: MACAddress, _ interface: Int
  ) {
    let number = IPProtocol.icmpv6
    let header = IPv6Header(from: source, to: destination, number, payloadLength: message.length, hopLimit: 255)
    let length = IPv6View.length + message.length
    let frame = interfaces[interface].frame(to: mac, EtherType.ipv6, length: length) { bytes in
      header.write(to: bytes)
      message.write(
        to: bytes.dropFirst(IPv6View.length),
        pseudo: InternetChecksum.pseudo(from: source, to: destination, number, length: message.length))
    }
    send(kind, frame, interface)
  }
}

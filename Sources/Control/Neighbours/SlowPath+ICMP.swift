import Wire

/// Why a packet went no further, in the words of ICMP (RFC 792, RFC 1812 section 5.2.7, RFC 4443 section 3).
enum Refusal {
  case hopLimit, noRoute, unreachable, prohibited, noPort
  case tooBig(mtu: Int)
  /// The place is where the packet names the protocol.
  case noProtocol(place: Int)

  var kind: Sent {
    switch self {
    case .hopLimit: .timeExceeded
    case .noRoute: .noRoute
    case .unreachable: .hostUnreachable
    case .prohibited: .prohibited
    case .noPort: .portUnreachable
    case .tooBig: .tooBig
    case .noProtocol: .protocolUnreachable
    }
  }

  var v4: ICMPHeader {
    switch self {
    case .hopLimit: ICMPHeader(type: ICMPView.timeExceeded)
    case .noRoute: ICMPHeader(type: ICMPView.unreachable, code: 0)
    case .unreachable: ICMPHeader(type: ICMPView.unreachable, code: 1)
    case .noProtocol: ICMPHeader(type: ICMPView.unreachable, code: 2)
    case .noPort: ICMPHeader(type: ICMPView.unreachable, code: 3)
    // No IPv4 link takes less than 68 (RFC 791).
    case .tooBig(let mtu): ICMPHeader(type: ICMPView.unreachable, code: 4, rest: UInt32(min(max(mtu, 68), 0xffff)))
    case .prohibited: ICMPHeader(type: ICMPView.unreachable, code: 13)
    }
  }

  var v6: ICMPHeader {
    switch self {
    case .hopLimit: ICMPHeader(type: ICMPView.timeExceeded6)
    case .noRoute: ICMPHeader(type: ICMPView.unreachable6, code: 0)
    case .prohibited: ICMPHeader(type: ICMPView.unreachable6, code: 1)
    case .unreachable: ICMPHeader(type: ICMPView.unreachable6, code: 3)
    case .noPort: ICMPHeader(type: ICMPView.unreachable6, code: 4)
    // An IPv6 path takes 1280 in any case (RFC 8200 section 5).
    case .tooBig(let mtu): ICMPHeader(type: ICMPView.tooBig6, rest: UInt32(min(max(mtu, 1280), 0xffff)))
    case .noProtocol(let place): ICMPHeader(type: ICMPView.parameterProblem6, code: 1, rest: UInt32(place))
    }
  }
}

/// What senders are told, and who is never told anything (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2, RFC 4443
/// section 2.4).
extension SlowPath {
  /// As long as an answer to such a packet may be (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c)).
  private static let most4 = 576
  private static let most6 = 1280

  mutating func refuse(_ packet: ReceivedPacket, _ refusal: Refusal, _ arrival: Arrival) -> Fate {
    guard !packet.isICMPError else { return .icmpError }
    guard packet.isFirstFragment else { return .fragment }
    if let fate = unanswerable(packet.source, arrival) { return fate }
    // Who sends to a group has to know what fits, all the same (RFC 4443 section 2.4 (e.3)).
    if !(packet.isIPv6 && refusal.kind == .tooBig) {
      guard !arrival.isToGroup else { return .linkBroadcast }
      guard packet.destination.isHost, !isBroadcast(packet.destination) else { return .groupDestination }
    }
    if let limit = allowed.refusal(ofError: refusal.kind, to: packet.source, now: now) { return limit }
    // What was sent to us is answered by the address that it was sent to.
    let ours = own.isUsed(packet.destination, on: arrival.interface) ? packet.destination : nil
    guard let source = ours ?? sourceAddress(to: packet.source, arrival.interface) else { return .noOwnAddress }
    let header = packet.isIPv6 ? refusal.v6 : refusal.v4
    let most = packet.isIPv6 ? Self.most6 - IPv6View.length : Self.most4 - IPv4View.minimumLength
    let quote = packet.bytes.prefix(most - ICMPView.length)
    // Internetwork control (RFC 1812 section 4.3.2.5).
    answer(refusal.kind, header, quote, from: source, to: packet.source, trafficClass: 0xc0, arrival)
    return .answered
  }

  /// Nobody is to be made to speak to himself, to us, or to all.
  private func unanswerable(_ source: IPAddress, _ arrival: Arrival) -> Fate? {
    guard source.isHost, !own.has(source), !isBroadcast(source) else { return .noHost }
    // A link-local address means somebody else behind every router.
    if arrival.sender == nil || arrival.isPassedOn, source.v6?.isLinkLocal == true { return .noHost }
    return nil
  }

  private func isBroadcast(_ address: IPAddress) -> Bool { interfaces.contains { $0.isBroadcast(address) } }

  /// A packet to one of our addresses, or to a group of ours.
  mutating func receiveForUs(_ packet: ReceivedPacket, _ arrival: Arrival) -> Fate {
    guard own.isUsed(packet.destination, on: arrival.interface) else {
      guard case .v6(let group) = packet.destination, own.hasGroup(group, interface: arrival.interface) else {
        return packet.destination.isHost && !isBroadcast(packet.destination) ? .foreign : .groupDestination
      }
      guard packet.protocolNumber == IPProtocol.icmpv6, !packet.isFragment else { return .groupDestination }
      return receiveICMP(packet, arrival)
    }
    // Nobody puts fragments together here.
    guard !packet.isFragment else { return .fragment }
    guard packet.isWhole else { return .malformed }
    switch packet.protocolNumber {
    case packet.isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp: return receiveICMP(packet, arrival)
    case IPProtocol.esp, IPProtocol.ah, IPProtocol.igmp, IPProtocol.none: return .silent
    case IPProtocol.tcp, IPProtocol.udp: return refuse(packet, .noPort, arrival)
    default: return refuse(packet, .noProtocol(place: packet.protocolPlace), arrival)
    }
  }

  private mutating func receiveICMP(_ packet: ReceivedPacket, _ arrival: Arrival) -> Fate {
    guard packet.isWhole, let message = ICMPView(packet.transport) else { return .malformed }
    guard message.isSound(pseudo: pseudoHeader(packet.source, packet.destination, packet.transport.count)) else {
      return .checksum
    }
    if packet.isICMPError { return .icmpError }
    switch message.type {
    case NeighbourView.solicitation where packet.isIPv6, NeighbourView.advertisement where packet.isIPv6:
      return receiveDiscovery(packet, arrival)
    case Self.listenerQuery where packet.isIPv6: return receiveListenerQuery(packet, arrival)
    case packet.isIPv6 ? ICMPView.echoRequest6 : ICMPView.echoRequest: return receiveEcho(packet, message, arrival)
    default: return .silent
    }
  }

  private mutating func receiveEcho(_ packet: ReceivedPacket, _ message: ICMPView, _ arrival: Arrival) -> Fate {
    guard message.code == 0 else { return .malformed }
    if let fate = unanswerable(packet.source, arrival) { return fate }
    guard !arrival.isToGroup else { return .linkBroadcast }
    guard packet.destination.isHost else { return .groupDestination }
    let header = packet.isIPv6 ? IPv6View.length : IPv4View.minimumLength
    guard header + packet.transport.count <= interfaces[arrival.interface].mtu else { return .tooLong }
    if let limit = allowed.refusal(ofEchoTo: packet.source, now: now) { return limit }
    let reply = ICMPHeader(type: packet.isIPv6 ? ICMPView.echoReply6 : ICMPView.echoReply, rest: message.rest)
    answer(
      .echoReply, reply, message.quoted, from: packet.destination, to: packet.source,
      trafficClass: packet.trafficClass, arrival)
    return .answered
  }

  private func pseudoHeader(_ source: IPAddress, _ destination: IPAddress, _ length: Int) -> UInt64 {
    guard let source = source.v6, let destination = destination.v6 else { return 0 }
    return InternetChecksum.pseudo(from: source, to: destination, IPProtocol.icmpv6, length: length)
  }

  /// Back to him who brought the packet; where nobody knows who that was, by the routes. What came out of a tunnel goes
  /// back into it, as policies say.
  private mutating func answer(
    _ kind: Sent, _ header: ICMPHeader, _ payload: Bytes, from source: IPAddress, to destination: IPAddress,
    trafficClass: UInt8, _ arrival: Arrival
  ) {
    let length = ICMPView.length + payload.count
    let packet: [UInt8]
    switch (source, destination) {
    case (.v4(let source), .v4(let destination)):
      identification &+= 1
      let ip = IPv4Header(
        from: source, to: destination, IPProtocol.icmp, totalLength: IPv4View.minimumLength + length,
        identification: identification, trafficClass: trafficClass)
      packet = makeOctets(ip.totalLength) { bytes in
        ip.write(to: bytes)
        bytes.copy(payload, at: IPv4View.minimumLength + ICMPView.length)
        header.write(to: bytes.dropFirst(IPv4View.minimumLength))
      }
    case (.v6(let source), .v6(let destination)):
      let ip = IPv6Header(
        from: source, to: destination, IPProtocol.icmpv6, payloadLength: length, trafficClass: trafficClass)
      packet = makeOctets(IPv6View.length + length) { bytes in
        ip.write(to: bytes)
        bytes.copy(payload, at: IPv6View.length + ICMPView.length)
        header.write(
          to: bytes.dropFirst(IPv6View.length), pseudo: pseudoHeader(.v6(source), .v6(destination), length))
      }
    default: return
    }
    if arrival.isPassedOn, !arrival.isOpened {
      sent.count(kind)
      direct(.forward(packet: packet))
    } else if let mac = arrival.sender {
      send(kind, interfaces[arrival.interface].frame(to: mac, packet: packet), arrival.interface)
    } else {
      sent.count(kind)
      direct(.route(packet: packet))
    }
  }
}

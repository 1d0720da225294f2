import Wire

/// What one unit asks another by the data plane, and what he answers (X19): ARP, or ND where units have IPv6 addresses.
struct UnitSpeech {
  let isAnswer: Bool
  /// Whose MAC address, and of which address it is said.
  let mac: MACAddress
  let sender: ClusterDesk.Address
  /// Of a question.
  let target: ClusterDesk.Address

  /// Nil for what is neither, where it says of its sender what the frame does not, and for an answer that is not for us.
  init?(_ frame: Bytes, own: MACAddress) {
    guard frame.count >= 14 + ARPView.length, let ethernet = EthernetView(frame), !ethernet.source.isGroup else {
      return nil
    }
    mac = ethernet.source
    switch frame.uint16(at: 12) {
    case EtherType.arp:
      guard let arp = ARPView(frame.dropFirst(14)), arp.senderMAC == mac else { return nil }
      isAnswer = arp.operation == ARPMessage.reply
      guard isAnswer || arp.operation == ARPMessage.request else { return nil }
      sender = ClusterDesk.Address(arp.sender)
      target = ClusterDesk.Address(arp.target)
    case EtherType.ipv6:
      guard let (source, message) = Self.discovery(frame.dropFirst(14)), message.linkAddress == mac else { return nil }
      isAnswer = !message.isSolicitation
      sender = ClusterDesk.Address(isAnswer ? message.target : source)
      target = ClusterDesk.Address(message.target)
    default: return nil
    }
    if isAnswer, ethernet.destination != own { return nil }
  }

  /// RFC 4861 section 7.1: from this link, whole, and about one host's address.
  private static func discovery(_ packet: Bytes) -> (IPv6Address, NeighbourView)? {
    guard let ip = IPv6View(packet), ip.nextHeader == IPProtocol.icmpv6, ip.hopLimit == 255 else { return nil }
    let payload = ip.payload
    guard payload.count == ip.payloadLength, let message = NeighbourView(payload), message.target.isHost else {
      return nil
    }
    let pseudo = InternetChecksum.pseudo(
      from: ip.source, to: ip.destination, IPProtocol.icmpv6, length: payload.count)
    return InternetChecksum.fold(InternetChecksum.sum(payload, pseudo)) == 0 ? (ip.source, message) : nil
  }
}

/// The answer to a unit's question, which takes the question's frame.
struct UnitAnswer {
  private let own: MACAddress
  private let question: UnitSpeech

  init(to question: UnitSpeech, _ own: MACAddress) {
    self.question = question
    self.own = own
  }

  /// How long it is; no longer than a question.
  var length: Int {
    question.target.ipv4 == nil ? 14 &+ IPv6View.length &+ NeighbourView.length &+ 8 : 14 &+ ARPView.length
  }

  /// `frame` is as long.
  func write(to frame: WritableBytes) {
    if let target = question.target.ipv4, let sender = question.sender.ipv4 {
      EthernetHeader(to: question.mac, from: own, vlan: nil, type: EtherType.arp).write(to: frame)
      ARPMessage(ARPMessage.reply, senderMAC: own, sender: target, targetMAC: question.mac, target: sender)
        .write(to: frame.dropFirst(14))
    } else {
      let target = question.target.ipv6, sender = question.sender.ipv6
      let message = NeighbourMessage(
        advertise: target, linkAddress: own,
        flags: NeighbourMessage.router | NeighbourMessage.solicited | NeighbourMessage.override)
      EthernetHeader(to: question.mac, from: own, vlan: nil, type: EtherType.ipv6).write(to: frame)
      IPv6Header(from: target, to: sender, IPProtocol.icmpv6, payloadLength: message.length, hopLimit: 255)
        .write(to: frame.dropFirst(14))
      message.write(
        to: frame.dropFirst(14 &+ IPv6View.length),
        pseudo: InternetChecksum.pseudo(from: target, to: sender, IPProtocol.icmpv6, length: message.length))
    }
  }
}

import Wire

/// ARP (RFC 826), as careful as RFC 5227 wants it: we answer for our addresses, believe answers to our questions, and
/// take anything else for a reason to ask at most.
extension SlowPath {
  mutating func receiveARP(_ frame: ReceivedFrame, _ interface: Int) -> Fate {
    guard let arp = ARPView(frame.payload) else { return .malformed }
    guard arp.operation == ARPMessage.request || arp.operation == ARPMessage.reply else { return .unsupported }
    let sender = LinkAddress(interface: interface, address: .v4(arp.sender))
    let isAnswer = arp.operation == ARPMessage.reply && !frame.destination.isGroup && isAsked(sender)
    if let refusal = refusal(ofSender: arp.senderMAC, in: frame.source, isAnswer: isAnswer) { return refusal }
    if let slot = own.slot(interface, sender.address) { return conflict(slot, with: arp.senderMAC) }
    let isRequest = arp.operation == ARPMessage.request
    let target = own.slot(interface, .v4(arp.target))
    if arp.sender == .zero {
      guard isRequest else { return .noHost }
      return receiveProbe(arp, target)
    }
    guard arp.sender.isHost, !interfaces[interface].isBroadcast(sender.address) else { return .noHost }
    if arp.sender == arp.target { return receiveAnnouncement(sender, arp.senderMAC) }
    guard let target, answers(for: target) else { return .foreign }
    if !isRequest { return receiveReply(sender, arp.senderMAC, isToUs: !frame.destination.isGroup) }
    if let limit = allowed.refusal(ofReplyTo: arp.senderMAC, now: now) { return limit }
    hear(sender, arp.senderMAC)
    answer(arp, interface)
    return .answered
  }

  /// A cluster's addresses have the cluster's MAC address, a group's perhaps, and its word comes from a unit's own (X20).
  /// That is believed as the answer to a question of ours, and not else.
  func refusal(ofSender said: MACAddress, in source: MACAddress, isAnswer: Bool) -> Fate? {
    guard said != .zero, !said.isGroup || said.isClusterGroup && isAnswer else { return .groupSender }
    return said == source || isAnswer ? nil : .senderMismatch
  }

  func isAsked(_ neighbour: LinkAddress) -> Bool { table.slot(of: neighbour).map { table[$0].isAsked } ?? false }

  /// Somebody asks whether he may have an address (RFC 5227 section 2.1.1).
  private mutating func receiveProbe(_ arp: ARPView, _ target: Int?) -> Fate {
    guard let target else { return .foreign }
    if own[target].state == .probing { return conflict(target, with: arp.senderMAC) }
    guard answers(for: target) else { return .foreign }
    if let limit = allowed.refusal(ofReplyTo: arp.senderMAC, now: now) { return limit }
    answer(arp, own[target].key.interface)
    return .answered
  }

  private mutating func receiveReply(_ sender: LinkAddress, _ mac: MACAddress, isToUs: Bool) -> Fate {
    guard isToUs, let slot = table.slot(of: sender), table[slot].isAsked else { return .unasked }
    confirm(slot, mac)
    return .learned
  }

  /// Anybody may announce anything. Where it contradicts what we know, everybody on the link is asked.
  private mutating func receiveAnnouncement(_ sender: LinkAddress, _ mac: MACAddress) -> Fate {
    guard let slot = table.slot(of: sender), let known = table[slot].mac else { return .unasked }
    if known != mac, !table[slot].isAsked, !isSettled(slot) {
      table[slot].asksAll = true
      probe(slot, isFirst: true)
    }
    return .noted
  }

  private mutating func answer(_ arp: ARPView, _ interface: Int) {
    let reply = ARPMessage(
      ARPMessage.reply, senderMAC: linkAddress(of: .v4(arp.target), interface), sender: arp.target,
      targetMAC: arp.senderMAC, target: arp.sender)
    sendARP(.arpReply, reply, to: arp.senderMAC, interface)
  }

  /// False where we have no address to ask from.
  mutating func askByARP(_ target: IPv4Address, at mac: MACAddress?, _ interface: Int) -> Bool {
    guard let source = sourceAddress(to: .v4(target), interface)?.v4 else { return false }
    let request = ARPMessage(
      ARPMessage.request, senderMAC: interfaces[interface].mac, sender: source, targetMAC: mac ?? .zero,
      target: target)
    sendARP(.arpRequest, request, to: mac ?? .broadcast, interface)
    return true
  }

  /// Whether somebody has our address; as long as we do not know, the question does not say that we do.
  mutating func probeByARP(_ address: IPv4Address, _ interface: Int) {
    let probe = ARPMessage(
      ARPMessage.request, senderMAC: interfaces[interface].mac, sender: .zero, target: address)
    sendARP(.arpProbe, probe, to: .broadcast, interface)
  }

  mutating func announceByARP(_ address: IPv4Address, _ interface: Int) {
    let announcement = ARPMessage(
      ARPMessage.request, senderMAC: interfaces[interface].mac, sender: address, target: address)
    sendARP(.arpAnnouncement, announcement, to: .broadcast, interface)
  }

  private mutating func sendARP(_ kind: Sent, _ message: ARPMessage, to mac: MACAddress, _ interface: Int) {
    let frame = interfaces[interface].frame(to: mac, EtherType.arp, length: ARPView.length) { message.write(to: $0) }
    send(kind, frame, interface)
  }
}

extension MACAddress {
  /// Where clusters' groups lie: no protocol's own, as 01-00-5E and 33-33 are (X20).
  fileprivate var isClusterGroup: Bool { value >> 40 == 0x03 }
}

import Contract
import ControlKit
import Wire

/// Our own addresses (RFC 5227 section 2, RFC 4862 section 5.4): asked for at a start, announced, defended.
extension SlowPath {
  /// What an address of ours has to say now.
  mutating func speakOf(_ slot: Int) {
    let isIPv6 = own[slot].key.address.isIPv6
    switch own[slot].state {
    case .probing: probeOwn(slot, isIPv6)
    case .announcing: announceOwn(slot, isIPv6)
    case .taken:
      own[slot].state = .probing
      own[slot].attempts = 0
      probeOwn(slot, isIPv6)
    case .ours, .shared: own.setDeadline(slot, nil)
    }
  }

  /// X20: of all members the master alone says where the cluster's addresses are.
  func answers(for slot: Int) -> Bool {
    own[slot].state == .shared ? answersForCluster : own[slot].isUsed
  }

  /// Where packets to an address of ours are to be sent.
  func linkAddress(of address: IPAddress, _ interface: Int) -> MACAddress {
    let local = interfaces[interface]
    return local.shared.contains(address) ? local.sharedMAC : local.mac
  }

  private mutating func probeOwn(_ slot: Int, _ isIPv6: Bool) {
    guard let attempts = own[slot].attempts else {
      own[slot].attempts = 0
      return own.setDeadline(slot, now + jitter.between(0, Timing.probeWait))
    }
    let most = isIPv6 ? Timing.probes6 : Timing.probes
    guard attempts < most else {
      own[slot].state = .announcing
      own[slot].attempts = 0
      return announceOwn(slot, isIPv6)
    }
    switch own[slot].key.address {
    case .v4(let address): probeByARP(address, own[slot].key.interface)
    case .v6(let address): probeByDiscovery(address, own[slot].key.interface)
    }
    own[slot].attempts = attempts + 1
    let wait =
      attempts + 1 < most
      ? jitter.between(Timing.probeLeast, Timing.probeMost) : isIPv6 ? Timing.retransmit : Timing.announceWait
    own.setDeadline(slot, now + wait)
  }

  private mutating func announceOwn(_ slot: Int, _ isIPv6: Bool) {
    announce(slot)
    let attempts = (own[slot].attempts ?? 0) + 1
    own[slot].attempts = attempts
    if attempts < (isIPv6 ? Timing.announcements6 : Timing.announcements) {
      return own.setDeadline(slot, now + (isIPv6 ? Timing.retransmit : Timing.announceWait))
    }
    own[slot].state = .ours
    own.setDeadline(slot, nil)
    tell(.announced(interface: own[slot].key.interface, own[slot].key.address))
  }

  private mutating func announce(_ slot: Int) {
    switch own[slot].key.address {
    case .v4(let address): announceByARP(address, own[slot].key.interface)
    case .v6(let address): advertise(address, own[slot].key.interface)
    }
  }

  /// Somebody else claims it. Who comes to an address that is in use goes again; who has it defends it, as RFC 5227
  /// section 2.4 (c) has it for routers, but not so often that two of them fill the link.
  mutating func conflict(_ slot: Int, with mac: MACAddress) -> Fate {
    let key = own[slot].key
    if own[slot].state != .shared { own[slot].conflicts &+= 1 }
    switch own[slot].state {
    // Another member speaks for the cluster.
    case .shared: return .noted
    case .taken: break
    case .probing:
      own[slot].state = .taken
      own.setDeadline(slot, now + Timing.tryAgain)
      tell(.conflict(interface: key.interface, key.address, with: mac, isGivenUp: true))
    case .announcing, .ours:
      if let last = own[slot].defendedAt, now - last < Timing.defend { break }
      own[slot].defendedAt = now
      announce(slot)
      tell(.conflict(interface: key.interface, key.address, with: mac, isGivenUp: false))
    }
    return .conflict
  }

  /// Which address of ours speaks to somebody over this interface: one of his network, if possible of this interface;
  /// else any of the interface's; else any that we have. Only link-local ones speak to link-local ones.
  func sourceAddress(to destination: IPAddress, _ interface: Int) -> IPAddress? {
    let isLinkLocal = destination.v6?.isLinkLocal == true
    func candidates(_ number: Int) -> [InterfaceAddress] {
      interfaces[number].addresses.filter {
        guard $0.address.isIPv6 == destination.isIPv6, let slot = own.slot(number, $0.address) else { return false }
        return own[slot].isUsed && ($0.address.v6?.isLinkLocal == true) == isLinkLocal
      }
    }
    let here = candidates(interface)
    if let near = here.first(where: { $0.network.contains(destination) }) { return near.address }
    if isLinkLocal { return here.first?.address }
    let all = interfaces.indices.flatMap(candidates)
    let near = all.first { $0.network.contains(destination) }
    return (near ?? here.first ?? all.first)?.address
  }
}

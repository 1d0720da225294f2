internal import ControlKit
public import Wire

/// A neighbour as one member of a cluster tells it to the others.
public struct KnownNeighbour: Equatable, Sendable {
  public var interface: Int
  public var address: IPAddress
  public var mac: MACAddress

  public init(interface: Int, _ address: IPAddress, _ mac: MACAddress) {
    self.interface = interface
    self.address = address
    self.mac = mac
  }
}

/// Who takes work over sends to the same hosts and routers at once: what waited for each of them to answer again would be
/// late, or more than there is room for.
extension SlowPath {
  /// Those that have answered a question of ours. What others have told is not told on.
  public var confirmedNeighbours: [KnownNeighbour] {
    var found: [KnownNeighbour] = []
    table.forEach { neighbour in
      if neighbour.isConfirmed, let mac = neighbour.mac {
        found.append(KnownNeighbour(interface: neighbour.key.interface, neighbour.key.address, mac))
      }
      return true
    }
    return found
  }

  /// Another member has asked, and was answered: ours to use at once, and to be asked soon. Who is told of and then asked
  /// is not forgotten when one member after the other begins anew.
  public mutating func learn(fromMember neighbour: KnownNeighbour, now: UInt64) -> [Directive] {
    advance(to: now)
    guard interfaces.indices.contains(neighbour.interface), !neighbour.mac.isGroup, neighbour.mac != .zero,
      neighbour.address.isHost, !own.has(neighbour.address),
      interfaces[neighbour.interface].isOnLink(neighbour.address),
      !interfaces[neighbour.interface].isBroadcast(neighbour.address),
      !interfaces[neighbour.interface].shared.contains(neighbour.address)
    else { return [] }
    let key = LinkAddress(interface: neighbour.interface, address: neighbour.address)
    if let slot = table.slot(of: key) {
      if !table[slot].isInstalled || table[slot].mac != neighbour.mac, !isSettled(slot) { move(slot, neighbour.mac) }
    } else if let slot = insert(Neighbour(key, .stale, mac: neighbour.mac, now: self.now)) {
      move(slot, neighbour.mac)
      enter(slot, .delay, for: jitter.between(Timing.confirmLeast, Timing.confirmMost))
    }
    return takeDirectives()
  }
}

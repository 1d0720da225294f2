public import Wire

extension SlowPath {
  public var neighbourCount: Int { table.count }

  /// Some on that interface whose MAC addresses are known, those first that have answered us lately: whoever wants to know
  /// whether it hears can ask them.
  public func askable(on interface: Int, most: Int) -> [(address: IPAddress, asker: IPAddress, mac: MACAddress)] {
    var found: [(IPAddress, IPAddress, MACAddress)] = []
    for isConfirmed in [true, false] {
      table.forEach { neighbour in
        guard found.count < most else { return false }
        if neighbour.key.interface == interface, neighbour.isConfirmed == isConfirmed, let mac = neighbour.mac,
          let asker = sourceAddress(to: neighbour.key.address, interface)
        {
          found.append((neighbour.key.address, asker, mac))
        }
        return true
      }
    }
    return found
  }

  /// Everything that there is to show, as it is at this moment.
  public func snapshot(now: UInt64) -> SlowPathSnapshot {
    let now = max(self.now, now)
    let neighbours = table.all.map { _, neighbour in
      SlowPathSnapshot.Neighbour(
        interface: neighbour.key.interface, address: neighbour.key.address, mac: neighbour.mac, state: neighbour.state,
        isConfirmed: neighbour.isConfirmed, isInstalled: neighbour.isInstalled, ageNanoseconds: now - neighbour.since,
        held: neighbour.held.count)
    }
    let ownAddresses = own.all.map {
      SlowPathSnapshot.OwnAddress(
        interface: $0.key.interface, address: $0.key.address, state: $0.state, conflicts: $0.conflicts)
    }
    return SlowPathSnapshot(
      neighbours: neighbours.sorted {
        $0.interface == $1.interface ? $0.address.order < $1.address.order : $0.interface < $1.interface
      },
      ownAddresses: ownAddresses, received: received, held: heldPackets, suppressedEvents: suppressedEvents,
      fates: fates, sent: sent)
  }
}

public import Contract
import ControlKit
public import Wire

/// What a reload and a cable change.
extension SlowPath {
  /// Other interfaces, or others' order. What is the same port or VLAN with the same MAC address keeps its neighbours
  /// and the state of its addresses. The dataplane is to begin with an empty table: what is still known and used is
  /// said again, under its interface's new number.
  public mutating func replaceInterfaces(
    _ descriptions: [InterfaceDescription], inside: MACAddress, outside: MACAddress, now: UInt64
  ) -> [Directive] {
    advance(to: now)
    let old = interfaces
    interfaces = descriptions.map { LocalInterface($0, mac: $0.side == .inside ? inside : outside) }
    let numbers = old.map { before in interfaces.firstIndex { $0.isSamePlace(as: before) } }
    let said = old.indices.map { (reports[$0], own.groups($0)) }
    replaceOwn(numbers)
    reports = interfaces.indices.map { number in
      // Whose groups are the same goes on where it was.
      guard let before = numbers.firstIndex(of: number), said[before].1 == own.groups(number) else { return Reports() }
      return said[before].0
    }
    replaceNeighbours(numbers)
    return takeDirectives()
  }

  private mutating func replaceOwn(_ numbers: [Int?]) {
    let before = own
    own = OwnAddresses(interfaces)
    for address in before.all {
      guard let number = numbers[address.key.interface], let slot = own.slot(number, address.key.address) else {
        continue
      }
      guard address.state != .shared, own[slot].state != .shared else { continue }
      own[slot] = address
      own[slot].key.interface = number
      own.setDeadline(slot, before.slot(address.key.interface, address.key.address).flatMap(before.deadline))
    }
  }

  private mutating func replaceNeighbours(_ numbers: [Int?]) {
    let before = table
    table = NeighbourTable(most: max(1, limits.neighbours))
    heldPackets = 0
    for (slot, neighbour) in before.all {
      guard let number = numbers[neighbour.key.interface], !own.has(neighbour.key.address) else {
        for _ in neighbour.held { fates.count(.forgotten) }
        continue
      }
      var neighbour = neighbour
      neighbour.key.interface = number
      heldPackets += neighbour.held.count
      let place = table.insert(neighbour)
      table.setDeadline(place, before.deadline(of: slot) ?? now)
      if neighbour.isInstalled, let mac = neighbour.mac {
        direct(.neighbour(interface: number, neighbour.key.address, mac))
      }
    }
  }

  /// The link of a port is back: perhaps another one. Our addresses are asked for again, and so are neighbours, soon.
  public mutating func linkCameUp(_ side: Side, now: UInt64) {
    advance(to: now)
    for number in interfaces.indices where interfaces[number].side == side { reports[number] = Reports() }
    for slot in own.all.indices
    where interfaces[own[slot].key.interface].side == side && own[slot].state != .shared {
      own[slot].state = .probing
      own[slot].attempts = nil
      own.setDeadline(slot, self.now)
    }
    for (slot, neighbour) in table.all where interfaces[neighbour.key.interface].side == side && neighbour.mac != nil {
      enter(slot, .stale, for: jitter.between(0, Timing.delay))
    }
  }
}

extension LocalInterface {
  fileprivate func isSamePlace(as other: LocalInterface) -> Bool {
    side == other.side && vlan == other.vlan && mac == other.mac
  }
}

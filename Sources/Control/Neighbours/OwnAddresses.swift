import Contract
import Wire

/// An address of ours on one link, and how far the link has been told of it.
struct OwnAddress: Sendable {
  var key: LinkAddress
  var state = SlowPathSnapshot.OwnAddress.State.probing
  /// Nil before the first: gateways that start together do not speak together.
  var attempts: Int?
  var conflicts: UInt64 = 0
  var defendedAt: UInt64?

  /// Addresses are used while they are probed (as RFC 4429 has it for IPv6): a gateway that is silent for the six
  /// seconds of RFC 5227 at each start fails those behind it. Given up at once where the answer is that it is taken.
  var isUsed: Bool { state != .taken }
}

/// All our addresses, with the moment at which each has something to say.
struct OwnAddresses: Sendable {
  private(set) var all: [OwnAddress] = []
  private var index: [LinkAddress: Int] = [:]
  private var interfaces: [IPAddress: Int] = [:]
  private var deadlines = Agenda()

  init(_ interfaces: [LocalInterface]) {
    for (number, interface) in interfaces.enumerated() {
      for address in interface.addresses {
        let key = LinkAddress(interface: number, address: address.address)
        guard index[key] == nil else { continue }
        index[key] = all.count
        self.interfaces[address.address] = number
        deadlines.set(all.count, 0)
        all.append(OwnAddress(key: key))
      }
      // X20: nobody asks whether somebody has them, for all members do.
      for address in interface.shared {
        let key = LinkAddress(interface: number, address: address)
        guard index[key] == nil else { continue }
        index[key] = all.count
        self.interfaces[address] = number
        all.append(OwnAddress(key: key, state: .shared))
      }
    }
  }

  var nextDeadline: (moment: UInt64, slot: Int)? { deadlines.first }

  subscript(_ slot: Int) -> OwnAddress {
    get { all[slot] }
    set { all[slot] = newValue }
  }

  func slot(_ interface: Int, _ address: IPAddress) -> Int? {
    index[LinkAddress(interface: interface, address: address)]
  }

  /// Whether it is one of ours.
  func has(_ address: IPAddress) -> Bool { interfaces[address] != nil }

  /// Whether it is ours and in use: a link-local one on this interface, any other wherever it is.
  func isUsed(_ address: IPAddress, on interface: Int) -> Bool {
    let place = address.v6?.isLinkLocal == true ? interface : interfaces[address]
    guard let place, let slot = slot(place, address) else { return false }
    return all[slot].isUsed
  }

  /// Whether somebody asks for one of ours on this link by its group.
  func hasGroup(_ group: IPv6Address, interface: Int) -> Bool {
    group == .allNodes
      || all.contains { $0.key.interface == interface && $0.key.address.v6?.solicitedNode == group }
  }

  /// All of those.
  func groups(_ interface: Int) -> [IPv6Address] {
    var found: [IPv6Address] = []
    for one in all where one.key.interface == interface {
      if let group = one.key.address.v6?.solicitedNode, !found.contains(group) { found.append(group) }
    }
    return found
  }

  func deadline(_ slot: Int) -> UInt64? { deadlines.moment(of: slot) }

  mutating func setDeadline(_ slot: Int, _ moment: UInt64?) {
    if let moment { deadlines.set(slot, moment) } else { deadlines.remove(slot) }
  }
}

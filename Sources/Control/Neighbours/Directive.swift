public import Wire

/// What the slow path wants done. The order of directives counts.
public enum Directive: Equatable, Sendable {
  /// A whole Ethernet frame, with the interface's VLAN tag where it has one.
  case send(frame: [UInt8], interface: Int)
  /// An IP packet of ours whose way only the dataplane knows: it may lead into a tunnel.
  case route(packet: [UInt8])
  /// An IP packet of ours that goes by the routes alone, as what is told to a neighbour goes by none.
  case forward(packet: [UInt8])
  /// For the dataplane's table: packets to this next hop go there.
  case neighbour(interface: Int, IPAddress, MACAddress)
  /// Nobody has this address any more: packets to it come here again.
  case forget(interface: Int, IPAddress)
  case event(SlowPathEvent)
}

/// What an operator may want to know.
public enum SlowPathEvent: Equatable, Sendable {
  /// An address of ours was asked for, nobody else has it, and the link knows that we do.
  case announced(interface: Int, IPAddress)
  /// Somebody else says that an address of ours is his. We go on using it, unless it is given up.
  case conflict(interface: Int, IPAddress, with: MACAddress, isGivenUp: Bool)
  /// Asked for in vain.
  case unreachable(interface: Int, IPAddress)
  /// Answered before, and does no longer.
  case lost(interface: Int, IPAddress, MACAddress)
  case moved(interface: Int, IPAddress, from: MACAddress, to: MACAddress)
  /// No room for one more neighbour, nor anybody to put out.
  case tableFull(interface: Int)

  public var interface: Int {
    switch self {
    case .announced(let interface, _), .conflict(let interface, _, _, _), .unreachable(let interface, _),
      .lost(let interface, _, _), .moved(let interface, _, _, _), .tableFull(let interface):
      interface
    }
  }
}

extension SlowPathEvent: CustomStringConvertible {
  /// A line for the log, without the interface: only the caller knows its name.
  public var description: String {
    switch self {
    case .announced(_, let address): "\(address) is ours on this link"
    case .conflict(_, let address, let mac, false): "\(mac) claims our address \(address); we defend it"
    case .conflict(_, let address, let mac, true): "\(mac) has the address \(address) already; it is not used"
    case .unreachable(_, let address): "nobody answers for \(address)"
    case .lost(_, let address, let mac): "\(address) at \(mac) no longer answers"
    case .moved(_, let address, let old, let new): "\(address) has moved from \(old) to \(new)"
    case .tableFull: "no room for another neighbour"
    }
  }
}

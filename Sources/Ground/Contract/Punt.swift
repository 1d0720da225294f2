/// Why a worker hands a packet to control instead of sending it on. The number travels with the packet.
public enum Punt: UInt8, CaseIterable, Sendable {
  case notIP = 0
  case forUs
  case noNeighbour
  case hopLimit
  case tooBig
  case noRoute
  case prohibited

  /// The name in `--json` and in tables.
  public var name: String { "\(self)" }

  /// What it means, for a person.
  public var meaning: String {
    switch self {
    case .notIP: "ARP, or another EtherType than IP's"
    case .forUs: "to one of our own addresses, or to a group of ours"
    case .noNeighbour: "its next hop's MAC address is not known"
    case .hopLimit: "its hop limit is over"
    case .tooBig: "longer than the next link takes"
    case .noRoute: "no route leads to its destination"
    case .prohibited: "not allowed to pass"
    }
  }
}

public import Wire

/// What is known of a neighbour (RFC 4861 section 7.3.2; for ARP the same).
public enum NeighbourState: UInt8, CaseIterable, Sendable {
  case incomplete, reachable, stale, delay, probe

  public var name: String { "\(self)" }
}

/// All there is to show, at one moment.
public struct SlowPathSnapshot: Sendable {
  public struct Neighbour: Equatable, Sendable {
    public var interface: Int
    public var address: IPAddress
    public var mac: MACAddress?
    public var state: NeighbourState
    /// Has answered a question of ours.
    public var isConfirmed: Bool
    /// The dataplane was told, because somebody sends to him.
    public var isInstalled: Bool
    /// How long it is in this state.
    public var ageNanoseconds: UInt64
    public var held: Int
  }

  public struct OwnAddress: Equatable, Sendable {
    public enum State: UInt8, CaseIterable, Sendable {
      /// Asked for whether somebody has it; in use meanwhile.
      case probing
      case announcing
      case ours
      /// Somebody else had it first: not used, and asked for again later.
      case taken
      /// The cluster's: ours to use, and to answer for if we are the master.
      case shared
      public var name: String { "\(self)" }
    }
    public var interface: Int
    public var address: IPAddress
    public var state: State
    public var conflicts: UInt64
  }

  /// By interface, then by address.
  public var neighbours: [Neighbour]
  public var ownAddresses: [OwnAddress]
  public var received: UInt64
  public var held: Int
  public var suppressedEvents: UInt64
  var fates: Tally<Fate>
  var sent: Tally<Sent>

  public subscript(_ fate: Fate) -> UInt64 { fates[fate] }
  public subscript(_ kind: Sent) -> UInt64 { sent[kind] }
  /// Whether each packet has a fate or is still held: always.
  public var isBalanced: Bool { received == fates.total &+ UInt64(held) }
}

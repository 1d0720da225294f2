/// What became of a packet that was handed to the slow path. Each has one fate in the end, and every fate is counted.
public enum Fate: UInt8, CaseIterable, Sendable {
  /// An answer left for its sender.
  case answered
  /// It told us a neighbour's MAC address, or that he is still there.
  case learned
  /// Understood, and nothing to do.
  case noted
  /// Sent on to its next hop.
  case passedOn

  // not understood, or not to be believed
  case malformed
  case checksum
  case unsupported
  case foreign
  case looped
  case groupSender
  case senderMismatch
  case farSender
  case unasked
  case conflict

  // never to be answered
  case icmpError
  case fragment
  case groupDestination
  case linkBroadcast
  case noHost
  case silent
  case noOwnAddress
  case tooLong

  // limits
  case limitedByKind
  case limitedBySource
  case limitedOverall
  case limitedQuestions
  case tableFull
  case heldFull
  case heldReplaced
  case evicted
  case forgotten
  case badNextHop
  case unknownInterface

  public var name: String { "\(self)" }

  /// What it means, for a person.
  public var meaning: String {
    switch self {
    case .answered: "answered"
    case .learned: "told us where a neighbour is"
    case .noted: "understood, and nothing to do"
    case .passedOn: "sent to a next hop that had to be asked for"
    case .malformed: "shorter than it says, or against its protocol"
    case .checksum: "its checksum is wrong"
    case .unsupported: "a protocol that is not spoken here"
    case .foreign: "asks for somebody else"
    case .looped: "sent by ourselves, and come back"
    case .groupSender: "a sender whose MAC address is a group's"
    case .senderMismatch: "says another MAC address than it was sent from"
    case .farSender: "neighbour discovery that crossed a router"
    case .unasked: "an answer to no question of ours"
    case .conflict: "claims an address of ours"
    case .icmpError: "an ICMP error, which is never answered"
    case .fragment: "a fragment that cannot be answered"
    case .groupDestination: "to a group, which is not answered"
    case .linkBroadcast: "to all on the link, which is not answered"
    case .noHost: "from an address that no other host has"
    case .silent: "for us, and of a kind that is not answered"
    case .noOwnAddress: "no address of ours to answer from"
    case .tooLong: "its answer would be longer than the link takes"
    case .limitedByKind: "too many answers of this kind"
    case .limitedBySource: "too many answers to this source"
    case .limitedOverall: "too many ICMP answers"
    case .limitedQuestions: "too many new neighbours asked for"
    case .tableFull: "no room for one more neighbour"
    case .heldFull: "too many packets wait for neighbours"
    case .heldReplaced: "waited for a neighbour, and a later packet took its place"
    case .evicted: "waited for a neighbour that made room for another"
    case .forgotten: "waited for a neighbour on an interface that is gone"
    case .badNextHop: "its next hop is no host, or we ourselves"
    case .unknownInterface: "an interface that there is not"
    }
  }
}

/// What the slow path sends; `show counters` has a number for each.
public enum Sent: UInt8, CaseIterable, Sendable {
  case arpRequest
  case arpProbe
  case arpAnnouncement
  case arpReply
  case solicitation
  case advertisement
  case listenerReport
  case heldPacket
  case echoReply
  case timeExceeded
  case tooBig
  case noRoute
  case hostUnreachable
  case prohibited
  case portUnreachable
  case protocolUnreachable

  public var name: String { "\(self)" }
}

/// A number for each case.
struct Tally<Key: CaseIterable & RawRepresentable & Sendable>: Sendable where Key.RawValue == UInt8 {
  private(set) var numbers = [UInt64](repeating: 0, count: Key.allCases.count)

  subscript(_ key: Key) -> UInt64 { numbers[Int(key.rawValue)] }
  mutating func count(_ key: Key) { numbers[Int(key.rawValue)] &+= 1 }
  var total: UInt64 { numbers.reduce(0, &+) }
}

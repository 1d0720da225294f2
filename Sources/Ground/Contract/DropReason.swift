/// Why a packet went no further. Every discard names one, and every one is counted: nothing vanishes.
public enum DropReason: UInt8, CaseIterable, Sendable {
  /// Not a discard: the packet goes on.
  case none = 0

  // accept
  case frameTooShort
  case foreignMAC

  // parse
  case unsupportedEtherType
  case tooManyTags
  case arp
  case ipv4Truncated
  case ipv4Version
  case ipv4HeaderLength
  case ipv4TotalLength
  case ipv6Truncated
  case ipv6Version

  // own
  /// Silently: whoever answers is the owner (C23).
  case notMine
  case workSetUnassigned
  case workSetPending
  case fenced
  case holdFull
  case holdDoubtful
  case otherHalf

  // cross, transmit
  case crossingFull
  case noFrame

  // policy
  case noPolicy
  case policyDiscard
  case clearOutside

  // seal, open
  case stateLost

  // seal
  case innerTruncated
  case tooLongToSeal
  case tooBigForPath
  case linkFamily
  case noRoomInFrame
  case fragmentInTransport
  case sequenceExhausted
  case lifetimeOver
  case noSenderID

  // open
  case unknownSPI
  case espTooShort
  case espMisaligned
  case espTooDeep
  case replayed
  case outsideWindow
  case integrity
  case noSenderWindow
  case badPadding
  case innerProtocol
  case innerMalformed
  case congestionLost
  case selectorMismatch
  case udpTooShort

  // reassemble
  case reassemblyFull
  case fragmentOverlap
  case fragmentMalformed

  // forward
  case groupFrame
  case hopLimitOver
  case noRoute
  case tooBigForLink
  case controlBusy
  case portDown
  case portFull
  case draining

  // what came back is not what went in
  case mismatched

  // Not losses: what was consumed on purpose.
  case dummy
  case natKeepalive
  case reassembled
  case forUs
  case noNeighbour
  case clusterControl
  case passedOn
  case held
  case workedOn

  /// The name in `--json`, in tables and in `classify`.
  public var name: String { "\(self)" }

  /// What it means, for a person.
  public var meaning: String {
    switch self {
    case .none: "went on"
    case .frameTooShort: "the frame ends inside its link header"
    case .foreignMAC: "sent to a MAC address that is not ours"
    case .unsupportedEtherType: "neither IPv4 nor IPv6"
    case .tooManyTags: "more VLAN tags than four"
    case .arp: "ARP: not work to be shared"
    case .ipv4Truncated: "the IPv4 header is cut short"
    case .ipv4Version: "an IPv4 EtherType with another version inside"
    case .ipv4HeaderLength: "an IPv4 header length below 20"
    case .ipv4TotalLength: "an IPv4 total length below the header's"
    case .ipv6Truncated: "the IPv6 header is cut short"
    case .ipv6Version: "an IPv6 EtherType with another version inside"
    case .notMine: "another member's work"
    case .workSetUnassigned: "no member owns the work set"
    case .workSetPending: "the work set is being handed over"
    case .fenced: "this member had no lease, so that another one may own it by now"
    case .holdFull: "held until its work set is this member's, and more came than may be"
    case .holdDoubtful: "held until its work set was this member's, and perhaps worked on by the one before"
    case .otherHalf: "from a host that is new here, and perhaps worked on by another half of the cluster"
    case .crossingFull: "the ring to the worker that owns it was full"
    case .noFrame: "no frame was free"
    case .noPolicy: "no policy lets it pass"
    case .policyDiscard: "a policy discards it"
    case .clearOutside: "came in clear from outside, and should have come in ESP"
    case .stateLost: "the SA's numbers went with the member that had it: give it new keys"
    case .innerTruncated: "the packet is shorter than its header says"
    case .tooLongToSeal: "with ESP around it, longer than an IP header can tell"
    case .tooBigForPath: "longer than the path takes, and not to be fragmented"
    case .linkFamily: "this link type carries the other IP version only"
    case .noRoomInFrame: "its frame has no room for ESP"
    case .fragmentInTransport: "a fragment, which transport mode does not take"
    case .sequenceExhausted: "the SA has used its last sequence number"
    case .lifetimeOver: "the SA has reached the end of its lifetime"
    case .noSenderID: "no nonce is left for the SA: no live sender id"
    case .unknownSPI: "ESP for us with an SPI that no SA has"
    case .espTooShort: "ESP that is shorter than its SA's shortest packet"
    case .espMisaligned: "ESP whose length fits no padding"
    case .espTooDeep: "ESP behind more headers than anybody sends"
    case .replayed: "its sequence number was there before"
    case .outsideWindow: "its sequence number is left of the replay window"
    case .integrity: "the tag is wrong: changed on the way, or another key"
    case .noSenderWindow: "no replay window is left for another sender of the group"
    case .badPadding: "authentic, but the padding is not 1, 2, 3"
    case .innerProtocol: "authentic, but inside is neither IPv4 nor IPv6"
    case .innerMalformed: "authentic, but the inner packet is broken"
    case .congestionLost: "congestion was marked outside, and inside cannot carry the mark (RFC 6040)"
    case .selectorMismatch: "authentic, but not the traffic this SA is for"
    case .udpTooShort: "UDP to port 4500, too short for ESP"
    case .reassemblyFull: "no room to put another packet's fragments together"
    case .fragmentOverlap: "fragments that overlap"
    case .fragmentMalformed: "a fragment that fits no packet"
    case .groupFrame: "sent to everybody on the link: not to be forwarded"
    case .hopLimitOver: "its hop limit is used up"
    case .noRoute: "no route leads there"
    case .tooBigForLink: "longer than the next link takes"
    case .controlBusy: "for the control thread, which has no room for more"
    case .portDown: "the port that it leaves by is down"
    case .portFull: "the port that it leaves by takes no more"
    case .draining: "came when the gateway took nothing new any more"
    case .mismatched: "what was opened is not what was sealed"
    case .dummy: "a dummy packet: consumed"
    case .natKeepalive: "a keepalive for a NAT: consumed"
    case .reassembled: "a fragment, kept until its packet is whole: consumed"
    case .forUs: "for the gateway itself: consumed"
    case .noNeighbour: "waits for its next hop's MAC address: consumed"
    case .clusterControl: "the cluster's control, which has a socket of its own: consumed"
    case .passedOn: "another member's, and passed on to that member: consumed"
    case .held: "kept until it is surely this member's work: consumed"
    case .workedOn: "held, and worked on by the member before: consumed"
    }
  }

  /// Room for growth without changing the layout of the counters.
  @inlinable @inline(__always) public static var capacity: Int { 96 }

  /// Used up on purpose, and no loss.
  @inlinable @inline(__always)
  public var isConsumption: Bool { rawValue >= Self.dummy.rawValue }
}

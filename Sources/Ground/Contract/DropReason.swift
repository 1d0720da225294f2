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
  case notMine
  case workSetUnassigned
  case workSetPending

  // cross, transmit
  case crossingFull
  case noFrame

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
    case .crossingFull: "the ring to the worker that owns it was full"
    case .noFrame: "no frame was free"
    }
  }

  /// Room for growth without changing the layout of the counters.
  @inlinable @inline(__always) public static var capacity: Int { 32 }
}

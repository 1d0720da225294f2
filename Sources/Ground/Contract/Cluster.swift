public import Wire

public enum HashKind: String, CaseIterable, Sendable {
  /// A keyed hash over the order-free tuple (X8).
  case keyed
  /// The seed's sample filter (C27), for conformance.
  case compat
}

/// The cluster's secret for the keyed hash: 128 bits, written as 32 hexadecimal digits.
public struct WorkSetKey: Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public init?(_ text: String) {
    guard text.utf8.count == 32, text.allSatisfy(\.isHexDigit),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  public static let zero = WorkSetKey(high: 0, low: 0)
}

/// Which frames a unit takes off the wire. What is not listed is dropped.
public struct AcceptDescription: Sendable {
  public var unitMAC: MACAddress
  /// Of the outside, where that is another device; nil where there is one.
  public var outsideMAC: MACAddress?
  /// Neither where the cluster's addresses are its master's (C22.1).
  public var clusterUnicastMAC: MACAddress?
  public var clusterMulticastMAC: MACAddress?
  /// Groups in use: all-nodes, solicited-node, control.
  public var groups: [MACAddress]

  public static let mostGroups = 64

  public init(
    unitMAC: MACAddress, clusterUnicastMAC: MACAddress? = nil, clusterMulticastMAC: MACAddress? = nil,
    groups: [MACAddress] = []
  ) {
    self.unitMAC = unitMAC
    self.clusterUnicastMAC = clusterUnicastMAC
    self.clusterMulticastMAC = clusterMulticastMAC
    self.groups = groups
  }
}

/// A unicast tunnel, as far as classification needs it (X5, X7, X9).
public struct TunnelDescription: Sendable {
  /// For policies and people.
  public var name: String
  /// Ours: its low ten bits are the work set, kept over rekeys.
  public var inboundSPI: UInt32
  public var outboundSPI: UInt32
  public var peer: IPAddress
  /// Clear traffic from here to there takes the tunnel.
  public var local: [IPPrefix]
  public var remote: [IPPrefix]
  /// Nil leaves it a matter of classification alone.
  public var security: TunnelSecurity?

  public init(
    name: String = "", inboundSPI: UInt32, outboundSPI: UInt32, peer: IPAddress, local: [IPPrefix] = [],
    remote: [IPPrefix] = []
  ) {
    self.name = name
    self.inboundSPI = inboundSPI
    self.outboundSPI = outboundSPI
    self.peer = peer
    self.local = local
    self.remote = remote
  }

  /// The same in memory of its own, the parameters apart.
  public var copied: TunnelDescription {
    var copy = self
    copy.name = String(decoding: Array(name.utf8), as: UTF8.self)
    copy.local = local.map { $0 }
    copy.remote = remote.map { $0 }
    copy.security?.inboundKey.material = security?.inboundKey.material.copied ?? Secret([])
    copy.security?.outboundKey.material = security?.outboundKey.material.copied ?? Secret([])
    return copy
  }

  /// Its keys included.
  public func isSame(as other: TunnelDescription) -> Bool {
    let isSecure =
      if let mine = security, let theirs = other.security {
        mine.isSame(as: theirs)
      } else {
        (security == nil) == (other.security == nil)
      }
    return isSecure && name == other.name && inboundSPI == other.inboundSPI && outboundSPI == other.outboundSPI
      && peer == other.peer && local == other.local && remote == other.remote
  }
}

/// A group SA, as far as classification needs it (X7): the sender id is the IV's leading bits.
public struct GroupDescription: Sendable {
  public var spi: UInt32
  /// 8, 12 or 16 (RFC 6054).
  public var senderIDBits: Int
  public var name: String
  /// Nil leaves it a matter of classification alone.
  public var security: GroupSecurity?

  public init(name: String = "", spi: UInt32, senderIDBits: Int) {
    self.name = name
    self.spi = spi
    self.senderIDBits = senderIDBits
  }
}

/// All that classification depends on, ownership apart.
public struct ClassifyDescription: Sendable {
  public var hash = HashKind.keyed
  public var key = WorkSetKey.zero
  /// Nil accepts every frame: right for a capture, wrong for a wire.
  public var accept: AcceptDescription?
  public var clusterAddresses: [IPAddress] = []
  /// Of a live gateway: what is sent to these is for itself, and is neither sealed nor forwarded.
  public var localAddresses: [IPAddress] = []
  public var tunnels: [TunnelDescription] = []
  public var groups: [GroupDescription] = []
  /// Before the tunnels' and groups' own networks, in this order.
  public var policies: [PolicyDescription] = []

  /// Whether packets are to be protected, and not only classified.
  public var hasSecurity: Bool {
    tunnels.contains { $0.security != nil } || groups.contains { $0.security != nil } || !policies.isEmpty
  }

  public static let mostClusterAddresses = 64
  public static let mostTunnels = 100_000

  public init() {}
}

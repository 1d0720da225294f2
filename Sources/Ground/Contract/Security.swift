public import Wire

/// What one SA does to a packet, in either direction (RFC 4303). Keys apart.
public struct ESPDescription: Equatable, Sendable {
  public enum Mode: String, CaseIterable, Sendable {
    case tunnel, transport
  }

  /// What the outer header says where the inner header says something, too (RFC 4301 section 5.1.2).
  public enum DSCP: Equatable, Sendable {
    case copy
    case set(UInt8)
  }

  public enum DontFragment: String, CaseIterable, Sendable {
    case copy, set, clear
  }

  /// RFC 6040: normal mode carries congestion marks through the tunnel; compatibility mode hides ECN from the path.
  public enum ECN: String, CaseIterable, Sendable {
    case normal, compatibility
  }

  public enum HopLimit: Equatable, Sendable {
    case copy
    case set(UInt8)
  }

  public enum FlowLabel: Equatable, Sendable {
    case copy
    case set(UInt32)
  }

  /// ESP in UDP (RFC 3948).
  public struct Encapsulation: Equatable, Sendable {
    public var localPort: UInt16
    public var peerPort: UInt16

    public init(localPort: UInt16 = 4500, peerPort: UInt16 = 4500) {
      self.localPort = localPort
      self.peerPort = peerPort
    }
  }

  /// After `soft` control is told, once; after `hard` nothing is sent. Nil: as much as the sequence numbers allow.
  public struct Limit: Equatable, Sendable {
    public var soft: UInt64
    public var hard: UInt64

    public init(soft: UInt64, hard: UInt64) {
      self.soft = soft
      self.hard = hard
    }
  }

  public var suite: CipherSuite
  public var mode = Mode.tunnel
  /// 64-bit sequence numbers.
  public var isExtended = false
  public var window = 1024
  public var encapsulation: Encapsulation?
  public var dscp = DSCP.copy
  public var dontFragment = DontFragment.copy
  public var ecn = ECN.normal
  public var hopLimit = HopLimit.set(64)
  public var flowLabel = FlowLabel.set(0)
  /// The longest outer packet; 0 for no limit.
  public var pathMTU = 0
  /// Traffic flow confidentiality: shorter inner packets are padded to this many octets; 0 for none.
  public var paddedLength = 0
  public var packets: Limit?
  public var bytes: Limit?
  public var seconds: Limit?

  public init(_ suite: CipherSuite) { self.suite = suite }

  /// RFC 4303 appendix A: from two words of bits to what still fits into a cache.
  public static let windows = 64...131_072
}

/// Key, salt and integrity key, in this order; and what the nonces need to know of their past.
public struct KeyDescription: Sendable {
  public var material: Secret
  /// When it came into being, in seconds of the epoch.
  public var born: UInt64

  public init(_ material: Secret, born: UInt64) {
    self.material = material
    self.born = born
  }

  public func isSame(as other: KeyDescription) -> Bool { born == other.born && material.isSame(as: other.material) }
}

/// What makes a tunnel more than a work set: how its packets are protected, and with what.
public struct TunnelSecurity: Sendable {
  private var parameters: SharedParameters
  /// Our end; the other end is the tunnel's peer.
  public var address: IPAddress
  public var inboundKey: KeyDescription
  public var outboundKey: KeyDescription

  public init(
    _ esp: ESPDescription, address: IPAddress, inboundKey: KeyDescription, outboundKey: KeyDescription
  ) {
    parameters = SharedParameters(esp)
    self.address = address
    self.inboundKey = inboundKey
    self.outboundKey = outboundKey
  }

  public var esp: ESPDescription {
    get { parameters.esp }
    set { parameters = SharedParameters(newValue) }
  }

  /// The same parameters lie in memory once: thousands of tunnels differ in little but their keys.
  public mutating func share(with other: TunnelSecurity) {
    if parameters !== other.parameters, esp == other.esp { parameters = other.parameters }
  }

  public func isSame(as other: TunnelSecurity) -> Bool {
    (parameters === other.parameters || esp == other.esp) && address == other.address
      && inboundKey.isSame(as: other.inboundKey) && outboundKey.isSame(as: other.outboundKey)
  }
}

private final class SharedParameters: Sendable {
  let esp: ESPDescription

  init(_ esp: ESPDescription) { self.esp = esp }
}

/// Another member of a group: where it is, and what is behind it.
public struct GroupSite: Sendable {
  public var gateway: IPAddress
  public var networks: [IPPrefix]

  public init(gateway: IPAddress, networks: [IPPrefix]) {
    self.gateway = gateway
    self.networks = networks
  }
}

/// One key and one SPI for all members of a group (G7, G24).
public struct GroupSecurity: Sendable {
  public var esp: ESPDescription
  public var address: IPAddress
  public var key: KeyDescription
  /// Among how many units the sender ids are divided: the same on all of them.
  public var units: Int
  /// For how many senders there are replay windows.
  public var maxSenders: Int
  public var local: [IPPrefix]
  public var sites: [GroupSite]

  public init(
    _ esp: ESPDescription, address: IPAddress, key: KeyDescription, units: Int, maxSenders: Int,
    local: [IPPrefix], sites: [GroupSite]
  ) {
    self.esp = esp
    self.address = address
    self.key = key
    self.units = units
    self.maxSenders = maxSenders
    self.local = local
    self.sites = sites
  }
}

/// One line of the policy: the first that fits a clear packet says what becomes of it. None fits: it is discarded.
public struct PolicyDescription: Sendable {
  public enum Action: Equatable, Sendable {
    case bypass, discard
    /// By the tunnel of this name.
    case protect(String)
  }

  public var action: Action
  public var source: IPPrefix
  public var destination: IPPrefix
  /// Nil for every protocol.
  public var protocolNumber: UInt8?
  public var sourcePorts: ClosedRange<UInt16>?
  public var destinationPorts: ClosedRange<UInt16>?

  /// Combinations of a source's and a destination's prefix length: each is a probe for some packets.
  public static let mostShapes = 200
  /// With those that tunnels and groups imply: one for each pair of their prefixes.
  public static let mostRules = 1 << 20

  public init(_ action: Action, source: IPPrefix, destination: IPPrefix) {
    self.action = action
    self.source = source
    self.destination = destination
  }
}

/// Among the units that share keys.
public enum UnitNumber {
  public static let most = 255
}

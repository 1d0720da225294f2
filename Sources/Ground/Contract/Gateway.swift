public import Wire

/// A gateway's two faces. Clear networks are inside, sealed traffic travels outside.
public enum Side: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case inside, outside

  @inlinable @inline(__always) public var other: Side { self == .inside ? .outside : .inside }
}

/// How packets get from a device to workers and back.
public enum PortMethod: String, CaseIterable, Sendable {
  /// AF_XDP: the driver's rings, or the generic hook where the driver has none.
  case xdp
  /// AF_PACKET with rings in shared memory.
  case packet
  /// libpcap, where nothing else works.
  case pcap
  /// A TAP device of our own.
  case tap
}

/// One device, and what a configuration says of it.
public struct PortDescription: Sendable {
  public var side: Side
  public var device: String
  /// Nil takes the fastest that works.
  public var method: PortMethod?
  /// Nil takes the device's.
  public var mac: MACAddress?
  /// The kernel's addresses on it are taken over for as long as the gateway runs; else they are a reason not to begin.
  public var takesAddresses = false

  public init(side: Side, device: String) {
    self.side = side
    self.device = device
  }
}

/// An address of ours, and the network that it is in.
public struct InterfaceAddress: Hashable, Sendable {
  public var address: IPAddress
  public var network: IPPrefix

  public init(_ address: IPAddress, network: IPPrefix) {
    self.address = address
    self.network = network
  }
}

/// What packets are routed to: a port, or a VLAN of it.
public struct InterfaceDescription: Sendable {
  public var side: Side
  /// 1...4094; nil is the port itself.
  public var vlan: UInt16?
  public var addresses: [InterfaceAddress]
  /// Of the cluster's addresses, those that are on this link: all members wear them, and one answers for them (X20).
  public var shared: [IPAddress] = []
  /// Where packets to those are sent, if it is not the member that answers (C22).
  public var sharedMAC: MACAddress?
  /// The longest IP packet.
  public var mtu: Int

  public init(side: Side, vlan: UInt16? = nil, addresses: [InterfaceAddress] = [], mtu: Int = 1500) {
    self.side = side
    self.vlan = vlan
    self.addresses = addresses
    self.mtu = mtu
  }

  public static let most = 64
}

/// Where packets to a network go.
public struct RouteDescription: Hashable, Sendable {
  public var network: IPPrefix
  /// Nil drops them, and says so to their sender.
  public var gateway: IPAddress?

  public init(_ network: IPPrefix, via gateway: IPAddress?) {
    self.network = network
    self.gateway = gateway
  }

  public static let most = 1 << 20
}

/// Whether idle workers go on looking, sleep after looking in vain for a while, or sleep at once, until traffic comes.
public enum Polling: String, CaseIterable, Sendable {
  case adaptive, busy, sleep
}

/// How long a TCP segment two hosts may agree on (RFC 9293 section 3.7.1), where a tunnel has less room than their links.
public enum SegmentLimit: Hashable, Sendable {
  case none
  /// What fits into every tunnel.
  case automatic
  case octets(UInt16)

  public static let octetRange: ClosedRange<UInt16> = 536...65495
}

/// What a live gateway is made of, its SAs and policies apart.
public struct GatewayDescription: Sendable {
  public var ports: [PortDescription]
  public var interfaces: [InterfaceDescription]
  public var routes: [RouteDescription]
  public var workers = 1
  public var polling = Polling.adaptive
  public var segmentLimit = SegmentLimit.none

  public init(ports: [PortDescription], interfaces: [InterfaceDescription], routes: [RouteDescription] = []) {
    self.ports = ports
    self.interfaces = interfaces
    self.routes = routes
  }
}

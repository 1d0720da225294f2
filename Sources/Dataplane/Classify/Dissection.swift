import Contract
import Wire

/// What a packet's headers say, as far as its work set depends on them.
struct Dissection {
  var fault = DropReason.none
  var addresses = AddressPair()
  var protocolNumber: UInt8 = 0
  var isFragment = false
  var isFirstFragment = true
  /// AH stands before the upper layer. IPv4 has it as a protocol, and then nothing behind it is looked at.
  var isAuthenticated = false
  /// From the frame's beginning to the IP header.
  var offset = 0
  /// The upper layer, as far as it is there. Empty when it cannot be found: then the addresses alone decide.
  var upper: Bytes

  @inline(__always)
  init(fault: DropReason, at bytes: Bytes) {
    self.fault = fault
    upper = bytes.prefix(0)
  }

  /// A frame as it came: link header, tags, IP.
  ///
  /// Structure alone is judged. What follows the IP header may be short, broken or missing: the packet still has
  /// an owner, who will find out.
  init(frame: Bytes, link: LinkType) {
    var payload = link.payload(of: frame)
    guard payload.offset >= 0 else {
      self.init(fault: .frameTooShort, at: frame)
      return
    }
    var tags = 0
    while EtherType.isTag(payload.etherType) {
      guard let tag = VLANTagView(frame.dropFirst(payload.offset)) else {
        self.init(fault: .frameTooShort, at: frame)
        return
      }
      guard tags < VLANTagView.most else {
        self.init(fault: .tooManyTags, at: frame)
        return
      }
      payload = LinkPayload(etherType: tag.type, offset: payload.offset &+ VLANTagView.length)
      tags &+= 1
    }
    let packet = frame.dropFirst(payload.offset)
    switch payload.etherType {
    case EtherType.ipv4: self.init(ipv4: packet)
    case EtherType.ipv6: self.init(ipv6: packet)
    case EtherType.arp: self.init(fault: .arp, at: frame)
    case EtherType.clusterControl: self.init(fault: .clusterControl, at: frame)
    default: self.init(fault: .unsupportedEtherType, at: frame)
    }
    offset = payload.offset
  }

  init(ipv4 packet: Bytes) {
    guard let header = IPv4View(packet) else {
      self.init(fault: Self.reason(IPv4View.fault(in: packet)), at: packet)
      return
    }
    self.init(fault: .none, at: packet)
    upper = header.payload
    addresses.sourceLow = UInt64(header.source)
    addresses.destinationLow = UInt64(header.destination)
    protocolNumber = header.protocolNumber
    isFragment = header.isFragment
    isFirstFragment = header.fragmentOffset == 0
  }

  init(ipv6 packet: Bytes) {
    guard let header = IPv6View(packet) else {
      self.init(fault: IPv6View.fault(in: packet) == .version ? .ipv6Version : .ipv6Truncated, at: packet)
      return
    }
    let chain = IPv6Chain(header)
    self.init(fault: .none, at: packet)
    // A broken chain hides the upper layer: no bytes of it, and a protocol that has no ports.
    let end = header.payload.count &+ IPv6View.length
    upper = chain.isBroken ? packet.prefix(0) : packet.prefix(end).dropFirst(chain.offset)
    protocolNumber = chain.isBroken ? IPProtocol.none : chain.protocolNumber
    isFragment = chain.isFragment
    isFirstFragment = chain.isFirstFragment
    isAuthenticated = chain.isAuthenticated
    let source = header.source, destination = header.destination
    addresses = AddressPair(
      sourceHigh: source.high, sourceLow: source.low, destinationHigh: destination.high,
      destinationLow: destination.low, isIPv6: true)
  }

  /// A packet without a link header, as ICMP errors quote it.
  init(quoted packet: Bytes, isIPv6: Bool) {
    if isIPv6 { self.init(ipv6: packet) } else { self.init(ipv4: packet) }
  }

  private static func reason(_ fault: IPv4View.Fault?) -> DropReason {
    switch fault {
    case .version: .ipv4Version
    case .headerLength: .ipv4HeaderLength
    case .totalLength: .ipv4TotalLength
    case .truncated, nil: .ipv4Truncated
    }
  }

  /// As policies ask for it. A fragment is told by its addresses and protocol, the first one too.
  var selector: Selector {
    let ports = hasPorts && !isFragment ? PortsView(upper) : nil
    return Selector(
      addresses: addresses, protocolNumber: protocolNumber, hasPorts: ports != nil,
      sourcePort: ports?.source ?? 0, destinationPort: ports?.destination ?? 0)
  }

  @inline(__always)
  var hasPorts: Bool {
    (protocolNumber == IPProtocol.tcp || protocolNumber == IPProtocol.udp) && isFirstFragment
      && upper.count >= PortsView.length
  }
}

import Wire

/// The link header of what came, VLAN tags passed.
struct ReceivedFrame {
  let destination: MACAddress
  let source: MACAddress
  let type: UInt16
  let payload: Bytes

  init?(_ bytes: Bytes) {
    guard let header = EthernetView(bytes) else { return nil }
    destination = header.destination
    source = header.source
    var type = header.type
    var rest = bytes.dropFirst(EthernetView.length)
    var tags = 0
    while EtherType.isTag(type) {
      guard tags < VLANTagView.most, let tag = VLANTagView(rest) else { return nil }
      type = tag.type
      rest = rest.dropFirst(VLANTagView.length)
      tags += 1
    }
    self.type = type
    payload = rest
  }
}

/// An IP packet, as far as an answer to it has to know it.
struct ReceivedPacket {
  /// As long as its header says, or as much of it as there is.
  let bytes: Bytes
  let isWhole: Bool
  let isIPv6: Bool
  let source: IPAddress
  let destination: IPAddress
  let hopLimit: UInt8
  let trafficClass: UInt8
  let protocolNumber: UInt8
  /// Where the octet is that says so.
  let protocolPlace: Int
  /// What the last header says is behind it.
  let transport: Bytes
  let isFragment: Bool
  let isFirstFragment: Bool
  /// Only IPv4 has a checksum here.
  let isHeaderSound: Bool

  init?(_ bytes: Bytes) {
    guard bytes.count > 0 else { return nil }
    if bytes.uint8(at: 0) >> 4 == 6 {
      guard let header = IPv6View(bytes) else { return nil }
      self.init(header)
    } else {
      guard let header = IPv4View(bytes) else { return nil }
      self.init(header)
    }
  }

  private init(_ header: IPv4View) {
    bytes = header.bytes.prefix(header.totalLength)
    isWhole = bytes.count == header.totalLength
    isIPv6 = false
    source = .v4(IPv4Address(header.source))
    destination = .v4(IPv4Address(header.destination))
    hopLimit = header.timeToLive
    trafficClass = header.trafficClass
    protocolNumber = header.protocolNumber
    protocolPlace = 9
    transport = header.payload
    isFragment = header.isFragment
    isFirstFragment = header.fragmentOffset == 0
    isHeaderSound = InternetChecksum.fold(InternetChecksum.sum(header.bytes.prefix(header.headerLength))) == 0
  }

  private init?(_ header: IPv6View) {
    let chain = IPv6Chain(header)
    guard !chain.isBroken else { return nil }
    bytes = header.bytes.prefix(IPv6View.length + header.payload.count)
    isWhole = header.payloadLength == 0 || header.payload.count == header.payloadLength
    isIPv6 = true
    source = .v6(header.source)
    destination = .v6(header.destination)
    hopLimit = header.hopLimit
    trafficClass = header.trafficClass
    protocolNumber = chain.protocolNumber
    protocolPlace = Self.lastNextHeader(bytes, before: chain.offset)
    transport = bytes.dropFirst(chain.offset)
    isFragment = chain.isFragment
    isFirstFragment = chain.isFirstFragment
    isHeaderSound = true
  }

  /// Where the last next-header field of a sound chain is.
  private static func lastNextHeader(_ bytes: Bytes, before end: Int) -> Int {
    var place = 6
    var at = IPv6View.length
    while at < end {
      let type = bytes.uint8(at: place)
      place = at
      let length = Int(bytes.uint8(at: at + 1))
      switch type {
      case IPProtocol.ah: at += (length + 2) * 4
      case IPProtocol.fragment: at += 8
      default: at += (length + 1) * 8
      }
    }
    return place
  }

  /// What must never be answered with an error. A message cut too short to tell is taken for one.
  var isICMPError: Bool {
    if isIPv6 {
      guard protocolNumber == IPProtocol.icmpv6 else { return false }
      return transport.count < 1 || transport.uint8(at: 0) < 128 || transport.uint8(at: 0) == ICMPView.redirect6
    }
    guard protocolNumber == IPProtocol.icmp else { return false }
    return ICMPView(transport)?.isIPv4Error ?? true
  }
}

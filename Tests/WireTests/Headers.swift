import PacketMaking
import Testing
import Wire

/// The octets as the views take them, in a block of exactly that size.
func withBytes<Result>(_ octets: [UInt8], _ body: (Bytes) throws -> Result) rethrows -> Result {
  try withExactBytes(octets) { try body(Bytes($0)) }
}

func octets(_ bytes: Bytes) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
}

/// A header in its shortest sound form, and a function that calls every accessor of its view.
struct HeaderKind: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let shortest: [UInt8]
  /// Nil when the view refuses the bytes; otherwise made of all accessors, so that none is optimised away.
  let digest: @Sendable (Bytes) -> UInt64?

  static let all: [HeaderKind] = [
    HeaderKind(testDescription: "Ethernet", shortest: ethernet(.ipv4), digest: digestEthernet),
    HeaderKind(testDescription: "VLAN tag", shortest: vlan(7, .ipv4), digest: digestTag),
    HeaderKind(testDescription: "ARP", shortest: arp(), digest: digestARP),
    HeaderKind(testDescription: "IPv4", shortest: ipv4(.udp), digest: digestIPv4),
    HeaderKind(
      testDescription: "IPv4, all options", shortest: ipv4(.udp, options: noOperations(40)),
      digest: digestIPv4),
    HeaderKind(testDescription: "IPv6", shortest: ipv6(.udp), digest: digestIPv6),
    HeaderKind(testDescription: "UDP", shortest: udp(), digest: digestUDP),
    HeaderKind(testDescription: "TCP", shortest: tcp(), digest: digestTCP),
    HeaderKind(
      testDescription: "TCP, all options", shortest: tcp(options: noOperations(40)), digest: digestTCP),
    HeaderKind(testDescription: "ports", shortest: Array(udp().prefix(4)), digest: digestPorts),
    HeaderKind(testDescription: "ICMP", shortest: icmp(type: 8), digest: digestICMP),
    HeaderKind(testDescription: "ESP", shortest: esp(), digest: digestESP),
    HeaderKind(testDescription: "IKE", shortest: ike(), digest: digestIKE),
    HeaderKind(testDescription: "L2TP", shortest: l2tp(tunnel: 1, session: 2), digest: digestL2TP),
    HeaderKind(
      testDescription: "L2TP with a length", shortest: l2tp(tunnel: 1, session: 2, hasLength: true),
      digest: digestL2TP),
    HeaderKind(testDescription: "GRE", shortest: gre(.ipv4), digest: digestGRE),
    HeaderKind(
      testDescription: "GRE, all fields", shortest: gre(.ipv4, checksum: 1, key: 2, sequence: 3),
      digest: digestGRE),
  ]
}

extension HeaderKind {
  /// A view that is already there, with another header.
  private var isVariant: Bool {
    testDescription.contains(",") || testDescription.contains("with")
  }

  /// Every view once.
  static let distinct = all.filter { !$0.isVariant }
}

func noOperations(_ count: Int) -> [UInt8] { [UInt8](repeating: 1, count: count) }

/// Reads the first and the last octet of a run: whatever it says is there has to be.
private func ends(_ bytes: Bytes) -> UInt64 {
  guard bytes.count > 0 else { return 0 }
  return UInt64(bytes.count) &+ UInt64(bytes.uint8(at: 0)) &+ UInt64(bytes.uint8(at: bytes.count - 1))
}

private func digestEthernet(_ bytes: Bytes) -> UInt64? {
  EthernetView(bytes).map { $0.destination.value &+ $0.source.value &+ UInt64($0.type) }
}

private func digestTag(_ bytes: Bytes) -> UInt64? {
  VLANTagView(bytes).map { UInt64($0.identifier) &+ UInt64($0.priority) &+ UInt64($0.type) }
}

private func digestARP(_ bytes: Bytes) -> UInt64? {
  ARPView(bytes).map {
    UInt64($0.operation) &+ $0.senderMAC.value &+ UInt64($0.sender.value) &+ $0.targetMAC.value
      &+ UInt64($0.target.value)
  }
}

private func digestIPv4(_ bytes: Bytes) -> UInt64? {
  guard let view = IPv4View(bytes) else { return nil }
  let lengths = UInt64(view.headerLength &+ view.totalLength &+ view.fragmentOffset)
  let flags = [view.dontFragment, view.moreFragments, view.isFragment].count(where: \.self)
  let octets = UInt64(view.trafficClass) &+ UInt64(view.timeToLive) &+ UInt64(view.protocolNumber)
  return lengths &+ UInt64(flags) &+ octets &+ UInt64(view.identification) &+ UInt64(view.source)
    &+ UInt64(view.destination) &+ ends(view.options) &+ ends(view.payload)
}

private func digestIPv6(_ bytes: Bytes) -> UInt64? {
  guard let view = IPv6View(bytes) else { return nil }
  let chain = IPv6Chain(view)
  let fields = UInt64(view.trafficClass) &+ UInt64(view.flowLabel) &+ UInt64(view.payloadLength)
  let addresses =
    view.source.high &+ view.source.low &+ view.destination.high &+ view.destination.low
  let walked = UInt64(chain.offset &+ chain.headers) &+ UInt64(chain.protocolNumber)
  return fields &+ addresses &+ walked &+ UInt64(view.nextHeader) &+ UInt64(view.hopLimit)
    &+ ends(view.payload) &+ ends(bytes.dropFirst(chain.offset))
}

private func digestUDP(_ bytes: Bytes) -> UInt64? {
  UDPView(bytes).map {
    UInt64($0.sourcePort) &+ UInt64($0.destinationPort) &+ UInt64($0.datagramLength) &+ ends($0.payload)
  }
}

private func digestTCP(_ bytes: Bytes) -> UInt64? {
  guard let view = TCPView(bytes) else { return nil }
  let numbers = UInt64(view.sequence) &+ UInt64(view.acknowledgement) &+ UInt64(view.window)
  let ports = UInt64(view.sourcePort) &+ UInt64(view.destinationPort)
  return numbers &+ ports &+ UInt64(view.headerLength) &+ UInt64(view.flags) &+ ends(view.payload)
}

private func digestPorts(_ bytes: Bytes) -> UInt64? {
  PortsView(bytes).map { UInt64($0.source) &+ UInt64($0.destination) }
}

private func digestICMP(_ bytes: Bytes) -> UInt64? {
  ICMPView(bytes).map {
    UInt64($0.type) &+ UInt64($0.code) &+ ($0.isIPv4Error ? 1 : 0) &+ ($0.isIPv6Error ? 2 : 0)
      &+ ends($0.quoted)
  }
}

private func digestESP(_ bytes: Bytes) -> UInt64? {
  ESPView(bytes).map { UInt64($0.spi) &+ UInt64($0.sequence) &+ ends($0.body) }
}

private func digestIKE(_ bytes: Bytes) -> UInt64? {
  IKEView(bytes).map { $0.initiatorSPI &+ $0.responderSPI }
}

private func digestL2TP(_ bytes: Bytes) -> UInt64? {
  L2TPView(bytes).map { ($0.isControl ? 1 : 0) &+ UInt64($0.tunnel) &+ UInt64($0.session) }
}

private func digestGRE(_ bytes: Bytes) -> UInt64? {
  guard let view = GREView(bytes) else { return nil }
  let flags = [view.hasChecksum, view.hasKey, view.hasSequence].count(where: \.self)
  return UInt64(flags) &+ UInt64(view.type) &+ UInt64(view.key ?? 0) &+ ends(view.payload)
}

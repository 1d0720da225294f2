import PacketMaking
import Testing
import Wire

/// What a header's value writes into exactly `count` octets, all of which it has to set.
private func written(_ count: Int, _ body: (WritableBytes) -> Void) -> [UInt8] {
  var octets = [UInt8](repeating: 0xee, count: count)
  octets.withUnsafeMutableBytes { body(WritableBytes($0.baseAddress!, count: count)) }
  return octets
}

private let aliceMAC = MACAddress(Host.aliceMAC)!
private let bobMAC = MACAddress(Host.bobMAC)!
private let alice = IPv4Address(Host.alice)!
private let bob = IPv4Address(Host.bob)!
private let alice6 = IPv6Address(Host.alice6)!
private let bob6 = IPv6Address(Host.bob6)!

@Suite("Headers are written as the tests' own makers write them")
struct WritingTests {
  @Test("Ethernet, with a tag and without")
  func ethernetHeader() {
    let plain = EthernetHeader(to: bobMAC, from: aliceMAC, type: EtherType.arp)
    #expect(written(plain.length) { plain.write(to: $0) } == ethernet(.arp))
    let inVLAN = EthernetHeader(to: bobMAC, from: aliceMAC, vlan: 7, type: EtherType.ipv6)
    #expect(written(inVLAN.length) { inVLAN.write(to: $0) } == ethernet(.vlan, vlan(7, .ipv6)))
  }

  @Test("ARP")
  func arpMessage() {
    let request = ARPMessage(ARPMessage.request, senderMAC: aliceMAC, sender: alice, target: bob)
    #expect(written(28) { request.write(to: $0) } == arp())
    let reply = ARPMessage(ARPMessage.reply, senderMAC: aliceMAC, sender: alice, targetMAC: bobMAC, target: bob)
    #expect(written(28) { reply.write(to: $0) } == arp(2, targetMAC: Host.bobMAC))
  }

  @Test("IPv4 with its checksum, and IPv6")
  func ipHeaders() {
    let header = IPv4Header(from: alice, to: bob, 17, totalLength: 20, identification: 0x1234, trafficClass: 0xc0)
    #expect(written(20) { header.write(to: $0) } == ipv4(.udp, trafficClass: 0xc0))
    let header6 = IPv6Header(from: alice6, to: bob6, 17, payloadLength: 9, trafficClass: 0xc0, hopLimit: 255)
    #expect(
      written(40) { header6.write(to: $0) } == ipv6(.udp, trafficClass: 0xc0, hopLimit: 255, payloadLength: 9))
  }

  @Test("ICMP with its checksum over what follows, of even and odd length", arguments: 0...5)
  func icmpHeader(_ length: Int) {
    let payload = Array("hello".utf8.prefix(length))
    let message = written(8 + length) { bytes in
      withBytes(payload) { bytes.copy($0, at: 8) }
      ICMPHeader(type: 8, code: 0, rest: 0x0001_0002).write(to: bytes)
    }
    #expect(message == icmp(type: 8, rest: 0x0001_0002, payload))
    withBytes(message) { #expect(ICMPView($0)?.isSound() == true && ICMPView($0)?.rest == 0x0001_0002) }
    var changed = message
    changed[4] ^= 1
    withBytes(changed) { #expect(ICMPView($0)?.isSound() == false) }
  }

  @Test("A solicitation that an analyser finds right")
  func solicitation() {
    // fe80::1 asks for fe80::2, with its MAC address; the checksum by hand.
    let message = NeighbourMessage(solicit: IPv6Address("fe80::2")!, linkAddress: aliceMAC)
    let pseudo = InternetChecksum.pseudo(from: alice6, to: bob6, 58, length: 32)
    let octets = written(message.length) { message.write(to: $0, pseudo: pseudo) }
    var expected = [135, 0, 0, 0, 0, 0, 0, 0] + address("fe80::2") + [1, 1] + address(Host.aliceMAC)
    let sum = checksum(address(Host.alice6) + address(Host.bob6) + big(UInt32(32)) + big(UInt32(58)) + expected)
    expected.replaceSubrange(2..<4, with: big(sum))
    #expect(octets == expected)
    withBytes(octets) { bytes in
      let view = NeighbourView(bytes)
      #expect(view?.isSolicitation == true && view?.target == IPv6Address("fe80::2"))
      #expect(view?.linkAddress == aliceMAC)
      #expect(ICMPView(bytes)?.isSound(pseudo: pseudo) == true)
    }
  }

  @Test("The three flags of an advertisement, and the target's address", arguments: UInt8(0)..<8)
  func advertisement(_ bits: UInt8) {
    let message = NeighbourMessage(advertise: alice6, linkAddress: bobMAC, flags: bits << 5)
    withBytes(written(message.length) { message.write(to: $0, pseudo: 0) }) { bytes in
      let view = NeighbourView(bytes)
      #expect(view?.isSolicitation == false && view?.target == alice6 && view?.linkAddress == bobMAC)
      #expect(view?.isRouter == (bits & 4 != 0))
      #expect(view?.isSolicited == (bits & 2 != 0))
      #expect(view?.overrides == (bits & 1 != 0))
    }
  }

  @Test("Options without a length or past the end are refused; unknown ones are passed")
  func options() {
    let message: [UInt8] = [135, 0, 0, 0, 0, 0, 0, 0] + address(Host.alice6)
    let link: [UInt8] = [1, 1] + address(Host.bobMAC)
    let nonce: [UInt8] = [14, 1, 1, 2, 3, 4, 5, 6]
    func found(_ octets: [UInt8]) -> MACAddress?? { withBytes(octets) { NeighbourView($0).map(\.linkAddress) } }
    #expect(found(message) == .some(nil))
    #expect(found(message + nonce + link) == bobMAC)
    #expect(found(message + [2, 1] + address(Host.bobMAC)) == .some(nil))
    #expect(found(message + [1, 0] + address(Host.bobMAC)) == .none)
    #expect(found(message + [14, 2] + address(Host.bobMAC)) == .none)
    #expect(found(message + link + [1]) == .none)
    #expect(found(Array(message.dropLast())) == .none)
    #expect(found([135, 1] + message.dropFirst(2)) == .none)
    #expect(found([134] + message.dropFirst()) == .none)
  }
}

@Suite("What an address is by its form")
struct AddressKindTests {
  @Test("Groups, and where their frames go")
  func groups() {
    let address = IPv6Address("2001:db8::12:3456")!
    #expect(address.solicitedNode == IPv6Address("ff02::1:ff12:3456"))
    #expect(MACAddress(group: address.solicitedNode) == MACAddress("33:33:ff:12:34:56"))
    #expect(MACAddress(group: .allNodes) == MACAddress("33:33:00:00:00:01"))
    #expect(IPv6Address.allNodes == IPv6Address("ff02::1") && IPv6Address.allNodes.isMulticast)
  }

  @Test("A link-local address is made of the MAC address")
  func linkLocal() {
    #expect(IPv6Address(linkLocal: MACAddress("00:00:5e:00:53:0a")!) == IPv6Address("fe80::200:5eff:fe00:530a"))
    #expect(IPv6Address(linkLocal: MACAddress("fe:ff:ff:ff:ff:ff")!) == IPv6Address("fe80::fcff:ffff:feff:ffff"))
    #expect(IPv6Address("fe80::1")!.isLinkLocal && IPv6Address("febf::1")!.isLinkLocal)
    #expect(!IPv6Address("fec0::1")!.isLinkLocal && !IPv6Address("2001:db8::1")!.isLinkLocal)
  }

  @Test(
    "What no single host has",
    arguments: [
      "0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.9.9.9", "240.0.0.1", "255.255.255.255", "::", "::1",
      "ff02::1",
    ])
  func noHost(_ text: String) { #expect(!IPAddress(text)!.isHost) }

  @Test(
    "What a host has",
    arguments: ["1.0.0.1", "10.0.0.1", "126.1.1.1", "223.255.255.254", "fe80::1", "::2", "2001:db8::1"])
  func host(_ text: String) { #expect(IPAddress(text)!.isHost) }

  @Test("A network's own address and its broadcast mean many hosts, where there is room for them")
  func broadcasts() {
    let network = IPPrefix("192.0.2.64/26")!
    #expect(network.isBroadcast(IPAddress("192.0.2.127")!) && network.isBroadcast(IPAddress("192.0.2.64")!))
    #expect(!network.isBroadcast(IPAddress("192.0.2.65")!) && !network.isBroadcast(IPAddress("192.0.2.255")!))
    #expect(!IPPrefix("192.0.2.64/31")!.isBroadcast(IPAddress("192.0.2.65")!))
    #expect(!IPPrefix("2001:db8::/64")!.isBroadcast(IPAddress("2001:db8::")!))
    #expect(IPPrefix("0.0.0.0/0")!.contains(IPAddress("9.9.9.9")!))
    #expect(!IPPrefix("0.0.0.0/0")!.contains(IPAddress("::1")!))
    #expect(IPPrefix("2001:db8:0:1::/64")!.contains(IPAddress("2001:db8:0:1::9")!))
    #expect(!IPPrefix("2001:db8:0:1::/64")!.contains(IPAddress("2001:db8:0:2::9")!))
    #expect(IPPrefix("2001:db8::8/125")!.contains(IPAddress("2001:db8::f")!))
    #expect(!IPPrefix("2001:db8::8/125")!.contains(IPAddress("2001:db8::10")!))
  }
}

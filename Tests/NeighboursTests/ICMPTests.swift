import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Why a packet went no further")
struct ICMPErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let cause: Punt
    var mtu = 0
    /// Type, code and the last word of the header.
    let v4: (UInt8, UInt8, UInt32)
    let v6: (UInt8, UInt8, UInt32)
    let sent: Sent
  }

  static let cases = [
    Case(testDescription: "hop limit", cause: .hopLimit, v4: (11, 0, 0), v6: (3, 0, 0), sent: .timeExceeded),
    Case(testDescription: "no route", cause: .noRoute, v4: (3, 0, 0), v6: (1, 0, 0), sent: .noRoute),
    Case(testDescription: "prohibited", cause: .prohibited, v4: (3, 13, 0), v6: (1, 1, 0), sent: .prohibited),
    Case(testDescription: "too big", cause: .tooBig, mtu: 1400, v4: (3, 4, 1400), v6: (2, 0, 1400), sent: .tooBig),
    Case(
      testDescription: "too big for little", cause: .tooBig, mtu: 0, v4: (3, 4, 68), v6: (2, 0, 1280), sent: .tooBig),
    Case(
      testDescription: "too big for much", cause: .tooBig, mtu: 1 << 20, v4: (3, 4, 65535), v6: (2, 0, 65535),
      sent: .tooBig),
  ]

  @Test("IPv4: the whole answer, octet by octet, to him who brought the packet", arguments: cases)
  func v4(_ `case`: Case) throws {
    var gateway = Gateway()
    let culprit = ipv4(.udp, udp(text("hello")))
    let directives = gateway.receive(from(culprit), `case`.cause, mtu: `case`.mtu)
    let frame = try #require(directives.frames.first)
    let (type, code, rest) = `case`.v4
    let answer = ipv4(
      .icmp, from: Gateway.inside4, to: Host.alice, trafficClass: 0xc0,
      identification: UInt16(frame[18]) << 8 | UInt16(frame[19]),
      icmp(type: type, code: code, rest: rest, culprit))
    #expect(frame == padded(from(Gateway.insideMAC, to: Gateway.router, answer)))
    #expect(directives.count == 1)
    #expect(gateway.snapshot[`case`.sent] == 1 && gateway.snapshot[.answered] == 1)
  }

  @Test("IPv6: the same", arguments: cases)
  func v6(_ `case`: Case) {
    var gateway = Gateway()
    let culprit = ipv6(.udp, udp(text("hello")))
    let (type, code, rest) = `case`.v6
    var answer = icmp6([type, code, 0, 0] + big(rest) + culprit, from: Gateway.inside6, to: Host.alice6)
    answer[0] = 0x6c
    #expect(
      gateway.receive(from(culprit), `case`.cause, mtu: `case`.mtu) == [
        .send(frame: from(Gateway.insideMAC, to: Gateway.router, answer), interface: 0)
      ])
  }

  @Test("In a VLAN the answer is tagged")
  func tagged() {
    var gateway = Gateway()
    let culprit = ipv4(.udp, from: "203.0.113.9")
    let frame = ethernet(.vlan, to: Gateway.outsideMAC, from: Gateway.router, vlan(7, .ipv4, culprit))
    let answer = gateway.receive(frame, .hopLimit, on: Gateway.tagged).frames.first
    #expect(
      answer.map { Array($0.prefix(18)) }
        == ethernet(.vlan, to: Gateway.router, from: Gateway.outsideMAC, vlan(7, .ipv4)))
  }

  @Test("What came out of a tunnel is answered into the tunnel", arguments: cases)
  func opened(_ `case`: Case) {
    var gateway = Gateway()
    // The link header may say anything, even that we sent it.
    let frame = from(Gateway.insideMAC, to: "ff:ff:ff:ff:ff:ff", ipv4(.udp))
    let directives = gateway.receive(frame, `case`.cause, mtu: `case`.mtu, isOpened: true)
    guard case .route(let packet) = directives.first else {
      Issue.record("not routed: \(directives)")
      return
    }
    #expect(Array(packet[20...]) == icmp(type: `case`.v4.0, code: `case`.v4.1, rest: `case`.v4.2, ipv4(.udp)))
  }

  @Test(
    "No more is quoted than 576 octets hold, and 1280 with IPv6", arguments: [0, 519, 520, 521, 1203, 1204, 1205, 1400])
  func quotes(_ length: Int) {
    var gateway = Gateway()
    let octets = [UInt8](repeating: 0x5a, count: length)
    let packet = ipv4(.udp, udp(octets))
    let frame = gateway.receive(from(packet), .hopLimit).frames[0]
    #expect(Array(frame[42...].prefix(28 + length)) == Array(packet.prefix(548)))
    #expect(frame.count == max(60, 14 + min(576, 28 + packet.count)))
    #expect(checksum(Array(frame[34..<(14 + min(576, 28 + packet.count))])) == 0)
    let packet6 = ipv6(.udp, udp(octets))
    let frame6 = gateway.receive(from(packet6), .hopLimit).frames[0]
    #expect(Array(frame6[62...]) == Array(packet6.prefix(1232)))
  }

  @Test("What fills a frame up is not quoted, and a packet that is shorter than it says is quoted as it is")
  func filling() {
    var gateway = Gateway()
    let packet = ipv4(.udp, udp(text("0123456789abcdef0123456789abcdef")))
    let answer = gateway.receive(from(packet + [9, 9, 9]), .hopLimit).frames[0]
    #expect(Array(answer[42...]) == packet)
    let cut = gateway.receive(from(Array(packet.dropLast(4))), .hopLimit).frames[0]
    #expect(Array(cut[42...]) == packet.dropLast(4))
  }

  @Test("A first fragment is answered")
  func firstFragment() {
    var gateway = Gateway()
    #expect(gateway.receive(from(ipv4(.udp, moreFragments: true, udp())), .hopLimit).frames.count == 1)
    #expect(gateway.receive(from(ipv6(.fragment, fragment(.udp, more: true, udp()))), .hopLimit).frames.count == 1)
  }

  @Test("To whom a tunnel's packet was too big, though it went to a group, is told: IPv6 has nobody else to tell him")
  func groupTooBig() {
    var gateway = Gateway()
    let packet = ipv6(.udp, to: "ff0e::9", udp())
    let frame = from(to: "33:33:00:00:00:09", packet)
    #expect(gateway.receive(frame, .tooBig, mtu: 1300).frames.count == 1)
    #expect(gateway.silentFate(frame, .hopLimit) == .linkBroadcast)
    #expect(gateway.silentFate(from(packet), .noRoute) == .groupDestination)
    #expect(gateway.silentFate(from(to: "01:00:5e:00:00:09", ipv4(.udp, to: "224.0.0.9")), .tooBig) == .linkBroadcast)
  }
}

@Suite("What is never answered with an error")
struct ICMPSilenceTests {
  private static let causes: [Punt] = [.hopLimit, .noRoute, .prohibited, .tooBig]

  @Test("ICMP errors, IPv4", arguments: [3, 4, 5, 11, 12] as [UInt8], causes)
  func errors(_ type: UInt8, _ cause: Punt) {
    var gateway = Gateway()
    let packet = ipv4(.icmp, icmpError(type: type, quoting: ipv4(.udp)))
    #expect(gateway.silentFate(from(packet), cause) == .icmpError)
  }

  @Test(
    "ICMP errors, IPv6, known and unknown, and redirects", arguments: [0, 1, 2, 3, 4, 100, 127, 137] as [UInt8], causes)
  func errors6(_ type: UInt8, _ cause: Punt) {
    var gateway = Gateway()
    let packet = icmp6([type, 0, 0, 0, 0, 0, 0, 0], from: Host.alice6, to: Host.bob6)
    #expect(gateway.silentFate(from(packet), cause) == .icmpError)
  }

  @Test("ICMP that is cut before it says what it is; behind extension headers too")
  func cut() {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(.icmp, [8, 0, 0])), .hopLimit) == .icmpError)
    #expect(gateway.silentFate(from(ipv6(.icmpv6)), .hopLimit) == .icmpError)
    let behind = ipv6(
      .hopByHop, extensionHeader(.destinationOptions, extensionHeader(.icmpv6, [1, 0, 0, 0, 0, 0, 0, 0])))
    #expect(gateway.silentFate(from(behind), .hopLimit) == .icmpError)
  }

  @Test("A ping that goes no further is answered, though: it is no error", arguments: causes)
  func pings(_ cause: Punt) {
    var gateway = Gateway()
    #expect(gateway.fate(from(ipv4(.icmp, icmp(type: 8))), cause) == .answered)
    #expect(
      gateway.fate(from(icmp6([128, 0, 0, 0, 0, 0, 0, 0], from: Host.alice6, to: Host.bob6)), cause) == .answered)
  }

  @Test("Fragments other than the first", arguments: causes)
  func fragments(_ cause: Punt) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(.udp, fragmentOffset: 1, [1, 2])), cause) == .fragment)
    #expect(gateway.silentFate(from(ipv4(.udp, moreFragments: true, fragmentOffset: 9, [1])), cause) == .fragment)
    let packet = ipv6(.fragment, fragment(.udp, offset: 1, more: false, [1, 2]))
    #expect(gateway.silentFate(from(packet), cause) == .fragment)
  }

  @Test("What was sent to all on the link, or to a group", arguments: ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"])
  func linkGroups(_ destination: String) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(to: destination, ipv4(.udp)), .hopLimit) == .linkBroadcast)
    #expect(gateway.silentFate(from(to: destination, ipv6(.udp)), .hopLimit) == .linkBroadcast)
  }

  @Test(
    "What goes to many, or to nobody",
    arguments: [
      "224.0.0.1", "239.1.2.3", "255.255.255.255", "192.0.2.255", "198.51.100.255", "198.51.100.0", "127.0.0.1",
      "0.0.0.0", "240.0.0.1",
    ])
  func destinations(_ destination: String) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(.udp, to: destination)), .noRoute) == .groupDestination)
  }

  @Test(
    "What comes from many, from nobody, or from us",
    arguments: [
      "224.0.0.1", "255.255.255.255", "192.0.2.255", "198.51.100.255", "192.0.2.0", "127.0.0.1", "0.0.0.0", "0.1.2.3",
      "240.0.0.1", Gateway.inside4, Gateway.outside4,
    ])
  func sources(_ source: String) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(.udp, from: source)), .hopLimit) == .noHost)
    #expect(gateway.silentFate(from(ipv4(.icmp, from: source, to: Gateway.inside4, icmp(type: 8))), .forUs) == .noHost)
  }

  @Test("The same for IPv6", arguments: ["::", "::1", "ff02::1", "ff0e::1", Gateway.inside6, Gateway.insideLinkLocal])
  func sources6(_ source: String) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv6(.udp, from: source)), .hopLimit) == .noHost)
    let ping = icmp6([128, 0, 0, 0, 0, 0, 0, 0], from: source, to: Gateway.inside6)
    #expect(gateway.silentFate(from(ping), .forUs) == .noHost)
  }

  @Test("A link-local sender is answered on his link, and nowhere else")
  func linkLocal() {
    var gateway = Gateway()
    let packet = ipv6(.udp, from: "fe80::9")
    let answer = gateway.receive(from(packet), .hopLimit).frames.first
    #expect(answer.map { Array($0[22..<38]) } == address(Gateway.insideLinkLocal))
    #expect(gateway.silentFate(from(packet), .hopLimit, isOpened: true) == .noHost)
  }

  @Test("Broken headers")
  func broken() {
    var gateway = Gateway()
    var packet = ipv4(.udp)
    packet[8] ^= 1
    #expect(gateway.silentFate(from(packet), .hopLimit) == .checksum)
    #expect(gateway.silentFate(from(Array(packet.prefix(19))), .hopLimit) == .malformed)
    #expect(gateway.silentFate(from(Array(ipv6(.udp).prefix(39))), .hopLimit) == .malformed)
    #expect(gateway.silentFate(from(ipv6(.hopByHop, [58])), .hopLimit) == .malformed)
    #expect(gateway.silentFate(ethernet(.ipv6, from: Gateway.router, ipv4(.udp)), .hopLimit) == .malformed)
    #expect(gateway.silentFate(ethernet(0x88b5, from: Gateway.router, ipv4(.udp)), .hopLimit) == .unsupported)
    #expect(gateway.silentFate(from("01:00:00:00:00:01", ipv4(.udp)), .hopLimit) == .groupSender)
    #expect(gateway.silentFate(from(Gateway.insideMAC, ipv4(.udp)), .hopLimit) == .looped)
  }

  @Test("Where we have no address of the family there is nobody to answer, unless another interface has one")
  func addresses() {
    var gateway = Gateway()
    // The VLAN has no IPv6; the inside has.
    let answer = gateway.receive(
      ethernet(.vlan, from: Gateway.router, vlan(7, .ipv6, ipv6(.udp, from: "2001:db8:9::9"))), .hopLimit,
      on: Gateway.tagged)
    #expect(answer.frames.first.map { Array($0[26..<42]) } == address(Gateway.inside6))
    var bare = SlowPath([InterfaceDescription(side: .inside)], inside: MACAddress(1), outside: MACAddress(2), seed: 1)
    #expect(bare.receive(from(ipv4(.udp)), interface: 0, cause: .hopLimit, now: 0).isEmpty)
    #expect(bare.snapshot(now: 0)[.noOwnAddress] == 1)
  }
}

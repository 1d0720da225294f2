import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Packets to ourselves")
struct ForUsTests {
  private func ping(_ length: Int, from source: String = Host.alice, to destination: String = Gateway.inside4)
    -> [UInt8]
  {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    if source.contains(":") {
      return icmp6([128, 0, 0, 0] + big(UInt32(0x0102_0003)) + payload, from: source, to: destination)
    }
    return ipv4(.icmp, from: source, to: destination, trafficClass: 0x28, icmp(type: 8, rest: 0x0102_0003, payload))
  }

  @Test("A ping is answered with its own octets, of even and odd length", arguments: [0, 1, 56, 57, 1471, 1472])
  func echo(_ length: Int) throws {
    var gateway = Gateway()
    let directives = gateway.receive(from(Host.aliceMAC, ping(length)), .forUs)
    let frame = try #require(directives.frames.first)
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let answer = ipv4(
      .icmp, from: Gateway.inside4, to: Host.alice, trafficClass: 0x28,
      identification: UInt16(frame[18]) << 8 | UInt16(frame[19]), icmp(type: 0, rest: 0x0102_0003, payload))
    let isSame = frame == padded(from(Gateway.insideMAC, to: Host.aliceMAC, answer))
    #expect(isSame && directives.count == 1)
    #expect(gateway.snapshot[.echoReply] == 1)
  }

  @Test("The same with IPv6, also by the link-local address", arguments: [0, 1, 56, 1452])
  func echo6(_ length: Int) {
    var gateway = Gateway()
    for (source, destination) in [(Host.alice6, Gateway.inside6), ("fe80::9", Gateway.insideLinkLocal)] {
      let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
      let answer = icmp6([129, 0, 0, 0] + big(UInt32(0x0102_0003)) + payload, from: destination, to: source)
      let directives = gateway.receive(from(Host.aliceMAC, ping(length, from: source, to: destination)), .forUs)
      let isSame =
        directives == [
          .send(frame: padded(from(Gateway.insideMAC, to: Host.aliceMAC, answer)), interface: 0)
        ]
      #expect(isSame)
    }
  }

  @Test("Any of our addresses answers, whichever side the ping comes from; a link-local one on its own link only")
  func anyAddress() {
    var gateway = Gateway()
    for destination in [Gateway.outside4, Gateway.tagged4] {
      let answer = gateway.receive(from(ping(4, to: destination)), .forUs).frames.first
      #expect(answer.map { Array($0[26..<30]) } == address(destination))
    }
    #expect(gateway.silentFate(from(ping(4, from: Host.alice6, to: "fe80::200:5eff:fe00:5302")), .forUs) == .foreign)
  }

  @Test("A ping out of a tunnel is answered into the tunnel")
  func opened() {
    var gateway = Gateway()
    guard case .route(let packet) = gateway.receive(from(ping(8)), .forUs, isOpened: true).first else {
      Issue.record("not routed")
      return
    }
    #expect(Array(packet[12..<20]) == address(Gateway.inside4) + address(Host.alice))
    #expect(packet[20] == 0 && packet.count == 36)
  }

  @Test("What another member has passed on is answered by the routes, and not to that member")
  func passedOn() {
    var gateway = Gateway()
    guard case .forward(let packet) = gateway.receive(from(ping(8)), .forUs, isPassedOn: true).first else {
      Issue.record("not by the routes")
      return
    }
    #expect(Array(packet[12..<20]) == address(Gateway.inside4) + address(Host.alice))
    #expect(packet[20] == 0 && packet.count == 36 && gateway.snapshot[.echoReply] == 1)
    // What came out of a tunnel goes back into it all the same.
    guard case .route = gateway.receive(from(ping(8)), .forUs, isOpened: true, isPassedOn: true).first else {
      Issue.record("not routed")
      return
    }
    // And a link-local address means somebody else behind every router.
    let near = ping(8, from: "fe80::9", to: Gateway.insideLinkLocal)
    #expect(gateway.receive(from(Host.aliceMAC, near), .forUs, isPassedOn: true).isEmpty)
    #expect(gateway.snapshot[.noHost] == 1)
  }

  @Test("Not answered: a wrong checksum, a fragment, a broadcast, a cut or too long one, another code")
  func refusedPings() {
    var gateway = Gateway()
    var wrong = ping(8)
    wrong[30] ^= 1
    #expect(gateway.silentFate(from(wrong), .forUs) == .checksum)
    var wrong6 = ping(8, from: Host.alice6, to: Gateway.inside6)
    wrong6[50] ^= 1
    #expect(gateway.silentFate(from(wrong6), .forUs) == .checksum)
    #expect(
      gateway.silentFate(from(ipv4(.icmp, to: Gateway.inside4, moreFragments: true, icmp(type: 8))), .forUs)
        == .fragment)
    let piece = ipv6(.fragment, to: Gateway.inside6, fragment(.icmpv6, more: true, [128, 0, 0, 0, 0, 0, 0, 0]))
    #expect(gateway.silentFate(from(piece), .forUs) == .fragment)
    #expect(gateway.silentFate(from(to: "ff:ff:ff:ff:ff:ff", ping(8)), .forUs) == .linkBroadcast)
    #expect(gateway.silentFate(from(Array(ping(8).dropLast())), .forUs) == .malformed)
    #expect(gateway.silentFate(from(ping(1473)), .forUs) == .tooLong)
    #expect(gateway.silentFate(from(ping(1453, from: Host.alice6, to: Gateway.inside6)), .forUs) == .tooLong)
    #expect(gateway.silentFate(from(ipv4(.icmp, to: Gateway.inside4, icmp(type: 8, code: 1))), .forUs) == .malformed)
    #expect(
      gateway.silentFate(from(to: "33:33:00:00:00:01", ping(8, from: Host.alice6, to: "ff02::1")), .forUs)
        == .linkBroadcast)
    #expect(gateway.silentFate(from(ping(8, from: Host.alice6, to: "ff02::1")), .forUs) == .groupDestination)
  }

  @Test("Not for us: another host, a broadcast, a group that we are not in")
  func foreign() {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ping(8, to: "192.0.2.77")), .forUs) == .foreign)
    #expect(gateway.silentFate(from(ping(8, to: "192.0.2.255")), .forUs) == .groupDestination)
    #expect(gateway.silentFate(from(ping(8, to: "224.0.0.1")), .forUs) == .groupDestination)
    #expect(gateway.silentFate(from(ping(8, from: Host.alice6, to: "ff02::1:ff00:77")), .forUs) == .groupDestination)
    #expect(gateway.silentFate(from(ipv6(.udp, to: "ff02::1", udp())), .forUs) == .groupDestination)
  }

  @Test("UDP and TCP find no port here, and never a reset", arguments: [NextHeader.udp, .tcp])
  func ports(_ layer: NextHeader) {
    var gateway = Gateway()
    let segment = layer == .udp ? udp(to: 53) : tcp(to: 22)
    let packet = ipv4(layer, to: Gateway.outside4, segment)
    let frames = gateway.receive(from(packet), .forUs).frames
    #expect(frames.count == 1)
    #expect(frames.first.map { Array($0[34..<(42 + packet.count)]) } == icmp(type: 3, code: 3, packet))
    // From the very address that was tried.
    #expect(frames.first.map { Array($0[26..<30]) } == address(Gateway.outside4))
    let packet6 = ipv6(layer, to: Gateway.inside6, segment)
    let frame6 = gateway.receive(from(packet6), .forUs).frames.first
    let answer = icmp6([1, 4, 0, 0, 0, 0, 0, 0] + packet6, from: Gateway.inside6, to: Host.alice6)
    #expect(frame6.map { Array($0[22...]) } == Array(answer[8...]))
  }

  @Test("Other protocols are refused by their number, IPv6 by the place where it stands")
  func protocols() {
    var gateway = Gateway()
    let packet = ipv4(.sctp, to: Gateway.inside4, [1, 2, 3, 4])
    let frame = gateway.receive(from(packet), .forUs).frames[0]
    #expect(Array(frame[34..<(42 + packet.count)]) == icmp(type: 3, code: 2, packet))
    let places: [([UInt8], UInt32)] = [
      (ipv6(.sctp, to: Gateway.inside6, [1, 2]), 6),
      (ipv6(.hopByHop, to: Gateway.inside6, extensionHeader(.sctp, units: 1, [1, 2])), 40),
      (
        ipv6(.hopByHop, to: Gateway.inside6, extensionHeader(.ah, units: 1, ah(.routing, extensionHeader(.gre, [1])))),
        80
      ),
    ]
    for (packet, place) in places {
      let frame = gateway.receive(from(packet), .forUs).frames[0]
      let answer = icmp6([4, 1, 0, 0] + big(place) + packet, from: Gateway.inside6, to: Host.alice6)
      #expect(Array(frame[22...]) == Array(answer[8...]), "\(place)")
    }
  }

  @Test("ESP, AH, IGMP and nothing at all are not answered", arguments: [NextHeader.esp, .ah, .none, 2])
  func silent(_ layer: NextHeader) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(layer, to: Gateway.inside4, esp())), .forUs) == .silent)
  }

  @Test("ICMP that is no question is not answered", arguments: [0, 9, 10, 13, 14, 15, 17, 30] as [UInt8])
  func otherICMP(_ type: UInt8) {
    var gateway = Gateway()
    #expect(gateway.silentFate(from(ipv4(.icmp, to: Gateway.inside4, icmp(type: type))), .forUs) == .silent)
  }

  @Test("Errors to us are not answered, nor is a broken packet for no port", arguments: [3, 11, 12] as [UInt8])
  func errors(_ type: UInt8) {
    var gateway = Gateway()
    let packet = ipv4(.icmp, to: Gateway.inside4, icmpError(type: type, quoting: ipv4(.udp)))
    #expect(gateway.silentFate(from(packet), .forUs) == .icmpError)
    #expect(gateway.silentFate(from(Array(ipv4(.udp, to: Gateway.inside4, udp()).dropLast())), .forUs) == .malformed)
  }
}

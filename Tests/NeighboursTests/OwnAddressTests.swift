import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Our own addresses: asked for, announced, defended")
struct OwnAddressTests {
  private static let broadcast = "ff:ff:ff:ff:ff:ff"
  private static let zeroMAC = "00:00:00:00:00:00"

  private func probe(_ target: String, from mac: String) -> [UInt8] {
    ethernet(.arp, to: Self.broadcast, from: mac, arp(sender: "0.0.0.0", senderMAC: mac, target: target))
  }

  private func announcement(_ address: String, from mac: String) -> [UInt8] {
    ethernet(.arp, to: Self.broadcast, from: mac, arp(sender: address, senderMAC: mac, target: address))
  }

  @Test("At a start an IPv4 address is probed three times and announced twice, at the times of RFC 5227")
  func startIPv4() throws {
    var gateway = Gateway(isSettled: false)
    let timeline = gateway.timeline(seconds: 20).filter {
      guard case .send(let frame, Gateway.inside) = $0.directive else { return false }
      return frame[12] == 0x08 && frame[13] == 0x06
    }
    try #require(timeline.count == 5)
    for at in 0..<3 {
      #expect(timeline[at].directive.frame == padded(probe(Gateway.inside4, from: Gateway.insideMAC)))
    }
    for at in 3..<5 {
      #expect(timeline[at].directive.frame == padded(announcement(Gateway.inside4, from: Gateway.insideMAC)))
    }
    let times = timeline.map(\.after)
    #expect((0..<1).contains(times[0]))
    #expect((1..<2).contains(times[1] - times[0]) && (1..<2).contains(times[2] - times[1]))
    #expect(abs(times[3] - times[2] - 2) < 0.001 && abs(times[4] - times[3] - 2) < 0.001)
  }

  @Test("At a start an IPv6 address is solicited once from nowhere, and advertised three times")
  func startIPv6() throws {
    var gateway = Gateway(isSettled: false)
    let group = "ff02::1:ff00:fe"
    let solicitation = ethernet(
      .ipv6, to: "33:33:ff:00:00:fe", from: Gateway.insideMAC,
      discovery(135, target: Gateway.inside6, from: "::", to: group))
    let advertisement = ethernet(
      .ipv6, to: "33:33:00:00:00:01", from: Gateway.insideMAC,
      discovery(
        136, target: Gateway.inside6, from: Gateway.inside6, to: "ff02::1", flags: 0xa0,
        options: linkOption(2, Gateway.insideMAC)))
    let timeline = gateway.timeline(seconds: 20).filter {
      $0.directive.frame == solicitation || $0.directive.frame == advertisement
    }
    try #require(timeline.count == 4)
    #expect(timeline[0].directive.frame == solicitation)
    for at in 1..<4 {
      #expect(timeline[at].directive.frame == advertisement)
      #expect(abs(timeline[at].after - timeline[at - 1].after - 1) < 0.001)
    }
  }

  @Test("Every address is told as ours, the link-local ones that are made of the MAC address too")
  func announced() {
    var gateway = Gateway(isSettled: false)
    let told = gateway.pass(seconds: 20).events
    let expected: [(Int, String)] = [
      (0, Gateway.inside4), (0, Gateway.inside6), (0, Gateway.insideLinkLocal), (1, Gateway.outside4),
      (1, Gateway.outside6), (1, "fe80::200:5eff:fe00:5302"), (2, Gateway.tagged4),
    ]
    #expect(told.count == expected.count)
    for (interface, address) in expected {
      #expect(told.contains(.announced(interface: interface, IPAddress(address)!)), "\(address)")
    }
    #expect(gateway.snapshot.ownAddresses.allSatisfy { $0.state == .ours })
    #expect(gateway.path.nextTimer == nil)
    #expect(gateway.pass(seconds: 100_000).isEmpty)
  }

  @Test("In a VLAN everything carries its tag")
  func taggedStart() {
    var gateway = Gateway(isSettled: false)
    let frames = gateway.pass(seconds: 20).sent(on: Gateway.tagged)
    #expect(frames.count == 5)
    let probe = ethernet(
      .vlan, to: Self.broadcast, from: Gateway.outsideMAC,
      vlan(
        7, .arp, arp(sender: "0.0.0.0", senderMAC: Gateway.outsideMAC, target: Gateway.tagged4)))
    #expect(frames.first == padded(probe))
  }

  @Test("An address is answered for while it is probed: nobody waits for us")
  func optimistic() {
    var gateway = Gateway(isSettled: false)
    let ask = ethernet(.arp, to: Self.broadcast, arp(target: Gateway.inside4))
    #expect(gateway.receive(ask, .notIP).frames.count == 1)
  }

  @Test("Who has an address before us keeps it; we ask again a minute later, and take it when he is gone")
  func takenIPv4() {
    var gateway = Gateway(isSettled: false)
    _ = gateway.pass(seconds: 1)
    let reply = ethernet(
      .arp, to: Gateway.insideMAC,
      arp(2, sender: Gateway.inside4, target: "0.0.0.0", targetMAC: Gateway.insideMAC))
    let told = gateway.receive(reply, .notIP)
    let event = SlowPathEvent.conflict(
      interface: 0, IPAddress(Gateway.inside4)!, with: MACAddress(Host.aliceMAC)!, isGivenUp: true)
    #expect(told == [.event(event)])
    let ask = ethernet(.arp, to: Self.broadcast, arp(target: Gateway.inside4))
    #expect(gateway.receive(ask, .notIP).isEmpty)
    #expect(gateway.snapshot.ownAddresses[0].state == .taken)
    let isARP = { (frame: [UInt8]) in frame[12] == 0x08 && frame[13] == 0x06 }
    #expect(!gateway.pass(seconds: 58).sent(on: 0).contains(where: isARP))
    let later = gateway.pass(seconds: 10)
    #expect(later.sent(on: 0).filter(isARP).count == 5)
    #expect(later.events == [.announced(interface: 0, IPAddress(Gateway.inside4)!)])
    #expect(gateway.receive(ask, .notIP).frames.count == 1)
  }

  @Test("Two that probe one address at a time: neither takes it")
  func probedTwice() {
    var gateway = Gateway(isSettled: false)
    #expect(gateway.receive(probe(Gateway.inside4, from: mac(9)), .notIP).events.count == 1)
    #expect(gateway.snapshot.ownAddresses[0].state == .taken)
    let solicitation = ethernet(
      .ipv6, to: "33:33:ff:00:00:fe", from: mac(9),
      discovery(135, target: Gateway.inside6, from: "::", to: "ff02::1:ff00:fe"))
    #expect(gateway.receive(solicitation, .forUs).events.count == 1)
    #expect(gateway.snapshot.ownAddresses[1].state == .taken)
  }

  @Test("An advertisement of an address that we try out takes it")
  func takenIPv6() {
    var gateway = Gateway(isSettled: false)
    let advertisement = ethernet(
      .ipv6, to: "33:33:00:00:00:01", from: mac(9),
      discovery(
        136, target: Gateway.inside6, from: Gateway.inside6, to: "ff02::1", flags: 0x20, options: linkOption(2, mac(9)))
    )
    #expect(gateway.receive(advertisement, .forUs).events.count == 1)
    #expect(gateway.snapshot.ownAddresses[1].state == .taken)
  }

  @Test("An established address is defended, at most once in ten seconds, and each claim is counted")
  func defendedIPv4() {
    var gateway = Gateway()
    let claim = announcement(Gateway.inside4, from: mac(9))
    let event = SlowPathEvent.conflict(
      interface: 0, IPAddress(Gateway.inside4)!, with: MACAddress(mac(9))!, isGivenUp: false)
    let defence = padded(announcement(Gateway.inside4, from: Gateway.insideMAC))
    #expect(gateway.receive(claim, .notIP) == [.send(frame: defence, interface: 0), .event(event)])
    for _ in 0..<9 {
      #expect(gateway.pass(seconds: 1).isEmpty)
      #expect(gateway.receive(claim, .notIP).isEmpty)
    }
    _ = gateway.pass(seconds: 1)
    #expect(gateway.receive(claim, .notIP).count == 2)
    #expect(gateway.snapshot[.conflict] == 11)
    #expect(gateway.snapshot.ownAddresses[0].conflicts == 11)
    #expect(gateway.neighbour(Gateway.inside4) == nil)
  }

  @Test("An established IPv6 address is defended with an advertisement to all")
  func defendedIPv6() {
    var gateway = Gateway()
    let claim = ethernet(
      .ipv6, to: "33:33:00:00:00:01", from: mac(9),
      discovery(
        136, target: Gateway.inside6, from: Gateway.inside6, to: "ff02::1", flags: 0x20, options: linkOption(2, mac(9)))
    )
    let directives = gateway.receive(claim, .forUs)
    #expect(directives.count == 2 && directives.events.count == 1)
    #expect(directives.frames.first?.prefix(6) == address("33:33:00:00:00:01")[...])
    #expect(gateway.receive(claim, .forUs).isEmpty)
    // Somebody who tries the address out is told that it has an owner.
    let question = ethernet(
      .ipv6, to: "33:33:ff:00:00:fe", from: mac(9),
      discovery(135, target: Gateway.inside6, from: "::", to: "ff02::1:ff00:fe"))
    let answer = gateway.receive(question, .forUs)
    #expect(answer.frames.first == directives.frames.first)
  }

  @Test("Gateways that start together do not speak together")
  func jitter() {
    func firstSpeech(_ seed: UInt64) -> Double? {
      var gateway = Gateway(seed: seed, isSettled: false)
      return gateway.timeline(seconds: 2).first { $0.directive.frame != nil }?.after
    }
    let times = Set((UInt64(0)..<20).compactMap(firstSpeech))
    #expect(times.count == 20)
    #expect(firstSpeech(3) == firstSpeech(3))
  }
}

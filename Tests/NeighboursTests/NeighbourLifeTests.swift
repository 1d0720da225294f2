import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

/// The same life, told in ARP or in neighbour discovery.
enum Family: CaseIterable, Sendable {
  case arp, discovery

  var alice: String { self == .arp ? Host.alice : Host.alice6 }
  var address: IPAddress { IPAddress(alice)! }

  /// A packet for Alice, without a known next hop.
  func packet(_ number: Int = 0, from source: Int = 1) -> [UInt8] {
    let payload = udp(big(UInt32(number)))
    return self == .arp
      ? ipv4(.udp, from: "198.51.100.\(source)", to: Host.alice, payload)
      : ipv6(.udp, from: "2001:db8:b:\(source)::1", to: Host.alice6, payload)
  }

  func frame(_ packet: [UInt8], to mac: String = Host.bobMAC, from source: String = Host.aliceMAC) -> [UInt8] {
    ethernet(self == .arp ? .ipv4 : .ipv6, to: mac, from: source, packet)
  }

  /// Our question, to everybody or to one.
  func question(at mac: String? = nil) -> [UInt8] {
    if self == .arp {
      return padded(
        ethernet(
          .arp, to: mac ?? "ff:ff:ff:ff:ff:ff", from: Gateway.insideMAC,
          PacketMaking.arp(
            sender: Gateway.inside4, senderMAC: Gateway.insideMAC, target: Host.alice,
            targetMAC: mac ?? "00:00:00:00:00:00")))
    }
    return ethernet(
      .ipv6, to: mac ?? "33:33:ff:00:00:0a", from: Gateway.insideMAC,
      NeighboursTests.discovery(
        135, target: Host.alice6, from: Gateway.inside6, to: mac == nil ? "ff02::1:ff00:a" : Host.alice6,
        options: linkOption(1, Gateway.insideMAC)))
  }

  func answer(from mac: String = Host.aliceMAC) -> ([UInt8], Punt) {
    if self == .arp {
      let reply = PacketMaking.arp(
        2, sender: Host.alice, senderMAC: mac, target: Gateway.inside4, targetMAC: Gateway.insideMAC)
      return (ethernet(.arp, to: Gateway.insideMAC, from: mac, reply), .notIP)
    }
    let reply = NeighboursTests.discovery(
      136, target: Host.alice6, from: Host.alice6, to: Gateway.inside6, flags: 0x60, options: linkOption(2, mac))
    return (ethernet(.ipv6, to: Gateway.insideMAC, from: mac, reply), .forUs)
  }

  func ask(_ gateway: inout Gateway, _ number: Int = 0, source: Int = 1) -> [Directive] {
    gateway.receive(frame(packet(number, from: source)), .noNeighbour, nextHop: alice)
  }

  func hear(_ gateway: inout Gateway, from mac: String = Host.aliceMAC) -> [Directive] {
    let (frame, cause) = answer(from: mac)
    return gateway.receive(frame, cause)
  }
}

@Suite("The life of a neighbour")
struct NeighbourLifeTests {
  private let mac = MACAddress(Host.aliceMAC)!

  private func reachable(_ family: Family, seed: UInt64 = 7) -> Gateway {
    var gateway = Gateway(seed: seed)
    _ = family.ask(&gateway)
    _ = family.hear(&gateway)
    return gateway
  }

  @Test(
    "A packet waits while everybody is asked; the answer sets the table first, then the packet leaves as it was",
    arguments: Family.allCases)
  func found(_ family: Family) {
    var gateway = Gateway()
    #expect(family.ask(&gateway) == [.send(frame: family.question(), interface: 0)])
    #expect(gateway.state(family.alice) == .incomplete)
    #expect(gateway.snapshot.held == 1)
    #expect(
      family.hear(&gateway) == [
        .neighbour(interface: 0, family.address, mac),
        .send(
          frame: padded(family.frame(family.packet(), to: Host.aliceMAC, from: Gateway.insideMAC)), interface: 0),
      ])
    #expect(gateway.state(family.alice) == .reachable)
    #expect(gateway.neighbour(family.alice)?.isConfirmed == true)
    #expect(gateway.snapshot.held == 0 && gateway.snapshot[.passedOn] == 1 && gateway.snapshot[.learned] == 1)
  }

  @Test("Asked three times a second apart, then given up; whoever sent is told", arguments: Family.allCases)
  func unreachable(_ family: Family) {
    var gateway = Gateway()
    _ = family.ask(&gateway)
    let timeline = gateway.timeline(seconds: 10)
    #expect(timeline.map(\.after) == [1, 2, 3, 3])
    #expect(timeline.prefix(2).allSatisfy { $0.directive.frame == family.question() })
    #expect(timeline[2].directive.event == .unreachable(interface: 0, family.address))
    guard case .route(let packet) = timeline[3].directive else {
      Issue.record("its sender is not told")
      return
    }
    let quoted = family.packet()
    if family == .arp {
      #expect(Array(packet[20...]) == icmpError(type: 3, code: 1, quoting: quoted))
      #expect(Array(packet[12..<20]) == address(Gateway.outside4) + address("198.51.100.1"))
    } else {
      let error = icmp6([1, 3, 0, 0, 0, 0, 0, 0] + quoted, from: Gateway.inside6, to: "2001:db8:b:1::1")
      #expect(packet[8...] == error[8...])
    }
    #expect(gateway.neighbour(family.alice) == nil && gateway.path.nextTimer == nil)
    #expect(gateway.snapshot.held == 0 && gateway.snapshot.isBalanced && gateway.snapshot[.answered] == 1)
  }

  @Test("An answer to the second or third question is as good", arguments: Family.allCases, [1.5, 2.9])
  func late(_ family: Family, _ seconds: Double) {
    var gateway = Gateway()
    _ = family.ask(&gateway)
    _ = gateway.pass(seconds: seconds)
    #expect(family.hear(&gateway).frames.count == 1)
    #expect(gateway.state(family.alice) == .reachable)
  }

  @Test("Reachable for 15 to 45 seconds, not the same for all, then stale", arguments: Family.allCases)
  func ageing(_ family: Family) {
    var ages: Set<UInt64> = []
    for seed in UInt64(0)..<20 {
      var gateway = reachable(family, seed: seed)
      let until = gateway.path.nextTimer! - gateway.now
      #expect((15 * Gateway.second..<45 * Gateway.second).contains(until))
      ages.insert(until)
      #expect(gateway.pass(seconds: 45).isEmpty)
      #expect(gateway.state(family.alice) == .stale)
    }
    #expect(ages.count == 20)
  }

  @Test("A stale one that is used is left alone for five seconds, then asked himself", arguments: Family.allCases)
  func used(_ family: Family) {
    var gateway = reachable(family)
    gateway.path.used(0, family.address, now: gateway.now)
    #expect(gateway.state(family.alice) == .reachable)
    _ = gateway.pass(seconds: 45)
    gateway.path.used(0, family.address, now: gateway.now)
    #expect(gateway.state(family.alice) == .delay)
    _ = gateway.pass(seconds: 4)
    // Used again, he is not given more time.
    gateway.path.used(0, family.address, now: gateway.now)
    #expect(gateway.pass(seconds: 1) == [.send(frame: family.question(at: Host.aliceMAC), interface: 0)])
    #expect(gateway.state(family.alice) == .probe)
    #expect(family.hear(&gateway).isEmpty)
    #expect(gateway.state(family.alice) == .reachable)
  }

  @Test("A stale one of whose use nobody tells is asked as well, later", arguments: Family.allCases)
  func unused(_ family: Family) {
    var gateway = reachable(family)
    let timeline = gateway.timeline(seconds: 136)
    #expect(timeline.first?.directive.frame == family.question(at: Host.aliceMAC))
    #expect((45..<136).contains(timeline.first?.after ?? 0))
  }

  @Test("Three questions in vain, and he is forgotten: the table first, then the log", arguments: Family.allCases)
  func lost(_ family: Family) {
    var gateway = reachable(family)
    _ = gateway.pass(seconds: 45)
    gateway.path.used(0, family.address, now: gateway.now)
    let timeline = gateway.timeline(seconds: 30)
    #expect(timeline.map(\.after) == [5, 6, 7, 8, 8])
    #expect(timeline.prefix(3).allSatisfy { $0.directive.frame == family.question(at: Host.aliceMAC) })
    #expect(timeline.suffix(2).map(\.directive).contains(.forget(interface: 0, family.address)))
    #expect(timeline.map(\.directive).events == [.lost(interface: 0, family.address, mac)])
    #expect(gateway.neighbour(family.alice) == nil && gateway.path.nextTimer == nil)
  }

  @Test("One who answers is kept; after hours without use he may be put out for others", arguments: Family.allCases)
  func idle(_ family: Family) {
    var limits = SlowPathLimits()
    limits.neighbours = 2
    var gateway = Gateway(limits: limits)
    _ = family.ask(&gateway)
    _ = family.hear(&gateway)
    var probes = 0
    func pass(hours: Double) {
      for _ in 0..<Int(hours * 3600) {
        for directive in gateway.pass(seconds: 1) {
          #expect(directive == .send(frame: family.question(at: Host.aliceMAC), interface: 0))
          probes += 1
          _ = family.hear(&gateway)
        }
      }
    }
    func flood(_ hosts: Range<Int>) {
      for host in hosts { _ = gateway.receive(from(ipv4(.udp, to: "192.0.2.\(host)")), .noNeighbour) }
      _ = gateway.pass(seconds: 3.5)
    }
    pass(hours: 3.9)
    #expect((80..<320).contains(probes))
    flood(100..<110)
    #expect(gateway.neighbour(family.alice)?.isConfirmed == true)
    pass(hours: 0.2)
    #expect(gateway.neighbour(family.alice)?.isConfirmed == false)
    gateway.path.used(0, family.address, now: gateway.now)
    pass(hours: 0.1)
    flood(100..<110)
    #expect(gateway.neighbour(family.alice)?.isConfirmed == true)
    pass(hours: 4.1)
    flood(100..<110)
    #expect(gateway.neighbour(family.alice) == nil)
  }

  @Test("A packet for one who is known leaves at once, and the table is told again", arguments: Family.allCases)
  func known(_ family: Family) {
    var gateway = reachable(family)
    #expect(
      family.ask(&gateway, 5) == [
        .neighbour(interface: 0, family.address, mac),
        .send(
          frame: padded(family.frame(family.packet(5), to: Host.aliceMAC, from: Gateway.insideMAC)), interface: 0),
      ])
  }

  @Test("Another MAC address in an answer to a probe is taken and told", arguments: Family.allCases)
  func moved(_ family: Family) {
    var gateway = reachable(family)
    _ = gateway.pass(seconds: 45)
    gateway.path.used(0, family.address, now: gateway.now)
    _ = gateway.pass(seconds: 5)
    let new = MACAddress(NeighboursTests.mac(9))!
    #expect(
      family.hear(&gateway, from: NeighboursTests.mac(9)) == [
        .neighbour(interface: 0, family.address, new),
        .event(.moved(interface: 0, family.address, from: mac, to: new)),
      ])
    #expect(gateway.state(family.alice) == .reachable)
  }

  @Test("A next hop is asked for, whatever the destination is")
  func nextHop() {
    var gateway = Gateway()
    let far = Family.arp.frame(ipv4(.udp, to: "8.8.8.8"))
    #expect(gateway.receive(far, .noNeighbour, nextHop: Host.alice).frames == [Family.arp.question()])
    // Without one it is the destination.
    #expect(gateway.receive(Family.arp.frame(ipv4(.udp, to: "192.0.2.77")), .noNeighbour).frames.count == 1)
    #expect(gateway.state("192.0.2.77") == .incomplete)
    // A link-local next hop is asked for by a link-local address.
    let far6 = Family.discovery.frame(ipv6(.udp, to: "2001:db8:9::9"))
    let question = gateway.receive(far6, .noNeighbour, nextHop: "fe80::9").frames.first
    #expect(question.map { Array($0[22..<38]) } == address(Gateway.insideLinkLocal))
  }

  @Test(
    "No host, none of our own, nor of the other family is a next hop",
    arguments: [
      "224.0.0.5", "255.255.255.255", "192.0.2.255", "192.0.2.0", "127.0.0.1", "0.0.0.0", Gateway.inside4,
      Gateway.outside4, "fe80::9",
    ])
  func badNextHop(_ nextHop: String) {
    var gateway = Gateway()
    #expect(gateway.silentFate(Family.arp.frame(ipv4(.udp)), .noNeighbour, nextHop: nextHop) == .badNextHop)
  }

  @Test("Nobody is asked over an interface where we have no address of his family")
  func noAddress() {
    var gateway = Gateway()
    let packet = Family.discovery.frame(ipv6(.udp))
    #expect(gateway.silentFate(packet, .noNeighbour, on: Gateway.tagged, nextHop: "fe80::9") == .noOwnAddress)
  }
}

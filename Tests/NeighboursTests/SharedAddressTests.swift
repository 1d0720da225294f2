import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

/// X20: all members wear the cluster's addresses, and one of them says where they are.
@Suite("The cluster's addresses")
struct SharedAddressTests {
  private static let shared4 = "192.0.2.250"
  private static let shared6 = "2001:db8::250"
  private static let group6 = "ff02::1:ff00:250"
  private static let groupMAC = "03:00:00:00:00:01"
  private static let unicastMAC = "02:00:5e:00:53:c1"
  private static let broadcast = "ff:ff:ff:ff:ff:ff"
  private static let kinds = [groupMAC, unicastMAC]

  private func interfaces(_ mac: String) -> [InterfaceDescription] {
    var inside = interface(.inside, nil, ["192.0.2.254/24", "2001:db8::fe/64"])
    inside.shared = [IPAddress(Self.shared4)!, IPAddress(Self.shared6)!]
    inside.sharedMAC = MACAddress(mac)
    var outside = interface(.outside, nil, ["198.51.100.254/24", "2001:db8:b::fe/64"])
    outside.sharedMAC = MACAddress(mac)
    return [inside, outside]
  }

  private func member(_ mac: String = groupMAC, speaks: Bool = false, isSettled: Bool = true) -> Gateway {
    var gateway = Gateway(isSettled: false)
    gateway.path = SlowPath(
      interfaces(mac), inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, seed: 7)
    gateway.path.answersForCluster = speaks
    if isSettled { _ = gateway.pass(seconds: 20) }
    return gateway
  }

  private func ask(_ target: String, from sender: String = Host.alice) -> [UInt8] {
    ethernet(.arp, to: Self.broadcast, arp(sender: sender, target: target))
  }

  private func solicitation(_ target: String, from source: String = Host.alice6, group: String) -> [UInt8] {
    let options = source == "::" ? [] : linkOption(1, Host.aliceMAC)
    return ethernet(
      .ipv6, to: "33:33:ff:00:02:50", discovery(135, target: target, from: source, to: group, options: options))
  }

  private func ping(_ destination: String, length: Int = 8) -> [UInt8] {
    destination.contains(":")
      ? icmp6([128, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 5, count: length), from: Host.alice6, to: destination)
      : ipv4(.icmp, to: destination, icmp(type: 8, rest: 0x0102_0304, [UInt8](repeating: 5, count: length)))
  }

  @Test(
    "Who speaks for the cluster answers ARP: with the cluster's MAC address, in a frame of the unit's own",
    arguments: kinds)
  func answersARP(_ mac: String) {
    var gateway = member(mac, speaks: true)
    let answer = ethernet(
      .arp, to: Host.aliceMAC, from: Gateway.insideMAC,
      arp(2, sender: Self.shared4, senderMAC: mac, target: Host.alice, targetMAC: Host.aliceMAC))
    let found = gateway.receive(ask(Self.shared4), .notIP)
    #expect((found == [.send(frame: padded(answer), interface: 0)]) as Bool)
    // Who tries the address out is told that somebody has it.
    let told = gateway.receive(ask(Self.shared4, from: "0.0.0.0"), .notIP).frames.first
    #expect(told.map { Array($0[6..<12]) + Array($0[22..<28]) } == address(Gateway.insideMAC) + address(mac))
    // The unit's own address is the unit's own.
    let own = gateway.receive(ask(Gateway.inside4), .notIP).frames.first
    #expect(own.map { Array($0[22..<28]) } == address(Gateway.insideMAC))
  }

  @Test("The same for neighbour discovery", arguments: kinds)
  func answersSolicitations(_ mac: String) {
    var gateway = member(mac, speaks: true)
    let advertisement = ethernet(
      .ipv6, to: Host.aliceMAC, from: Gateway.insideMAC,
      discovery(
        136, target: Self.shared6, from: Self.shared6, to: Host.alice6, flags: 0xe0, options: linkOption(2, mac)))
    let found = gateway.receive(solicitation(Self.shared6, group: Self.group6), .forUs)
    #expect((found == [.send(frame: advertisement, interface: 0)]) as Bool)
    let told = gateway.receive(solicitation(Self.shared6, from: "::", group: Self.group6), .forUs)
    let toAll = ethernet(
      .ipv6, to: "33:33:00:00:00:01", from: Gateway.insideMAC,
      discovery(136, target: Self.shared6, from: Self.shared6, to: "ff02::1", flags: 0xa0, options: linkOption(2, mac)))
    #expect((told == [.send(frame: toAll, interface: 0)]) as Bool)
  }

  @Test("Without a MAC address of the cluster's, the addresses are where the speaker is (C22, the first way)")
  func masterForwards() {
    var gateway = member(speaks: true)
    var descriptions = interfaces(Self.groupMAC)
    descriptions[0].sharedMAC = nil
    _ = gateway.path.replaceInterfaces(
      descriptions, inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    let answer = gateway.receive(ask(Self.shared4), .notIP).frames.first
    #expect(answer.map { Array($0[22..<28]) } == address(Gateway.insideMAC))
  }

  @Test("All others are silent, and learn nothing; the word comes and goes with the office")
  func silence() {
    var gateway = member()
    let questions: [([UInt8], Punt)] = [
      (ask(Self.shared4), .notIP), (ask(Self.shared4, from: "0.0.0.0"), .notIP),
      (solicitation(Self.shared6, group: Self.group6), .forUs),
      (solicitation(Self.shared6, from: "::", group: Self.group6), .forUs),
    ]
    for (question, cause) in questions { #expect(gateway.silentFate(question, cause) == .foreign) }
    #expect(gateway.snapshot.neighbours.isEmpty)
    #expect(gateway.receive(ask(Gateway.inside4), .notIP).frames.count == 1)
    gateway.path.answersForCluster = true
    for (question, cause) in questions { #expect(gateway.receive(question, cause).frames.count == 1) }
    gateway.path.answersForCluster = false
    for (question, cause) in questions { #expect(gateway.silentFate(question, cause) == .foreign) }
  }

  @Test(
    "Nobody asks whether somebody has them, and nobody announces them: at a start, after a link's return, after a reload",
    arguments: [false, true])
  func noProbes(_ speaks: Bool) {
    var gateway = member(speaks: speaks, isSettled: false)
    func mentions(_ frames: [[UInt8]]) -> [[UInt8]] {
      frames.filter { frame in
        [address(Self.shared4), address(Self.shared6)].contains { wanted in
          frame.indices.contains { frame[$0...].starts(with: wanted) }
        }
      }
    }
    let started = gateway.pass(seconds: 20)
    #expect(started.frames.count > 20 && mentions(started.frames).isEmpty)
    #expect(!started.events.contains(.announced(interface: 0, IPAddress(Self.shared4)!)))
    gateway.path.linkCameUp(.inside, now: gateway.now)
    let again = gateway.pass(seconds: 20)
    #expect(again.frames.count > 8 && mentions(again.frames).isEmpty)
    _ = gateway.path.replaceInterfaces(
      interfaces(Self.groupMAC), inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!,
      now: gateway.now)
    #expect(gateway.pass(seconds: 20).isEmpty && gateway.path.nextTimer == nil)
    let states = gateway.snapshot.ownAddresses.filter { $0.state == .shared }.map(\.address)
    #expect(states == [IPAddress(Self.shared4)!, IPAddress(Self.shared6)!])
  }

  @Test(
    "Another member's word for them is no conflict: none is counted, told, or fought over", arguments: kinds,
    [false, true])
  func othersWord(_ mac: String, _ speaks: Bool) {
    var gateway = member(mac, speaks: speaks)
    let other = "00:00:5e:00:53:09"
    let words: [([UInt8], Punt)] = [
      // As members say it: the cluster's MAC address in a frame of the unit's.
      (
        ethernet(
          .arp, to: Self.broadcast, from: other, arp(sender: Self.shared4, senderMAC: mac, target: Self.shared4)),
        .notIP
      ),
      (
        ethernet(
          .arp, to: Self.broadcast, from: other, arp(sender: Self.shared4, senderMAC: other, target: Self.shared4)),
        .notIP
      ),
      (
        ethernet(
          .ipv6, to: "33:33:00:00:00:01", from: other,
          discovery(
            136, target: Self.shared6, from: Self.shared6, to: "ff02::1", flags: 0xa0, options: linkOption(2, mac))),
        .forUs
      ),
      (
        ethernet(
          .ipv6, to: "33:33:00:00:00:01", from: other,
          discovery(
            136, target: Self.shared6, from: Self.shared6, to: "ff02::1", flags: 0xa0, options: linkOption(2, other))),
        .forUs
      ),
    ]
    for (word, cause) in words {
      #expect(gateway.receive(word, cause).isEmpty)
      #expect(gateway.pass(seconds: 1).isEmpty)
    }
    let snapshot = gateway.snapshot
    #expect(snapshot[.conflict] == 0 && snapshot.neighbours.isEmpty && snapshot.isBalanced)
    #expect(snapshot.ownAddresses.allSatisfy { $0.conflicts == 0 && $0.state != .taken })
    // One's own is still defended.
    let claim = ethernet(
      .arp, to: Self.broadcast, from: other, arp(sender: Gateway.inside4, senderMAC: other, target: Gateway.inside4))
    #expect(gateway.receive(claim, .notIP).events.count == 1)
  }

  @Test(
    "A ping that came to the cluster's MAC address is answered by whoever owns it, speaker or not", arguments: kinds,
    [false, true])
  func pings(_ mac: String, _ speaks: Bool) throws {
    var gateway = member(mac, speaks: speaks)
    for destination in [Self.shared4, Self.shared6] {
      let answers = gateway.receive(from(Host.aliceMAC, to: mac, ping(destination)), .forUs).frames
      let answer = try #require(answers.first)
      #expect(Array(answer[0..<12]) == address(Host.aliceMAC) + address(Gateway.insideMAC))
      let source = destination.contains(":") ? Array(answer[22..<38]) : Array(answer[26..<30])
      #expect(source == address(destination))
    }
    #expect(gateway.snapshot[.echoReply] == 2)
    // To all, or to another group, it is not; nor to the group where it is not the cluster's.
    for wrong in [Self.broadcast, "03:00:00:00:00:02"] {
      #expect(gateway.silentFate(from(Host.aliceMAC, to: wrong, ping(Self.shared4)), .forUs) == .linkBroadcast)
    }
    var alone = Gateway()
    #expect(alone.silentFate(from(Host.aliceMAC, to: Self.groupMAC, ping(Gateway.inside4)), .forUs) == .linkBroadcast)
  }

  @Test("Errors come from the owner: about a port, from the address that was tried; on the way, from the unit's own")
  func errors() {
    var gateway = member()
    let port = gateway.receive(from(Gateway.router, to: Self.groupMAC, ipv4(.udp, to: Self.shared4, udp())), .forUs)
    #expect(port.frames.first.map { Array($0[26..<30]) } == address(Self.shared4))
    let late = gateway.receive(from(Gateway.router, to: Self.groupMAC, ipv4(.udp, timeToLive: 1, udp())), .hopLimit)
    #expect(late.frames.first.map { Array($0[26..<30]) } == address(Gateway.inside4))
    #expect(gateway.snapshot[.portUnreachable] == 1 && gateway.snapshot[.timeExceeded] == 1)
  }

  @Test("Members ask for neighbours with their own addresses and MAC address, speakers too", arguments: [false, true])
  func questions(_ speaks: Bool) {
    var gateway = member(speaks: speaks)
    let question = gateway.receive(from(ipv4(.udp, to: "192.0.2.9", udp())), .noNeighbour, nextHop: "192.0.2.9")
    let wanted = ethernet(
      .arp, to: Self.broadcast, from: Gateway.insideMAC,
      arp(sender: Gateway.inside4, senderMAC: Gateway.insideMAC, target: "192.0.2.9"))
    #expect((question.frames == [padded(wanted)]) as Bool)
    let question6 = gateway.receive(
      from(ipv6(.udp, to: "2001:db8::9", udp())), .noNeighbour, nextHop: "2001:db8::9"
    ).frames.first
    #expect(
      question6.map { Array($0[6..<12]) + Array($0[22..<38]) } == address(Gateway.insideMAC) + address(Gateway.inside6))
    #expect(question6.map { Array($0.suffix(6)) } == address(Gateway.insideMAC))
    // The way to one of the cluster's leads nowhere else.
    #expect(gateway.silentFate(from(ipv4(.udp, udp())), .noNeighbour, nextHop: Self.shared4) == .badNextHop)
  }

  @Test("What becomes the cluster's is asked about no more, and what becomes a unit's own is asked about first")
  func reload() {
    var gateway = member()
    func replace(_ own: [String], shared: [String]) -> [[UInt8]] {
      var descriptions = interfaces(Self.groupMAC)
      descriptions[0] = interface(.inside, nil, own)
      descriptions[0].shared = shared.map { IPAddress($0)! }
      descriptions[0].sharedMAC = MACAddress(Self.groupMAC)
      let directives = gateway.path.replaceInterfaces(
        descriptions, inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now
      )
      return (directives + gateway.pass(seconds: 20)).frames
    }
    #expect(replace(["192.0.2.253/24"], shared: [Gateway.inside4, Self.shared4]).count == 5)
    #expect(gateway.silentFate(ask(Gateway.inside4), .notIP) == .foreign)
    #expect(replace(["192.0.2.253/24", Self.shared4 + "/24"], shared: []).count == 5)
    #expect(gateway.receive(ask(Self.shared4), .notIP).frames.count == 1)
  }
}

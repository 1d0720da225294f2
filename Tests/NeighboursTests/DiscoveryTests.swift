import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

private let group = "ff02::1:ff00:fe"
private let groupMAC = "33:33:ff:00:00:fe"

private func solicitation(
  _ target: String = Gateway.inside6, source: String = Host.alice6, from mac: String = Host.aliceMAC,
  to destination: String = group, options: [UInt8]? = nil, hopLimit: UInt8 = 255, code: UInt8 = 0
) -> [UInt8] {
  ethernet(
    .ipv6, to: destination == group ? groupMAC : Gateway.insideMAC, from: mac,
    discovery(
      135, target: target, from: source, to: destination, options: options ?? linkOption(1, mac), hopLimit: hopLimit,
      code: code))
}

private func advertisement(
  from mac: String = Host.aliceMAC, flags: UInt8, options: [UInt8]? = nil, target: String = Host.alice6,
  source: String = Host.alice6, to destination: String = Gateway.inside6, hopLimit: UInt8 = 255
) -> [UInt8] {
  ethernet(
    .ipv6, to: Gateway.insideMAC, from: mac,
    discovery(
      136, target: target, from: source, to: destination, flags: flags, options: options ?? linkOption(2, mac),
      hopLimit: hopLimit))
}

private let (solicited, override): (UInt8, UInt8) = (0x40, 0x20)

@Suite("Neighbour discovery: solicitations to us")
struct SolicitationTests {
  @Test("It is answered to its sender: router, solicited, override, and our MAC address")
  func answered() {
    var gateway = Gateway()
    let answer = ethernet(
      .ipv6, to: Host.aliceMAC, from: Gateway.insideMAC,
      discovery(
        136, target: Gateway.inside6, from: Gateway.inside6, to: Host.alice6, flags: 0xe0,
        options: linkOption(2, Gateway.insideMAC)))
    #expect(gateway.receive(solicitation(), .forUs) == [.send(frame: answer, interface: 0)])
    #expect(gateway.state(Host.alice6) == .stale)
    #expect(gateway.neighbour(Host.alice6)?.mac == MACAddress(Host.aliceMAC))
    // A probe comes to our own address, and may leave its MAC address out.
    let probe = solicitation(to: Gateway.inside6, options: [])
    #expect(gateway.receive(probe, .forUs) == [.send(frame: answer, interface: 0)])
  }

  @Test("Our link-local address is answered for as well")
  func linkLocal() {
    var gateway = Gateway()
    let question = solicitation(
      Gateway.insideLinkLocal, source: "fe80::9", to: Gateway.insideLinkLocal)
    #expect(gateway.receive(question, .forUs).frames.count == 1)
    #expect(gateway.state("fe80::9") == .stale)
  }

  @Test("Who tries an address of ours out is told before all")
  func duplicate() {
    var gateway = Gateway()
    let answer = ethernet(
      .ipv6, to: "33:33:00:00:00:01", from: Gateway.insideMAC,
      discovery(
        136, target: Gateway.inside6, from: Gateway.inside6, to: "ff02::1", flags: 0xa0,
        options: linkOption(2, Gateway.insideMAC)))
    #expect(gateway.receive(solicitation(source: "::", options: []), .forUs) == [.send(frame: answer, interface: 0)])
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let frame: [UInt8]
    let fate: Fate
  }

  private static func changed(_ frame: [UInt8], _ place: Int) -> [UInt8] {
    var frame = frame
    frame[place] ^= 1
    return frame
  }

  static let cases = [
    Case(testDescription: "through a router", frame: solicitation(hopLimit: 254), fate: .farSender),
    Case(testDescription: "a wrong checksum", frame: changed(solicitation(), 56), fate: .checksum),
    Case(testDescription: "another code", frame: solicitation(code: 1), fate: .malformed),
    Case(testDescription: "after a group", frame: solicitation("ff02::1:ff00:fe"), fate: .malformed),
    Case(
      testDescription: "cut",
      frame: ethernet(
        .ipv6, to: groupMAC,
        icmp6(
          [135, 0, 0, 0, 0, 0, 0, 0] + address(Gateway.inside6).dropLast(), from: Host.alice6, to: group, hopLimit: 255)
      ), fate: .malformed),
    Case(testDescription: "an option without length", frame: solicitation(options: [1, 0]), fate: .malformed),
    Case(testDescription: "an option past the end", frame: solicitation(options: [1, 9, 0, 0]), fate: .malformed),
    Case(
      testDescription: "from nowhere, with a MAC address", frame: solicitation(source: "::"), fate: .malformed),
    Case(
      testDescription: "from nowhere, to us", frame: solicitation(source: "::", to: Gateway.inside6, options: []),
      fate: .malformed),
    Case(testDescription: "from a group", frame: solicitation(source: "ff02::9"), fate: .noHost),
    Case(
      testDescription: "says another's MAC address", frame: solicitation(options: linkOption(1, mac(9))),
      fate: .senderMismatch),
    Case(
      testDescription: "says a group's MAC address", frame: solicitation(options: linkOption(1, groupMAC)),
      fate: .groupSender),
    Case(testDescription: "after somebody else", frame: solicitation("2001:db8::77"), fate: .foreign),
    Case(testDescription: "came back to us", frame: solicitation(from: Gateway.insideMAC), fate: .looped),
    Case(testDescription: "claims our address", frame: solicitation(source: Gateway.inside6), fate: .conflict),
  ]

  @Test("Against the rules of RFC 4861 section 7.1: dropped, counted, nothing learned", arguments: cases)
  func refused(_ `case`: Case) {
    var gateway = Gateway()
    #expect(gateway.fate(`case`.frame, .forUs) == `case`.fate)
    #expect(gateway.snapshot.neighbours.isEmpty)
    let defence: UInt64 = `case`.fate == .conflict ? 1 : 0
    let before = Gateway().snapshot[.advertisement]
    #expect(gateway.snapshot[.advertisement] == before + defence)
  }

  @Test("Not a word of discovery crosses a tunnel, whatever its hop limit says")
  func opened() {
    var gateway = Gateway()
    #expect(gateway.silentFate(solicitation(), .forUs, isOpened: true) == .farSender)
    let question = ethernet(.arp, arp(target: Gateway.inside4))
    #expect(gateway.silentFate(question, .notIP, isOpened: true) == .unsupported)
  }
}

@Suite("Neighbour discovery: advertisements, by RFC 4861 section 7.2.5")
struct AdvertisementTests {
  /// Alice is asked for.
  private func asking() -> Gateway {
    var gateway = Gateway()
    _ = gateway.receive(ethernet(.ipv6, ipv6(.udp, to: Host.alice6)), .noNeighbour, nextHop: Host.alice6)
    return gateway
  }

  private func reachable() -> Gateway {
    var gateway = asking()
    _ = gateway.receive(advertisement(flags: solicited | override), .forUs)
    return gateway
  }

  private let alice = IPAddress(Host.alice6)!
  private let old = MACAddress(Host.aliceMAC)!
  private let new = MACAddress(mac(9))!

  @Test("A solicited one makes her reachable, an unsolicited one not quite", arguments: [false, true])
  func incomplete(_ isSolicited: Bool) {
    var gateway = asking()
    let directives = gateway.receive(advertisement(flags: isSolicited ? solicited : 0), .forUs)
    #expect(directives.first == .neighbour(interface: 0, alice, old))
    #expect(directives.frames.count == 1)
    #expect(gateway.state(Host.alice6) == (isSolicited ? .reachable : .delay))
    #expect(gateway.neighbour(Host.alice6)?.isConfirmed == isSolicited)
  }

  @Test("Without a MAC address it does not help one who has none")
  func withoutAddress() {
    var gateway = asking()
    #expect(gateway.silentFate(advertisement(flags: solicited, options: []), .forUs) == .malformed)
    #expect(gateway.state(Host.alice6) == .incomplete)
  }

  @Test("Another MAC address without override only raises doubt")
  func noOverride() {
    var gateway = reachable()
    #expect(gateway.receive(advertisement(from: mac(9), flags: solicited), .forUs).isEmpty)
    #expect(gateway.state(Host.alice6) == .stale)
    #expect(gateway.neighbour(Host.alice6)?.mac == old)
    // In any other state it changes nothing.
    _ = gateway.pass(seconds: 5.1)
    #expect(gateway.state(Host.alice6) == .probe)
    #expect(gateway.receive(advertisement(from: mac(9), flags: solicited), .forUs).isEmpty)
    #expect(gateway.state(Host.alice6) == .probe)
    #expect(gateway.neighbour(Host.alice6)?.mac == old)
  }

  @Test("With override it is taken, and verified where it was not asked for")
  func overriding() {
    var gateway = reachable()
    let directives = gateway.receive(advertisement(from: mac(9), flags: override), .forUs)
    #expect(
      directives == [
        .neighbour(interface: 0, alice, new), .event(.moved(interface: 0, alice, from: old, to: new)),
      ])
    #expect(gateway.state(Host.alice6) == .delay)
    _ = gateway.pass(seconds: 5.1)
    #expect(gateway.state(Host.alice6) == .probe)
    _ = gateway.receive(advertisement(from: mac(9), flags: solicited), .forUs)
    #expect(gateway.state(Host.alice6) == .reachable)
  }

  @Test("An answer to a probe may leave the MAC address out")
  func probed() {
    var gateway = reachable()
    _ = gateway.pass(seconds: 45)
    gateway.path.used(0, alice, now: gateway.now)
    _ = gateway.pass(seconds: 5.1)
    #expect(gateway.state(Host.alice6) == .probe)
    #expect(gateway.receive(advertisement(flags: solicited, options: []), .forUs).isEmpty)
    #expect(gateway.state(Host.alice6) == .reachable)
  }

  @Test("An advertisement that changes nothing confirms nothing")
  func unsolicited() {
    var gateway = reachable()
    _ = gateway.pass(seconds: 46)
    #expect(gateway.state(Host.alice6) == .stale)
    #expect(gateway.fate(advertisement(flags: override), .forUs) == .noted)
    #expect(gateway.fate(advertisement(flags: solicited), .forUs) == .noted)
    #expect(gateway.state(Host.alice6) == .stale)
  }

  @Test("Refused: of strangers, to a group as an answer, through a router, with a group's MAC address")
  func refused() {
    var gateway = asking()
    func fate(_ frame: [UInt8]) -> Fate? { gateway.silentFate(frame, .forUs) }
    #expect(fate(advertisement(flags: solicited, target: "2001:db8::77")) == .unasked)
    #expect(fate(advertisement(flags: solicited, to: "ff02::1")) == .malformed)
    #expect(fate(advertisement(flags: solicited, target: "ff02::9")) == .malformed)
    #expect(fate(advertisement(flags: solicited, source: "::")) == .malformed)
    #expect(fate(advertisement(flags: solicited, hopLimit: 254)) == .farSender)
    #expect(fate(advertisement(flags: solicited, options: linkOption(2, groupMAC))) == .groupSender)
    #expect(fate(advertisement(flags: override, options: linkOption(2, mac(9)))) == .senderMismatch)
    #expect(gateway.state(Host.alice6) == .incomplete)
  }

  @Test(
    "A cluster answers with the MAC address that all its members take, out of a frame of one member's own",
    arguments: ["03:00:00:00:00:07", mac(9)])
  func ofCluster(_ shared: String) {
    var gateway = asking()
    let word = linkOption(2, shared)
    let isGroup = shared.hasPrefix("03")
    let mistrust: Fate = isGroup ? .groupSender : .senderMismatch
    #expect(gateway.silentFate(advertisement(flags: override, options: word), .forUs) == mistrust)
    let directives = gateway.receive(advertisement(flags: solicited | override, options: word), .forUs)
    #expect(directives.first == .neighbour(interface: 0, alice, MACAddress(shared)!))
    #expect(gateway.state(Host.alice6) == .reachable)
    // Asked no more, it is a word like anybody's.
    #expect(gateway.silentFate(advertisement(flags: solicited | override, options: word), .forUs) == mistrust)
    #expect(gateway.neighbour(Host.alice6)?.mac == MACAddress(shared))
  }

  @Test(
    "Router advertisements, redirects and the like are not for a gateway", arguments: [UInt8](130...134) + [137, 143])
  func routers(_ type: UInt8) {
    var gateway = Gateway()
    let message = ethernet(
      .ipv6, to: "33:33:00:00:00:01",
      icmp6(
        [type, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 32), from: "fe80::9", to: "ff02::1", hopLimit: 255))
    #expect(gateway.receive(message, .forUs).isEmpty)
    #expect(gateway.snapshot.isBalanced)
  }
}

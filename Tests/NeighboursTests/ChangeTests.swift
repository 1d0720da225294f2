import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Reloads, links, and what is shown")
struct ChangeTests {
  /// One is known on every interface, one is asked for.
  private func busy() -> Gateway {
    var gateway = Gateway()
    for family in Family.allCases {
      _ = family.ask(&gateway)
      _ = family.hear(&gateway)
    }
    let question = ethernet(
      .vlan, from: mac(9), vlan(7, .arp, arp(sender: "203.0.113.9", senderMAC: mac(9), target: Gateway.tagged4)))
    _ = gateway.receive(question, .notIP, on: Gateway.tagged)
    _ = gateway.receive(from(ipv4(.udp, to: "203.0.113.9")), .noNeighbour, on: Gateway.tagged)
    // Heard of, and not told to the dataplane.
    _ = gateway.receive(
      ethernet(.arp, from: mac(9), arp(sender: "192.0.2.99", senderMAC: mac(9), target: Gateway.inside4)), .notIP)
    _ = gateway.receive(from(ipv4(.udp, to: "198.51.100.9")), .noNeighbour, on: Gateway.outside)
    return gateway
  }

  @Test("What stays keeps its neighbours under its new number; what goes, goes; what is new is asked for")
  func reload() {
    var gateway = busy()
    let said = gateway.path.replaceInterfaces(
      [
        interface(.outside, 7, ["203.0.113.254/24"]),
        interface(.inside, nil, ["192.0.2.254/24", "192.0.2.253/24", "2001:db8::fe/64"]),
      ], inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    let alice = MACAddress(Host.aliceMAC)!
    #expect(said.count == 3)
    #expect(said.contains(.neighbour(interface: 0, IPAddress("203.0.113.9")!, MACAddress(mac(9))!)))
    #expect(said.contains(.neighbour(interface: 1, IPAddress(Host.alice)!, alice)))
    #expect(said.contains(.neighbour(interface: 1, IPAddress(Host.alice6)!, alice)))
    let snapshot = gateway.snapshot
    #expect(snapshot.held == 0 && snapshot[.forgotten] == 1 && snapshot.isBalanced)
    #expect(gateway.neighbour(Host.alice, on: 1)?.state == .reachable)
    #expect(gateway.neighbour(Host.alice, on: 1)?.isConfirmed == true)
    let probing = snapshot.ownAddresses.filter { $0.state == .probing }.map(\.address)
    #expect(probing == [IPAddress("192.0.2.253")!])
    // They still age.
    _ = gateway.pass(seconds: 45)
    #expect(gateway.neighbour(Host.alice, on: 1)?.state == .stale)
    #expect(gateway.snapshot.ownAddresses.allSatisfy { $0.state == .ours })
  }

  @Test("The same interfaces again change nothing, and packets that wait go on waiting")
  func sameAgain() {
    var gateway = busy()
    let before = gateway.snapshot
    let said = gateway.path.replaceInterfaces(
      [
        interface(.inside, nil, ["192.0.2.254/24", "2001:db8::fe/64"]),
        interface(.outside, nil, ["198.51.100.254/24", "2001:db8:b::fe/64"]),
        interface(.outside, 7, ["203.0.113.254/24"]),
      ], inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    #expect(said.count == 3)
    #expect(gateway.snapshot.neighbours == before.neighbours && gateway.snapshot.ownAddresses == before.ownAddresses)
    #expect(gateway.snapshot.held == 1)
    _ = gateway.pass(seconds: 4)
    #expect(gateway.snapshot.held == 0 && gateway.snapshot.isBalanced)
  }

  @Test("Who has answered is not pushed out by a flood behind a reload either")
  func floodAfterReload() {
    var limits = SlowPathLimits()
    limits.neighbours = 4
    var gateway = Gateway(limits: limits)
    _ = Family.arp.ask(&gateway)
    _ = Family.arp.hear(&gateway)
    _ = gateway.path.replaceInterfaces(
      [interface(.inside, nil, ["192.0.2.254/24"])], inside: MACAddress(Gateway.insideMAC)!,
      outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    for host in 100..<120 { _ = gateway.receive(from(ipv4(.udp, to: "192.0.2.\(host)")), .noNeighbour) }
    #expect(gateway.state(Host.alice) == .reachable && gateway.snapshot.neighbours.count == 4)
  }

  @Test("An address that is being asked for goes on where it was")
  func probing() {
    var (one, other) = (Gateway(isSettled: false), Gateway(isSettled: false))
    _ = one.pass(seconds: 1.5)
    _ = other.pass(seconds: 1.5)
    _ = other.path.replaceInterfaces(
      [
        interface(.inside, nil, ["192.0.2.254/24", "2001:db8::fe/64"]),
        interface(.outside, nil, ["198.51.100.254/24", "2001:db8:b::fe/64"]),
        interface(.outside, 7, ["203.0.113.254/24"]),
      ], inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: other.now)
    let isSame = one.pass(seconds: 20).frames == other.pass(seconds: 20).frames
    #expect(isSame)
  }

  @Test("Another MAC address of ours is another interface: everybody is asked anew")
  func newMAC() {
    var gateway = busy()
    let said = gateway.path.replaceInterfaces(
      [interface(.inside, nil, ["192.0.2.254/24"])], inside: MACAddress(mac(8))!,
      outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    #expect(said.isEmpty && gateway.snapshot.neighbours.isEmpty)
    #expect(gateway.pass(seconds: 10).frames.first.map { Array($0[6..<12]) } == address(mac(8)))
  }

  @Test("A neighbour whose address becomes ours is none any more")
  func becomesOurs() {
    var gateway = busy()
    _ = gateway.path.replaceInterfaces(
      [interface(.inside, nil, [Host.alice + "/24"])], inside: MACAddress(Gateway.insideMAC)!,
      outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    #expect(gateway.neighbour(Host.alice) == nil)
  }

  @Test("When a link is back our addresses are asked for again, and neighbours soon; the other side is left alone")
  func link() {
    var gateway = busy()
    _ = gateway.pass(seconds: 4)
    gateway.path.linkCameUp(.inside, now: gateway.now)
    #expect(gateway.state(Host.alice) == .stale && gateway.neighbour("203.0.113.9", on: 2)?.state == .delay)
    let sent = gateway.pass(seconds: 10)
    #expect(sent.sent(on: 0).contains(Family.arp.question(at: Host.aliceMAC)))
    #expect(sent.sent(on: 0).contains(Family.discovery.question(at: Host.aliceMAC)))
    #expect(sent.events.contains(.announced(interface: 0, IPAddress(Gateway.inside4)!)))
    #expect(sent.sent(on: 1).isEmpty)
    // The three questions that were due to the one who is used there, and none of our own addresses'.
    #expect(sent.sent(on: 2).map { Array($0.prefix(6)) } == Array(repeating: address(mac(9)), count: 3))
  }

  @Test("Shown by interface, then by address, with state and age")
  func shown() {
    var gateway = busy()
    gateway.now += 3
    let shown = gateway.snapshot.neighbours
    #expect(shown.map(\.interface) == [0, 0, 0, 1, 2])
    #expect(shown.map(\.address.description) == [Host.alice, "192.0.2.99", Host.alice6, "198.51.100.9", "203.0.113.9"])
    #expect(shown.map(\.state.name) == ["reachable", "stale", "reachable", "incomplete", "delay"])
    #expect(shown.map(\.isConfirmed) == [true, false, true, false, false])
    #expect(shown.map(\.isInstalled) == [true, false, true, false, true])
    #expect(shown.map(\.ageNanoseconds) == [3, 3, 3, 3, 3])
    #expect(shown.map(\.held) == [0, 0, 0, 1, 0])
    #expect(
      shown.map(\.mac) == [Host.aliceMAC, mac(9), Host.aliceMAC, nil, mac(9)].map { $0.flatMap(MACAddress.init) })
  }

  @Test("Every fate has a name and a meaning of its own, every event a line")
  func names() {
    #expect(Set(Fate.allCases.map(\.meaning)).count == Fate.allCases.count)
    #expect(Fate.allCases.map { Int($0.rawValue) } == Array(0..<Fate.allCases.count))
    #expect(Sent.allCases.map { Int($0.rawValue) } == Array(0..<Sent.allCases.count))
    let (alice, mac) = (IPAddress(Host.alice)!, MACAddress(Host.aliceMAC)!)
    let events: [SlowPathEvent] = [
      .announced(interface: 3, alice), .conflict(interface: 3, alice, with: mac, isGivenUp: false),
      .conflict(interface: 3, alice, with: mac, isGivenUp: true), .unreachable(interface: 3, alice),
      .lost(interface: 3, alice, mac), .moved(interface: 3, alice, from: mac, to: mac), .tableFull(interface: 3),
    ]
    #expect(Set(events.map(\.description)).count == events.count)
    #expect(events.allSatisfy { $0.interface == 3 })
  }
}

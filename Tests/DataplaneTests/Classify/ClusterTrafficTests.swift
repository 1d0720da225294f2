import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A gateway with two tunnels and three groups, of IPv4 and of IPv6.
enum Gateway {
  static let inbound: UInt32 = 0xc0de_0123
  static let outbound: UInt32 = 0xfeed_0001
  static let inbound6: UInt32 = 0xc0de_0277
  static let outbound6: UInt32 = 0xfeed_0002
  static let peer = "198.51.100.77"
  static let peer6 = "2001:db8:d::77"

  static let tunnels = [
    TunnelDescription(
      inboundSPI: inbound, outboundSPI: outbound, peer: IPAddress(peer)!,
      local: [IPPrefix("10.1.0.0/16")!, IPPrefix("172.16.0.0/12")!], remote: [IPPrefix("10.2.0.0/16")!]),
    TunnelDescription(
      inboundSPI: inbound6, outboundSPI: outbound6, peer: IPAddress(peer6)!,
      local: [IPPrefix("2001:db8:1::/48")!], remote: [IPPrefix("2001:db8:2::/48")!]),
  ]
  static let groups = [(0x108, 8), (0x10c, 12), (0x110, 16)].map {
    GroupDescription(spi: $0, senderIDBits: $1)
  }
  static let cluster = [Host.cluster, Host.cluster6]

  static func description(key: String = TestKey.counting, cluster: [String] = cluster) -> ClassifyDescription {
    ClassifyDescription(.keyed, key: key, cluster: cluster, tunnels: tunnels, groups: groups)
  }
}

@Suite struct ClusterTrafficTests {
  let plane = Plane(Gateway.description())

  private func toCluster(_ next: NextHeader, _ payload: [UInt8], from source: String = Host.alice) -> [UInt8] {
    ethernet(.ipv4, ipv4(next, from: source, to: Host.cluster, payload))
  }

  private func toCluster6(_ next: NextHeader, _ payload: [UInt8]) -> [UInt8] {
    ethernet(.ipv6, ipv6(next, to: Host.cluster6, payload))
  }

  // X5

  @Test(arguments: [("10.1.2.3", "10.2.0.1"), ("10.1.255.255", "10.2.255.255"), ("172.31.0.1", "10.2.0.0")])
  func `clear traffic into a tunnel belongs to the tunnel's inbound SPI`(_ source: String, _ destination: String) {
    for (next, payload) in [(NextHeader.udp, udp()), (.tcp, tcp()), (.icmp, icmp(type: 8)), (253, [])] {
      let frame = ethernet(.ipv4, ipv4(next, from: source, to: destination, payload))
      #expect(plane.set(frame) == 0x123)
      #expect(plane.rule(frame) == .tunnel)
    }
  }

  @Test(arguments: [
    ("10.3.0.1", "10.2.0.1"), ("10.1.0.1", "10.3.0.1"), ("172.15.0.1", "10.2.0.1"), ("10.2.0.1", "10.1.0.1"),
  ])
  func `traffic beside the selectors, or out of the tunnel, is an ordinary flow`(
    _ source: String, _ destination: String
  ) {
    let frame = ethernet(.ipv4, ipv4(.udp, from: source, to: destination, udp()))
    #expect(plane.rule(frame) == .flow)
    #expect(plane.set(frame) == Plane(ClassifyDescription(.keyed, key: TestKey.counting)).set(frame))
  }

  @Test func `IPv6 has selectors of its own`() {
    #expect(plane.set6(ipv6(.udp, from: "2001:db8:1::1", to: "2001:db8:2:3::4", udp())) == 0x277)
    #expect(plane.rule(ethernet(.ipv6, ipv6(.udp, from: "2001:db8:1::1", to: "2001:db8:3::4", udp()))) == .flow)
  }

  @Test func `a prefix of 0 bits selects everything of its family, and one of 32 a single host`() {
    let tunnel = TunnelDescription(
      inboundSPI: 0x1111, outboundSPI: 1, peer: IPAddress(Gateway.peer)!, local: [IPPrefix("10.0.0.9/32")!],
      remote: [IPPrefix("0.0.0.0/0")!])
    let plane = Plane(ClassifyDescription(.keyed, cluster: Gateway.cluster, tunnels: [tunnel]))
    #expect(plane.set4(ipv4(.udp, from: "10.0.0.9", to: "255.255.255.255", udp())) == 0x111)
    #expect(plane.rule(ethernet(.ipv4, ipv4(.udp, from: "10.0.0.8", udp()))) == .flow)
    #expect(plane.rule(ethernet(.ipv6, ipv6(.udp, udp()))) == .flow)
  }

  // X6

  @Test func `IKE goes by the initiator's SPI, on both ports and from any address`() {
    let spi: UInt64 = 0x1122_3344_5566_7788
    let sets = [
      toCluster(.udp, udp(from: 500, to: 500, ike(initiator: spi))),
      toCluster(.udp, udp(from: 61_234, to: 500, ike(initiator: spi, responder: 9)), from: "203.0.113.200"),
      toCluster(.udp, ikeBehindMarker(ike(initiator: spi))),
      toCluster(.udp, udp(from: 1025, to: 4500, [0, 0, 0, 0] + ike(initiator: spi, exchange: 35)), from: Host.bob),
      toCluster6(.udp, udp(from: 500, to: 500, ike(initiator: spi))),
    ].map { frame in
      #expect(plane.rule(frame) == .ikeSPI)
      return plane.set(frame)
    }
    #expect(Set(sets).count == 1)
    let others = (0..<64).map { plane.set(toCluster(.udp, udp(to: 500, ike(initiator: spi + 1 + $0)))) }
    #expect(Set(others).count > 40)
  }

  @Test func `an IKE message without a whole SPI goes by its addresses`() {
    for cut in 0..<8 {
      #expect(plane.rule(toCluster(.udp, udp(to: 500, Array(ike().prefix(cut))))) == .addresses)
      #expect(plane.rule(toCluster(.udp, ikeBehindMarker(Array(ike().prefix(cut))))) == .addresses)
    }
    #expect(plane.rule(toCluster(.udp, udp(to: 500, Array(ike().prefix(8))))) == .ikeSPI)
  }

  @Test func `a keepalive of one octet goes by its addresses`() {
    #expect(plane.rule(toCluster(.udp, udp(from: 4500, to: 4500, [0xff]))) == .addresses)
  }

  @Test func `L2TP goes by tunnel and session, wherever the ids stand`() {
    func call(_ tunnel: UInt16, _ session: UInt16, _ hasLength: Bool, from source: String = Host.alice) -> [UInt8] {
      toCluster(
        .udp, udp(from: 1701, to: 1701, l2tp(tunnel: tunnel, session: session, hasLength: hasLength)), from: source)
    }
    #expect(plane.rule(call(7, 9, false)) == .l2tp)
    #expect(plane.set(call(7, 9, false)) == plane.set(call(7, 9, true)))
    #expect(plane.set(call(7, 9, false)) == plane.set(call(7, 9, false, from: Host.bob)))
    #expect(Set((0..<64).map { plane.set(call(7, $0, false)) }).count > 40)
    #expect(Set((1..<65).map { plane.set(call($0, 9, false)) }).count > 40)
  }

  @Test func `L2TP tunnel 0, another version and a cut header are ordinary flows`() {
    for payload in [
      l2tp(tunnel: 0, session: 0, isControl: true, hasLength: true), l2tp(tunnel: 0, session: 5),
      l2tp(tunnel: 7, session: 9, version: 3), Array(l2tp(tunnel: 7, session: 9).prefix(5)),
      Array(l2tp(tunnel: 7, session: 9, hasLength: true).prefix(7)),
    ] {
      let frame = toCluster(.udp, udp(from: 1701, to: 1701, payload))
      #expect(plane.rule(frame) == .flow)
      #expect(plane.set(frame) == plane.set4(ipv4(.udp, from: Host.cluster, to: Host.alice, udp(from: 1701, to: 1701))))
    }
  }

  // X7

  @Test func `our unicast SPI's low ten bits are the work set, bare and in UDP`() {
    for frame in [
      toCluster(.esp, esp(spi: Gateway.inbound)), toCluster(.udp, espInUDP(spi: Gateway.inbound)),
      toCluster(.esp, esp(spi: Gateway.inbound), from: "10.9.8.7"), toCluster6(.esp, esp(spi: Gateway.inbound)),
      toCluster6(.udp, udp(from: 9, to: 4500, esp(spi: Gateway.inbound))),
    ] {
      #expect(plane.set(frame) == 0x123)
      #expect(plane.rule(frame) == .unicastSPI)
    }
  }

  @Test(arguments: [(UInt32(0x108), 8), (0x10c, 12), (0x110, 16)])
  func `a group's packets go by the sender, as many bits as the group has`(_ spi: UInt32, _ bits: Int) {
    func set(_ iv: UInt64) -> Int? { plane.set(toCluster(.esp, esp(spi: spi, iv: big(iv)))) }
    #expect(plane.rule(toCluster(.esp, esp(spi: spi, iv: big(UInt64(0))))) == .groupSender)
    let sender: UInt64 = 0x5a5a >> UInt64(16 - bits), low = UInt64.max >> UInt64(bits)
    let base = sender << UInt64(64 - bits)
    // The bits behind the sender id are a counter, and do not count.
    #expect(set(base) == set(base | low))
    #expect(plane.set(toCluster(.udp, espInUDP(spi: spi, big(base)))) == set(base))
    // Every bit of the sender id does.
    for bit in 0..<bits {
      let other = base ^ 1 << UInt64(63 - bit)
      #expect(
        TestKey.several(4).contains { key in
          let plane = Plane(Gateway.description(key: key))
          let frames = [base, other].map { toCluster(.esp, esp(spi: spi, iv: big($0))) }
          return plane.set(frames[0]) != plane.set(frames[1])
        })
    }
  }

  @Test func `a group's packet too short for a sender goes by its addresses`() {
    for octets in 0...4 {
      let frame = toCluster(.esp, esp(spi: 0x110, [UInt8](repeating: 1, count: octets)))
      #expect(plane.rule(frame) == (octets < 4 ? .addresses : .groupSender))
    }
  }

  @Test func `an SPI that is not ours goes by its addresses`() {
    let pair = plane.set4(ipv4(.gre, to: Host.cluster))
    for spi: UInt32 in [0, 1, Gateway.inbound + 1, Gateway.outbound, .max] {
      #expect(plane.set(toCluster(.esp, esp(spi: spi))) == pair)
      if spi != 0 { #expect(plane.set(toCluster(.udp, espInUDP(spi: spi))) == pair) }
    }
    #expect(plane.set(toCluster(.esp, Array(esp(spi: Gateway.inbound).prefix(7)))) == pair)
  }

  @Test func `to an address that is not the cluster's, nothing of this holds`() {
    let plain = Plane(ClassifyDescription(.keyed, key: TestKey.counting))
    for payload in [udp(to: 500, ike()), espInUDP(spi: Gateway.inbound), udp(to: 1701, l2tp(tunnel: 1, session: 2))] {
      #expect(plane.set4(ipv4(.udp, payload)) == plain.set4(ipv4(.udp, payload)))
    }
    #expect(plane.set4(ipv4(.esp, esp(spi: Gateway.inbound))) == plain.set4(ipv4(.gre)))
  }

  @Test func `without a cluster address everything is symmetric, tunnels or not`() {
    let clusterless = Plane(Gateway.description(cluster: []))
    let plain = Plane(ClassifyDescription(.keyed, key: TestKey.counting))
    var random = Seeded(seed: 77)
    var differences = 0
    for _ in 0..<2000 {
      let frame = plausibleFrame(&random)
      if clusterless.set(frame) != plain.set(frame) { differences += 1 }
    }
    #expect(differences == 0)
    for payload in [udp(to: 500, ike()), espInUDP(spi: Gateway.inbound)] {
      #expect(clusterless.rule(toCluster(.udp, payload)) == .addresses)
    }
    #expect(clusterless.rule(ethernet(.ipv4, ipv4(.udp, from: "10.1.0.1", to: "10.2.0.1", udp()))) == .flow)
  }

  @Test func `every one of many SPIs is found, and no other`() {
    var random = Seeded(seed: 4303)
    let spis = Set((0..<3000).map { _ in UInt32(truncatingIfNeeded: random.next()) | 0x100 })
    let tunnels = spis.map { TunnelDescription(inboundSPI: $0, outboundSPI: ~$0, peer: IPAddress(Gateway.peer)!) }
    let plane = Plane(ClassifyDescription(.keyed, cluster: [Host.cluster], tunnels: tunnels))
    var wrong = 0
    for spi in spis {
      if plane.set(toCluster(.esp, esp(spi: spi))) != Int(spi & 1023) { wrong += 1 }
      let near = spi ^ 0x8000_0000
      if !spis.contains(near), plane.rule(toCluster(.esp, esp(spi: near))) != .addresses { wrong += 1 }
    }
    #expect(wrong == 0)
  }
}

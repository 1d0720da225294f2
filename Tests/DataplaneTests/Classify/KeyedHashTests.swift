import CWorkSet
import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// The keyed hash's numbers. They are an interface: every member and the in-kernel filter must agree on them.
@Suite struct KeyedHashTests {
  static let keys: [(String, Int)] = [(TestKey.zero, 0), (TestKey.counting, 1)]

  static func plane(_ key: String) -> Plane {
    Plane(
      ClassifyDescription(
        .keyed, key: key, cluster: [Host.cluster], groups: [GroupDescription(spi: 0x100, senderIDBits: 16)]))
  }

  @Test(arguments: keys)
  func `the C functions give the recorded answers`(_ text: String, _ column: Int) {
    let words = WorkSetKey(text)!
    var key = hauberk_work_set_expand(words.high, words.low)
    let high: UInt64 = 0x2001_0db8_0000_0000
    #expect(hauberk_flow4(&key, 0x0a01_0001, 0x0a02_0001, 5001, 5001, 17) == [506, 875][column])
    #expect(hauberk_flow6(&key, high, 1, high + 1, 1, 5001, 5001, 17) == [124, 678][column])
    #expect(hauberk_pair4(&key, 0x0a01_0001, 0x0a02_0001) == [239, 108][column])
    #expect(hauberk_fragment4(&key, 0x0a01_0001, 0x0a02_0001, 17) == [239, 291][column])
    #expect(hauberk_ike(&key, 1) == [596, 227][column])
    #expect(hauberk_l2tp(&key, 1, 2) == [155, 267][column])
    #expect(hauberk_group(&key, 0x100, 1) == [200, 167][column])
  }

  @Test(arguments: keys)
  func `packets give the same answers`(_ key: String, _ column: Int) {
    let plane = Self.plane(key)
    let one = "10.1.0.1", other = "10.2.0.1"
    let flow = udp(from: 5001, to: 5001)
    #expect(plane.set4(ipv4(.udp, from: one, to: other, flow)) == [506, 875][column])
    #expect(plane.set6(ipv6(.udp, from: "2001:db8::1", to: "2001:db8:0:1::1", flow)) == [124, 678][column])
    #expect(plane.set4(ipv4(.gre, from: one, to: other, gre(.ipv4))) == [239, 108][column])
    #expect(plane.set4(ipv4(.udp, from: one, to: other, fragmentOffset: 9, flow)) == [239, 291][column])
    let initial = udp(from: 500, to: 500, ike(initiator: 1))
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, initial)) == [596, 227][column])
    let call = udp(to: 1701, l2tp(tunnel: 1, session: 2))
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, call)) == [155, 267][column])
    let sealed = esp(spi: 0x100, iv: big(UInt64(1) << 48))
    #expect(plane.set4(ipv4(.esp, to: Host.cluster, sealed)) == [200, 167][column])
  }

  @Test func `a tag in front of a packet changes nothing`() {
    let plane = Self.plane(TestKey.counting)
    let packet = ipv4(.udp, from: "10.1.0.1", to: "10.2.0.1", udp(from: 5001, to: 5001))
    for count in 0...4 { #expect(plane.set(tagged(count, .ipv4, packet)) == 875) }
  }

  @Test(arguments: [false, true])
  func `both directions of every flow agree`(isIPv6: Bool) {
    var random = Seeded(seed: 7)
    var disagreements: [String] = []
    for key in TestKey.several(4) {
      let plane = Plane(ClassifyDescription(.keyed, key: key))
      for _ in 0..<50 {
        let all = exchanges(&random, isIPv6: isIPv6) + fragmentExchanges(&random, isIPv6: isIPv6)
        for exchange in all {
          let sets = exchange.frames.map { plane.set($0) }
          if sets[0] == nil || sets[0] != sets[1] { disagreements.append("\(exchange.name), key \(key)") }
        }
      }
    }
    #expect(disagreements.isEmpty)
  }

  /// X9. Whoever is told, and whichever direction is quoted.
  @Test(arguments: [false, true])
  func `an ICMP error agrees with the flow that it quotes`(isIPv6: Bool) {
    var random = Seeded(seed: 9)
    var disagreements: [String] = []
    for key in TestKey.several(2) {
      let plane = Plane(ClassifyDescription(.keyed, key: key))
      for _ in 0..<20 {
        let all = exchanges(&random, isIPv6: isIPv6) + fragmentExchanges(&random, isIPv6: isIPv6)
        for exchange in all {
          let own = plane.set(exchange.frames[0])
          for quoted in [exchange.there, exchange.back] {
            let router = someHost(&random, isIPv6: isIPv6), told = someHost(&random, isIPv6: isIPv6)
            let error =
              isIPv6
              ? ethernet(.ipv6, ipv6(.icmpv6, from: router, to: told, icmpError(type: 2, quoting: quoted)))
              : ethernet(.ipv4, ipv4(.icmp, from: router, to: told, icmpError(type: 3, quoting: quoted)))
            if plane.set(error) != own { disagreements.append("\(exchange.name), key \(key)") }
          }
        }
      }
    }
    #expect(disagreements.isEmpty)
  }

  @Test func `ports, protocol and addresses each make a difference`() {
    // One pair of packets may share a set by chance (1 in 1024); eight keys at once do not.
    func differ(_ one: [UInt8], _ other: [UInt8]) -> Bool {
      TestKey.several(8).contains { key in
        let plane = Plane(ClassifyDescription(.keyed, key: key))
        return plane.set4(one) != plane.set4(other)
      }
    }
    let base = ipv4(.udp, udp(from: 4000, to: 5000))
    #expect(differ(base, ipv4(.udp, udp(from: 4001, to: 5000))))
    #expect(differ(base, ipv4(.udp, udp(from: 4000, to: 5001))))
    #expect(differ(base, ipv4(.tcp, tcp(from: 4000, to: 5000))))
    #expect(differ(base, ipv4(.udp, to: "198.51.100.3", udp(from: 4000, to: 5000))))
    #expect(differ(base, ipv4(.udp, from: "192.0.2.9", udp(from: 4000, to: 5000))))
    #expect(!differ(base, ipv4(.udp, timeToLive: 3, udp(from: 4000, to: 5000, text("more")))))
  }

  @Test func `the key decides`() {
    let frame = neighbouringFlows[0]
    let sets = Set(TestKey.several(64).map { Plane(ClassifyDescription(.keyed, key: $0)).set(frame) })
    // 64 draws out of 1024 give 62 different ones on average.
    #expect(sets.count > 50)
  }
}

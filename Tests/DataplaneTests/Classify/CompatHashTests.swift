import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// The seed's sample filter (C27). Every answer below was worked out by hand: `i` cut into groups of ten bits from
/// the right, and the groups added without carry.
@Suite struct CompatHashTests {
  let plane = Plane(ClassifyDescription(.compat, cluster: [Host.cluster, Host.cluster6]))

  /// c0000201 ^ c6336402 = 06336603 = 0 | 063 | 0d9 | 203; 203 ^ 0d9 ^ 063 = 2b9.
  @Test(arguments: [NextHeader.udp, .tcp, .icmp, .esp, .gre, 253])
  func `what is forwarded counts by its two addresses`(_ next: NextHeader) {
    #expect(plane.set4(ipv4(next, udp([UInt8](repeating: 0, count: 12)))) == 0x2b9)
    #expect(plane.set4(ipv4(next, from: Host.bob, to: Host.alice, udp())) == 0x2b9)
  }

  /// c0000201 ^ 00000fa0 = c0000da1 = 3 | 000 | 003 | 1a1; 1a1 ^ 003 ^ 3 = 1a1.
  @Test func `UDP and TCP to the cluster count by source and source port`() {
    for (next, datagram) in [(NextHeader.udp, udp(from: 4000, to: 9)), (.tcp, tcp(from: 4000, to: 443))] {
      #expect(plane.set4(ipv4(next, to: Host.cluster, datagram)) == 0x1a1)
      #expect(plane.set4(ipv4(next, to: Host.cluster, options: [1, 1, 1, 1], datagram)) == 0x1a1)
    }
  }

  /// c0000201 ^ cb007101 = 0b007300 = 0 | 0b0 | 01c | 300; 300 ^ 01c ^ 0b0 = 3ac.
  @Test func `everything else to the cluster counts by its two addresses`() {
    for next in [NextHeader.icmp, .esp, .gre, .sctp, 253] {
      #expect(plane.set4(ipv4(next, to: Host.cluster, udp())) == 0x3ac)
    }
  }

  @Test func `a first fragment to the cluster has ports, a later one has none`() {
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, moreFragments: true, udp())) == 0x1a1)
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, fragmentOffset: 1, udp())) == 0x3ac)
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, moreFragments: true, fragmentOffset: 185, udp())) == 0x3ac)
  }

  @Test(arguments: 0...5)
  func `ports take four octets of upper layer, by the header's length and by what is there`(_ octets: Int) {
    let expected = octets < 4 ? 0x3ac : 0x1a1
    let cut = Array(udp(from: 4000).prefix(octets))
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, cut)) == expected)
    // The header promises less than the frame has.
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, totalLength: 20 + octets, udp(from: 4000))) == expected)
    // The header promises more.
    #expect(plane.set4(ipv4(.udp, to: Host.cluster, totalLength: 1500, cut)) == expected)
  }

  /// 2001:db8::a folds to 20010db2, 2001:db8:b::b to 200a0db3; together 000b0001 = 0 | 000 | 2c0 | 001.
  @Test func `IPv6 is folded to 32 bits first`() {
    #expect(plane.set6(ipv6(.udp, udp())) == 0x2c1)
    #expect(plane.set6(ipv6(.esp, esp())) == 0x2c1)
  }

  /// 20010db2 ^ 0fa0 = 20010212 = 0 | 200 | 040 | 212; 212 ^ 040 ^ 200 = 052. And with the destination, which
  /// folds to 200d0db9: 000c000b = 0 | 000 | 300 | 00b.
  @Test func `IPv6 to the cluster has the same two cases, behind extension headers too`() {
    #expect(plane.set6(ipv6(.udp, to: Host.cluster6, udp())) == 0x052)
    #expect(plane.set6(ipv6(.hopByHop, to: Host.cluster6, extensionHeader(.udp, udp()))) == 0x052)
    #expect(plane.set6(ipv6(.fragment, to: Host.cluster6, fragment(.udp, more: true, udp()))) == 0x052)
    #expect(plane.set6(ipv6(.fragment, to: Host.cluster6, fragment(.udp, offset: 2, more: false, udp()))) == 0x30b)
    #expect(plane.set6(ipv6(.icmpv6, to: Host.cluster6, icmp(type: 128))) == 0x30b)
  }

  @Test func `all 32 bits take part`() {
    // i has one bit; the groups of ten put it at its place modulo ten.
    for bit in 0..<32 {
      let source = UInt32(0x0a000001), destination = source ^ (1 << bit)
      let frame = ethernet(.ipv4, ipv4(.udp, from: dotted(source), to: dotted(destination), udp()))
      #expect(plane.set(frame) == 1 << (bit % 10))
    }
  }

  /// 10.1.0.i ^ 10.2.0.i = 00030000 = 0 | 000 | 0c0 | 000, whatever i is: what X8 holds against this hash.
  @Test func `254 neighbouring flows share one work set`() {
    let sets = Set(neighbouringFlows.map { plane.set($0) })
    #expect(sets == [0x0c0])
  }

  @Test func `the key does not matter`() {
    let other = Plane(ClassifyDescription(.compat, key: TestKey.counting, cluster: [Host.cluster]))
    var random = Seeded(seed: 27)
    for _ in 0..<200 {
      let frame = plausibleFrame(&random)
      #expect(other.set(frame) == plane.set(frame))
    }
  }
}

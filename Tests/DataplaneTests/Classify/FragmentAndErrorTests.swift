import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// X9: fragments by addresses and protocol, ICMP errors by what they quote.
@Suite struct FragmentAndErrorTests {
  let plane = Plane(Gateway.description())

  @Test func `all fragments of a packet share a set, the first one too`() {
    let first = ipv4(.udp, moreFragments: true, udp())
    let sets = [first, ipv4(.udp, moreFragments: true, fragmentOffset: 3, [1]), ipv4(.udp, fragmentOffset: 0x1fff, [])]
      .map { plane.set4($0) }
    #expect(Set(sets).count == 1 && sets[0] != nil)
    #expect(plane.rule(ethernet(.ipv4, first)) == .fragment)
    let sets6 = [
      fragment(.udp, more: true, udp()), fragment(.udp, offset: 5, more: true, [9]),
      fragment(.udp, offset: 9, more: false),
    ].map { plane.set6(ipv6(.fragment, $0)) }
    #expect(Set(sets6).count == 1 && sets6[0] != nil)
  }

  @Test func `fragments to the cluster and into a tunnel are fragments first`() {
    for frame in [
      ipv4(.esp, to: Host.cluster, moreFragments: true, esp(spi: Gateway.inbound)),
      ipv4(.udp, to: Host.cluster, moreFragments: true, udp(to: 500, ike())),
      ipv4(.udp, from: "10.1.0.1", to: "10.2.0.1", fragmentOffset: 1, udp()),
    ] { #expect(plane.rule(ethernet(.ipv4, frame)) == .fragment) }
  }

  @Test func `don't-fragment makes no fragment, and neither does an atomic one`() {
    #expect(plane.set4(ipv4(.udp, dontFragment: true, udp())) == plane.set4(ipv4(.udp, udp())))
    let atomic = ipv6(.fragment, fragment(.udp, more: false, udp()))
    #expect(plane.set6(atomic) == plane.set6(ipv6(.udp, udp())))
  }

  @Test func `fragments of different protocols part ways`() {
    let differ = TestKey.several(4).contains { key in
      let plane = Plane(ClassifyDescription(.keyed, key: key))
      return plane.set4(ipv4(.udp, fragmentOffset: 1, [])) != plane.set4(ipv4(.tcp, fragmentOffset: 1, []))
    }
    #expect(differ)
  }

  /// Routers quote as little as the header and eight octets (RFC 792).
  @Test func `a quote of header and eight octets is enough`() {
    let quoted = ipv4(.tcp, tcp(text("data")))
    let error = ipv4(.icmp, from: "10.9.9.9", to: Host.alice, icmpError(quoting: quoted, octets: 28))
    #expect(plane.set4(error) == plane.set4(quoted))
    #expect(plane.set4(ipv4(.icmp, icmpError(quoting: quoted, octets: 24))) == plane.set4(quoted))
    // Without ports the quoted addresses are left.
    let pair = plane.set4(ipv4(.gre))
    #expect(plane.set4(ipv4(.icmp, from: "10.9.9.9", icmpError(quoting: quoted, octets: 23))) == pair)
  }

  @Test(arguments: 0..<20)
  func `a quote without a whole header leaves the error's own addresses`(_ octets: Int) {
    let error = icmpError(quoting: ipv4(.tcp, tcp()), octets: octets)
    let frame = ethernet(.ipv4, ipv4(.icmp, from: "10.9.9.9", to: Host.alice, error))
    #expect(plane.rule(frame) == .addresses)
    #expect(plane.set(frame) == plane.set4(ipv4(.gre, from: "10.9.9.9", to: Host.alice)))
  }

  @Test func `only the types that quote are errors`() {
    let quoted = ipv4(.tcp, tcp()), pair = plane.set4(ipv4(.gre, from: "10.9.9.9")), flow = plane.set4(quoted)
    for type in UInt8(0)...20 {
      let set = plane.set4(ipv4(.icmp, from: "10.9.9.9", icmpError(type: type, quoting: quoted)))
      #expect(set == ([3, 4, 5, 11, 12].contains(type) ? flow : pair), "type \(type)")
    }
    let quoted6 = ipv6(.tcp, tcp()), pair6 = plane.set6(ipv6(.gre, from: "2001:db8::9")), flow6 = plane.set6(quoted6)
    for type in [UInt8(0), 1, 2, 3, 4, 5, 100, 127, 128, 129, 135] {
      let set = plane.set6(ipv6(.icmpv6, from: "2001:db8::9", icmpError(type: type, quoting: quoted6)))
      #expect(set == ((1...4).contains(type) ? flow6 : pair6), "type \(type)")
    }
  }

  @Test func `quoted ESP goes through our outbound SA to the tunnel's set`() {
    func error(_ quoted: [UInt8]) -> [UInt8] {
      ethernet(.ipv4, ipv4(.icmp, from: "10.9.9.9", to: Host.cluster, icmpError(type: 3, code: 4, quoting: quoted)))
    }
    let ours = ipv4(.esp, from: Host.cluster, to: Gateway.peer, esp(spi: Gateway.outbound))
    #expect(plane.set(error(ours)) == 0x123)
    let inUDP = ipv4(.udp, from: Host.cluster, to: Gateway.peer, espInUDP(spi: Gateway.outbound))
    #expect(plane.set(error(inUDP)) == 0x123)
    // The SPI alone does not name the SA: another peer may have chosen the same.
    let stranger = ipv4(.esp, from: Host.cluster, to: Host.bob, esp(spi: Gateway.outbound))
    #expect(plane.set(error(stranger)) == plane.set4(ipv4(.gre, from: Host.cluster, to: Host.bob)))
    // Our inbound SPI names nothing that we sent.
    let inbound = ipv4(.esp, from: Host.cluster, to: Gateway.peer, esp(spi: Gateway.inbound))
    #expect(plane.rule(error(inbound)) == .addresses)
  }

  @Test func `quoted ESP over IPv6 finds its tunnel too`() {
    let ours = ipv6(.esp, from: Host.cluster6, to: Gateway.peer6, esp(spi: Gateway.outbound6))
    let error = ipv6(.icmpv6, from: "2001:db8::9", to: Host.cluster6, icmpError(type: 2, quoting: ours))
    #expect(plane.set6(error) == 0x277)
  }

  @Test func `quoted clear traffic of a tunnel goes to the tunnel, in both directions`() {
    for (source, destination) in [("10.1.0.1", "10.2.0.1"), ("10.2.0.1", "10.1.0.1")] {
      let quoted = ipv4(.tcp, from: source, to: destination, tcp())
      #expect(plane.set4(ipv4(.icmp, from: "10.9.9.9", to: source, icmpError(quoting: quoted))) == 0x123)
    }
  }

  @Test func `a quoted IKE message of ours goes where its answers go`() {
    let message = ike(initiator: 0xabcd)
    let answers = plane.set4(ipv4(.udp, to: Host.cluster, udp(from: 500, to: 500, message)))
    for datagram in [udp(from: 500, to: 500, message), ikeBehindMarker(message)] {
      let quoted = ipv4(.udp, from: Host.cluster, to: Host.bob, datagram)
      #expect(
        plane.set4(ipv4(.icmp, from: "10.9.9.9", to: Host.cluster, icmpError(type: 3, quoting: quoted))) == answers)
    }
  }

  @Test func `an error about an error ends at the addresses of the inner one`() {
    let inner = ipv4(.icmp, from: "10.7.7.7", to: "10.8.8.8", icmpError(quoting: ipv4(.tcp, tcp())))
    let outer = ipv4(.icmp, from: "10.9.9.9", icmpError(quoting: inner))
    #expect(plane.set4(outer) == plane.set4(ipv4(.gre, from: "10.7.7.7", to: "10.8.8.8")))
  }
}

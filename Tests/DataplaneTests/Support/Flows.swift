import PacketMaking
import Wire

func dotted(_ address: UInt32) -> String { IPv4Address(address).description }

/// 10.1.0.i:4000 > 10.2.0.i:5000 for i = 1 ... 254.
let neighbouringFlows: [[UInt8]] = (1...254).map { i in
  ethernet(.ipv4, ipv4(.udp, from: "10.1.0.\(i)", to: "10.2.0.\(i)", udp(from: 4000, to: 5000)))
}

/// One packet of a flow and one of its answers.
struct Exchange {
  var name: String
  var there: [UInt8]
  var back: [UInt8]
  var isIPv6 = false

  var frames: [[UInt8]] { [there, back].map { ethernet(isIPv6 ? .ipv6 : .ipv4, $0) } }
}

/// Every kind of flow between two hosts, as IP packets without a link header.
func exchanges(_ random: inout Seeded, isIPv6: Bool) -> [Exchange] {
  let here = someHost(&random, isIPv6: isIPv6), there = someHost(&random, isIPv6: isIPv6)
  let a = somePort(&random), b = somePort(&random)
  let ping: (UInt8, UInt8) = isIPv6 ? (128, 129) : (8, 0)
  let spi = UInt32(truncatingIfNeeded: random.next())
  func exchange(_ name: String, _ next: NextHeader, _ one: [UInt8], _ other: [UInt8]) -> Exchange {
    isIPv6
      ? Exchange(
        name: name, there: ipv6(next, from: here, to: there, one), back: ipv6(next, from: there, to: here, other),
        isIPv6: true)
      : Exchange(
        name: name, there: ipv4(next, from: here, to: there, one), back: ipv4(next, from: there, to: here, other))
  }
  return [
    exchange("UDP", .udp, udp(from: a, to: b), udp(from: b, to: a, text("answer"))),
    exchange("TCP", .tcp, tcp(from: a, to: b), tcp(from: b, to: a, flags: TCPFlag.acknowledge)),
    exchange("TCP on one port", .tcp, tcp(from: a, to: a), tcp(from: a, to: a)),
    exchange(
      "echo", isIPv6 ? .icmpv6 : .icmp, icmp(type: ping.0, rest: 0x0001_0001), icmp(type: ping.1, rest: 0x0001_0001)),
    exchange("ESP", .esp, esp(spi: spi), esp(spi: ~spi)),
    exchange("GRE", .gre, gre(.ipv4, ipv4(.udp, udp())), gre(.ipv6)),
    exchange("IKE", .udp, udp(from: 500, to: 500, ike()), udp(from: 500, to: 500, ike(responder: 7))),
    exchange("ESP in UDP", .udp, udp(from: a, to: 4500, esp(spi: spi)), udp(from: 4500, to: a, esp(spi: ~spi))),
    exchange("nothing we know", 253, random.octets(9), random.octets(3)),
    exchange("too short for ports", .udp, [1, 2, 3], []),
  ]
}

/// First and later fragments of what two hosts exchange.
func fragmentExchanges(_ random: inout Seeded, isIPv6: Bool) -> [Exchange] {
  let here = someHost(&random, isIPv6: isIPv6), there = someHost(&random, isIPv6: isIPv6)
  let a = somePort(&random), b = somePort(&random)
  let first = udp(from: a, to: b), rest = random.octets(24)
  if isIPv6 {
    func v6(_ from: String, _ to: String, _ offset: UInt16, _ more: Bool, _ octets: [UInt8]) -> [UInt8] {
      ipv6(.fragment, from: from, to: to, fragment(.udp, offset: offset, more: more, octets))
    }
    return [
      Exchange(
        name: "first", there: v6(here, there, 0, true, first), back: v6(there, here, 0, true, udp()), isIPv6: true),
      Exchange(
        name: "last", there: v6(here, there, 3, false, rest), back: v6(there, here, 0, true, first), isIPv6: true),
    ]
  }
  func v4(_ from: String, _ to: String, _ offset: UInt16, _ more: Bool, _ octets: [UInt8]) -> [UInt8] {
    ipv4(.udp, from: from, to: to, moreFragments: more, fragmentOffset: offset, octets)
  }
  return [
    Exchange(name: "first", there: v4(here, there, 0, true, first), back: v4(there, here, 0, true, udp())),
    Exchange(name: "last", there: v4(here, there, 3, false, rest), back: v4(there, here, 0, true, first)),
  ]
}

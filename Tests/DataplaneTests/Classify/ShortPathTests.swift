import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// The short path is an opinion of its own about most packets: it must never differ from the full path's.
@Suite struct ShortPathTests {
  static let descriptions: [ClassifyDescription] = [
    ClassifyDescription(.keyed, key: TestKey.counting),
    ClassifyDescription(.keyed, key: TestKey.counting, cluster: [Host.cluster, Host.cluster6]),
    ClassifyDescription(.keyed, key: TestKey.counting, cluster: [Host.bob, Host.bob6]),
    Gateway.description(),
    Gateway.description(cluster: [Host.bob]),
    ClassifyDescription(.compat, cluster: [Host.bob]),
    accepting(unit: Host.bobMAC), accepting(unit: "00:00:5e:00:53:99"),
    accepting(unit: "00:00:5e:00:53:99", unicast: Host.bobMAC),
    accepting(unit: "00:00:5e:00:53:99", groups: [Host.bobMAC]),
  ]

  static func accepting(unit: String, unicast: String? = nil, groups: [String] = []) -> ClassifyDescription {
    let accept = AcceptDescription(
      unitMAC: MACAddress(unit)!, clusterUnicastMAC: unicast.map { MACAddress($0)! },
      clusterMulticastMAC: MACAddress("03:00:5e:00:53:99")!, groups: groups.map { MACAddress($0)! })
    return ClassifyDescription(.keyed, key: TestKey.counting, accept: accept)
  }

  /// The frames, as digits, on which the two differ.
  static func differences(_ plane: Plane, _ frames: [[UInt8]]) -> [String] {
    frames.filter { frame in
      let short = plane.shortPath(frame), full = plane.fullClassification(frame)
      let both = plane.classification(frame)
      let agrees =
        short < 0
        || (full.reason == .none && Int(full.workSet) == short && (full.rule == .flow || full.rule == .tunnel))
      return !agrees || both.reason != full.reason || both.workSet != full.workSet
    }.map { $0.map { String($0, radix: 16) }.joined(separator: " ") }
  }

  @Test(arguments: descriptions.indices)
  func `it answers what the full path answers, on random packets`(_ index: Int) {
    var random = Seeded(seed: 1000 + UInt64(index))
    let plane = Plane(Self.descriptions[index])
    let frames = (0..<6000).map { _ in hostileFrame(&random) }
    #expect(Self.differences(plane, frames).prefix(3) == [])
  }

  /// A plain UDP or TCP packet with one field at a time bent to every value that matters.
  static var crafted: [[UInt8]] {
    let destinations = [Host.bob, Host.cluster, "10.2.0.1"]
    let ports: [UInt16] = [0, 53, 499, 500, 501, 1701, 4499, 4500, 4501, 65535]
    var frames: [[UInt8]] = []
    for destination in destinations {
      for next in UInt8(0)...255 {
        frames.append(ethernet(.ipv4, ipv4(NextHeader(next), from: "10.1.0.1", to: destination, udp())))
      }
      for one in ports {
        for other in ports {
          frames.append(ethernet(.ipv4, ipv4(.udp, to: destination, udp(from: one, to: other, ike()))))
          frames.append(ethernet(.ipv4, ipv4(.tcp, to: destination, tcp(from: one, to: other))))
        }
      }
      for length in Array(0...60) + [255, 256, 1500, 65535] {
        frames.append(ethernet(.ipv4, ipv4(.udp, to: destination, totalLength: length, udp(text("payload")))))
      }
      for word in UInt16(0)...15 {
        var frame = ethernet(.ipv4, ipv4(.udp, to: destination, udp()))
        frame.replaceSubrange(20..<22, with: big(word << 12 | word & 1))
        frames.append(frame)
      }
      for first in UInt8(0)...255 {
        var frame = ethernet(.ipv4, ipv4(.udp, to: destination, udp()))
        frame[14] = first
        frames.append(frame)
      }
      let whole = ethernet(.ipv4, ipv4(.tcp, to: destination, tcp(text("payload"))))
      frames += (0...whole.count).map { Array(whole.prefix($0)) }
    }
    for destination in [Host.aliceMAC, Host.bobMAC, "00:00:5e:00:53:99", "03:00:5e:00:53:99", "ff:ff:ff:ff:ff:ff"] {
      frames.append(ethernet(.ipv4, to: destination, ipv4(.udp, udp())))
    }
    return frames + [ethernet(.ipv6, ipv4(.udp, udp())), ethernet(0x0801, ipv4(.udp, udp()))]
  }

  @Test(arguments: descriptions.indices)
  func `it answers what the full path answers, on crafted packets`(_ index: Int) {
    #expect(Self.differences(Plane(Self.descriptions[index]), Self.crafted).prefix(3) == [])
  }

  /// It would be easy to be right by never answering.
  @Test func `it answers for ordinary packets, and leaves the rest`() {
    let plane = Plane(ClassifyDescription(.keyed, cluster: [Host.cluster]))
    #expect(plane.shortPath(ethernet(.ipv4, ipv4(.udp, udp()))) >= 0)
    #expect(neighbouringFlows.filter { plane.shortPath($0) >= 0 }.count > 200)
    for frame in [
      ethernet(.ipv4, ipv4(.udp, to: Host.cluster, udp())), ethernet(.ipv4, ipv4(.udp, udp(to: 4500))),
      ethernet(.ipv4, ipv4(.udp, moreFragments: true, udp())), ethernet(.ipv4, ipv4(.icmp, icmp(type: 8))),
      ethernet(.ipv4, ipv4(.udp, options: [1, 1, 1, 1], udp())), ethernet(.ipv6, ipv6(.udp, udp())),
      tagged(1, .ipv4, ipv4(.udp, udp())),
    ] { #expect(plane.shortPath(frame) < 0) }
  }

  @Test func `the seed's hash has none`() {
    let frame = ethernet(.ipv4, ipv4(.udp, udp()))
    #expect(Plane(ClassifyDescription(.compat)).shortPath(frame) < 0)
  }

  /// The bytes of a frame mean something else under every link type.
  @Test(arguments: LinkType.allCases)
  func `under every link type both ways agree`(_ link: LinkType) {
    var random = Seeded(seed: 1 + UInt64(link.rawValue))
    for description in Self.descriptions {
      let plane = Plane(description, link: link)
      var frames = (0..<300).map { _ in hostileFrame(&random) }
      frames += (0..<300).map { _ in
        linkFrame(link, isIPv6: random.chance(of: 2), &random)
      }
      #expect(Self.differences(plane, frames).prefix(3) == [])
    }
  }

  @Test(arguments: LinkType.allCases)
  func `a flow has the same set under every link type`(_ link: LinkType) {
    let description = ClassifyDescription(.keyed, key: TestKey.counting)
    let plane = Plane(description, link: link), wire = Plane(description)
    let v4 = ipv4(.udp, udp()), v6 = ipv6(.tcp, tcp())
    #expect(plane.set(linkFrame(link, isIPv6: false, v4)) == wire.set4(v4))
    #expect(plane.set(linkFrame(link, isIPv6: true, v6)) == wire.set6(v6))
  }
}

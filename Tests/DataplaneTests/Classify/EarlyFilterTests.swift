import CKernel
import Contract
@testable import Dataplane
import Foundation
import PacketMaking
import Synchronization
import Testing
import Wire

/// The filter in the kernel and the workers, packet by packet (C24): what no worker would call another member's is never
/// dropped early; what is, always, unless it is of a kind that is left to workers (EarlyLeft).
@Suite(.enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct EarlyFilterTests {
  static let outer = "203.0.113.9"
  static let spis: [UInt32] = [0x1000, 0x1001, 0x2abc_def1, 0xffff_ffff, 0x8000_0007]

  static let groups = [
    GroupDescription(spi: 0x9000_0001, senderIDBits: 8), GroupDescription(spi: 0x9000_0002, senderIDBits: 12),
    GroupDescription(spi: 0x9000_0003, senderIDBits: 16),
  ]

  /// Without networks of their own they take no clear traffic.
  static let tunnels = spis.map {
    TunnelDescription(inboundSPI: $0, outboundSPI: 7, peer: IPAddress(outer)!)
  }

  static func description(
    key: String = TestKey.counting, cluster: [String] = [Host.cluster, Host.cluster6],
    tunnels: [TunnelDescription] = EarlyFilterTests.tunnels, locals: [String] = [], accept: AcceptDescription? = nil
  ) -> ClassifyDescription {
    var description = ClassifyDescription(
      .keyed, key: key, cluster: cluster, tunnels: tunnels, groups: groups, accept: accept)
    description.localAddresses = locals.map { IPAddress($0)! }
    return description
  }

  static let accept = AcceptDescription(
    unitMAC: MACAddress(Host.bobMAC)!, clusterUnicastMAC: MACAddress("02:00:5e:00:53:77")!,
    clusterMulticastMAC: MACAddress("03:00:5e:00:53:99")!)

  static let descriptions: [ClassifyDescription] = [
    description(),
    description(key: TestKey.zero, cluster: []),
    description(cluster: [Host.bob, Host.bob6, Host.cluster]),
    description(locals: [Host.bob, Host.bob6, "10.0.0.1"]),
    description(accept: accept),
    description(cluster: (1...60).map { "198.51.100.\($0)" } + [Host.bob6]),
    // Its tunnels take clear traffic, and say whose it is.
    Gateway.description(), Gateway.description(cluster: [Host.bob]),
    ClassifyDescription(.compat, cluster: [Host.bob]),
  ]

  /// Hostile ones lie between two hosts: here between many.
  static func hostile(_ count: Int, _ random: inout Seeded) -> [[UInt8]] {
    (0..<count).map { _ in
      var frame = hostileFrame(&random)
      for place in [29, 37] where frame.count > place && random.chance(of: 2) {
        frame[place] = UInt8(truncatingIfNeeded: random.next())
      }
      if frame.count > 5, random.chance(of: 2) {
        let mac = ["03:00:5e:00:53:99", "02:00:5e:00:53:77", "03:00:5e:00:53:99", Host.aliceMAC, "33:33:00:00:00:01"]
        frame.replaceSubrange(0..<6, with: address(mac[random.below(5)]))
      }
      return frame
    }
  }

  @Test(arguments: descriptions.indices, Side.allCases)
  func `what is another member's is dropped, and nothing else, but what is left to workers`(
    _ index: Int, _ side: Side
  ) throws {
    var random = Seeded(seed: 77 + UInt64(index))
    let frames =
      Self.hostile(4000 / Effort.step(4), &random)
      + Self.toCluster(Self.judgeable(20, &random), Self.descriptions[index])
    let found = try EarlyComparison.run(Self.descriptions[index], frames, from: side)
    print("early filter, \(side), configuration \(index): \(found.share) foreign ones dropped early")
    #expect(found.isRight, "\(found.wrong.prefix(2))")
    #expect(found.isComplete, "\(found.missed.prefix(2))")
    let isBlind = Self.descriptions[index].hash == .compat
    #expect(isBlind ? found.early == 0 : found.early > 50)
  }

  /// All kinds of packets that the filter is for, between hosts by chance.
  static func judgeable(_ count: Int, _ random: inout Seeded) -> [[UInt8]] {
    (0..<count).flatMap { _ in kinds(&random, isIPv6: false) + kinds(&random, isIPv6: true) }
  }

  private static func kinds(_ random: inout Seeded, isIPv6: Bool) -> [[UInt8]] {
    let from = someHost(&random, isIPv6: isIPv6), to = someHost(&random, isIPv6: isIPv6)
    let cluster = isIPv6 ? Host.cluster6 : Host.cluster
    let (one, other) = (somePort(&random), somePort(&random))
    let offset = UInt16(1 + random.below(100))
    func packet(_ next: NextHeader, to destination: String, _ payload: [UInt8]) -> [UInt8] {
      isIPv6
        ? ethernet(.ipv6, ipv6(next, from: from, to: destination, payload))
        : ethernet(.ipv4, ipv4(next, from: from, to: destination, payload))
    }
    func piece(to destination: String, _ next: NextHeader, _ offset: UInt16, more: Bool) -> [UInt8] {
      isIPv6
        ? packet(.fragment, to: destination, fragment(next, offset: offset, more: more, tcp()))
        : ethernet(
          .ipv4, ipv4(next, from: from, to: destination, moreFragments: more, fragmentOffset: offset, tcp()))
    }
    let known = spis + groups.map(\.spi)
    return [cluster, to].flatMap { destination in
      [
        packet(.tcp, to: destination, tcp(from: one, to: other)),
        packet(.udp, to: destination, udp(from: one, to: other)),
        packet(.udp, to: destination, udp(from: 500, to: other)), packet(.udp, to: destination, udp(from: 4500, to: 9)),
        packet(.tcp, to: destination, tcp(from: one, to: 4500)),
        packet(isIPv6 ? .icmpv6 : .icmp, to: destination, icmp(type: isIPv6 ? 128 : 8, rest: one32(&random))),
        packet(isIPv6 ? .icmpv6 : .icmp, to: destination, icmp(type: isIPv6 ? 129 : 0, rest: one32(&random))),
        packet(.gre, to: destination, gre(.ipv4)), packet(.sctp, to: destination, []),
        piece(to: destination, .udp, 0, more: true), piece(to: destination, .udp, offset, more: false),
        piece(to: destination, .esp, offset, more: true), piece(to: destination, .icmp, offset, more: false),
      ]
    }
      + [packet(.esp, to: to, esp(spi: one32(&random), iv: random.octets(8)))]
      + [0, 4].map { zeros in
        let message = [UInt8](repeating: 0, count: zeros) + ike(initiator: random.next())
        return packet(.udp, to: cluster, udp(from: one, to: zeros == 0 ? 500 : 4500, message))
      }
      + [false, true].map { hasLength in
        let ids = l2tp(tunnel: 1 + UInt16(random.below(9)), session: one, hasLength: hasLength, [0, 0])
        return packet(.udp, to: cluster, udp(from: other, to: 1701, ids))
      }
      + known.flatMap { spi in
        let sealed = esp(spi: spi, iv: random.octets(8), random.octets(24))
        return [
          packet(.esp, to: cluster, sealed), packet(.udp, to: cluster, udp(from: one, to: 4500, sealed)),
        ]
      }
  }

  private static func one32(_ random: inout Seeded) -> UInt32 { UInt32(truncatingIfNeeded: random.next()) }

  /// By the MAC address that all members take, where there is one.
  private static func toCluster(_ frames: [[UInt8]], _ description: ClassifyDescription) -> [[UInt8]] {
    guard let mac = description.accept?.clusterMulticastMAC else { return frames }
    return frames.map { address("\(mac)") + $0.dropFirst(6) }
  }

  static let plain = [description(), description(accept: accept), description(locals: ["10.0.0.1"])]

  @Test(arguments: plain.indices)
  func `what the filter is for is dropped always`(_ index: Int) throws {
    var random = Seeded(seed: 5)
    let frames = Self.toCluster(Self.judgeable(120 / Effort.step(4), &random), Self.plain[index])
    let found = try EarlyComparison.run(Self.plain[index], frames)
    print("early filter: of the kinds that it is for, \(found.share) foreign ones dropped early")
    #expect(found.isRight, "\(found.wrong.prefix(2))")
    #expect(found.isComplete, "\(found.missed.prefix(2))")
    #expect(found.foreign > found.frames / 3 && found.foreign < found.frames * 2 / 3)
  }

  @Test func `what comes to a unit's own address is left to workers: another member may have passed it on`() throws {
    var random = Seeded(seed: 7)
    let rig = try EarlyRig(spis: 16)
    rig.memory.set(EarlyFilter(EarlyRules(Self.description(accept: Self.accept))!) { _ in true })
    for frame in Self.judgeable(2, &random) {
      #expect(rig.lets(frame) == (true, true))
      for mac in ["03:00:5e:00:53:99", "02:00:5e:00:53:77"] {
        #expect(rig.lets(address(mac) + frame.dropFirst(6)) == (false, false))
      }
    }
    var alone = Self.accept
    alone.clusterMulticastMAC = nil
    alone.clusterUnicastMAC = nil
    #expect(EarlyRules(Self.description(accept: alone)) == nil)
  }

  /// The comparison can fail.
  @Test func `another key is noticed`() throws {
    var random = Seeded(seed: 6)
    let description = Self.description()
    let key = WorkSetKey(high: description.key.high, low: description.key.low ^ 1)
    let found = try EarlyComparison.run(description, Self.judgeable(10, &random), key: key)
    #expect(found.wrong.count > 50 && found.missed.count > 50)
  }

  @Test func `the documentation lists what is left to workers, and nothing else`() throws {
    let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/").dropFirst()
    let lines = try String(contentsOfFile: String(root) + "/ARCHITECTURE.md", encoding: .utf8).split(separator: "\n")
    let section = lines.drop { $0 != "## The early filter" }.dropFirst().prefix { !$0.hasPrefix("## ") }
    #expect(section.filter { $0.hasPrefix("* ") } == EarlyLeft.allCases.map { "* \($0.rawValue)" })
  }

  @Test func `what is for this gateway is left to workers`() throws {
    let near = ethernet(.ipv4, ipv4(.udp, to: "10.0.0.1", udp())), clear = ethernet(.ipv4, ipv4(.udp, udp()))
    let rig = try EarlyRig(spis: 16)
    rig.memory.set(EarlyFilter(EarlyRules(Self.description(locals: ["10.0.0.1"]))!) { _ in true })
    #expect(rig.lets(near) == (true, true))
    #expect(rig.lets(clear) == (false, false))
  }

  @Test func `it follows its table, by one rule after another, and counts`() throws {
    var random = Seeded(seed: 8)
    let frames = Self.judgeable(2, &random)
    let rig = try EarlyRig(spis: 16)
    #expect(frames.allSatisfy { rig.lets($0) == (true, true) }, "until it is told")
    let keys = TestKey.several(5)
    for key in keys + [keys[0]] {
      let found = try EarlyComparison.run(Self.description(key: key), frames, rig: rig)
      #expect(found.isRight && found.isComplete && found.foreign > 20)
    }
    let rules = EarlyRules(Self.description())!
    let before = rig.memory.counts.filtered
    rig.memory.set(EarlyFilter(rules) { _ in true })
    #expect(frames.allSatisfy { rig.lets($0) == (false, false) })
    #expect(rig.memory.counts.filtered == before + 2 * UInt64(frames.count))
    rig.memory.set(EarlyFilter(rules) { _ in false })
    #expect(frames.allSatisfy { rig.lets($0) == (true, true) })
    rig.memory.set(EarlyFilter(rules) { _ in true })
    rig.memory.set(nil)
    #expect(frames.allSatisfy { rig.lets($0) == (true, true) })
    #expect(rig.memory.counts.filtered == before + 2 * UInt64(frames.count))
  }

  /// A device comes back when the control thread has given up what it does not need; the verifier then allows less.
  @Test func `what the control thread keeps is enough to load it`() {
    let isLoaded = Atomic(false)
    onThreads(1) { _ in
      guard hauberk_keep_capabilities(hauberk_control_capabilities()) == 0 else { return }
      isLoaded.store((try? EarlyRig()) != nil, ordering: .sequentiallyConsistent)
    }
    let isAllowed = isLoaded.load(ordering: .sequentiallyConsistent)
    #expect(isAllowed)
  }

  /// As many as there is no room for: those are let through, and none is taken for another.
  @Test func `more SPIs than it was made for are left to workers`() throws {
    var random = Seeded(seed: 9)
    let spis = (0..<4000).map { _ in UInt32(truncatingIfNeeded: random.next()) | 1 }
    let tunnels = spis.map { TunnelDescription(inboundSPI: $0, outboundSPI: 7, peer: IPAddress(Self.outer)!) }
    let frames = spis.map { spi in
      ethernet(.ipv4, ipv4(.esp, to: Host.cluster, esp(spi: spi, iv: [UInt8](repeating: 1, count: 8))))
    }
    let few = try EarlyComparison.run(Self.description(tunnels: tunnels), frames, rig: EarlyRig(spis: 0))
    #expect(few.isRight && few.early > 200 && few.early < few.foreign / 2)
    let enough = try EarlyComparison.run(Self.description(tunnels: tunnels), frames)
    print("early filter: with room for 4000 SPIs \(enough.share) foreign ones dropped early")
    #expect(enough.isRight && enough.missed.count * 20 < enough.foreign)
  }
}

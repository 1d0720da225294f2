import CXDP
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// The filter in the kernel asks the policy as workers do (C24, X5), where a unicast tunnel takes clear packets.
@Suite(.enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct EarlyPolicyTests {
  @Test(arguments: Side.allCases)
  func `between hosts and policies by chance it drops what is another member's, and nothing else`(_ side: Side) throws {
    var all = EarlyComparison()
    let rig = try EarlyRig(side, spis: 16)
    let engine = try CryptoEngine(lanes: 1)
    for seed in 0..<UInt64(240 / Effort.step(4)) {
      var world = try PolicyWorld(seed: seed)
      let associations = try Associations(world.description, engine: engine, workers: 1)
      let frames = (0..<400).map { _ in world.frame() }
      let found = try EarlyComparison.run(world.description, frames, from: side, rig: rig, associations: associations)
      #expect(found.isRight, "configuration \(seed): \(found.wrong.prefix(1))")
      #expect(found.isComplete, "configuration \(seed): \(found.missed.prefix(1))")
      all.add(found)
    }
    print(
      "early filter, \(side), with policies: \(all.share) foreign ones dropped early, \(all.earlyForTunnels) of tunnels"
    )
    #expect(all.early > all.frames / 4 && all.earlyForTunnels > all.frames / 20)
    // Each kind that is left has been met; the others are a description's.
    let kinds = Set(EarlyLeft.allCases).subtracting([.everything, .elsewhere, .local, .policy, .otherType, .discovery])
    #expect(kinds.isSubset(of: all.left.keys), "\(all.left)")
  }

  // MARK: - One rule after another

  private static func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }

  private static func description(_ policies: [PolicyDescription], tunnels: Int = 2) -> ClassifyDescription {
    var description = EarlyFilterTests.description(
      tunnels: (0..<tunnels).map { number in
        TunnelDescription(
          name: "tunnel \(number)", inboundSPI: 0x4000 + UInt32(number), outboundSPI: 7,
          peer: IPAddress(EarlyFilterTests.outer)!)
      })
    description.policies = policies
    return description
  }

  /// Which of a description's tunnels has a frame's work set, by what the filter drops; nil: none of them.
  private static func tunnel(_ frame: [UInt8], _ description: ClassifyDescription, from side: Side = .inside) throws
    -> Int?
  {
    let rig = try EarlyRig(side, spis: 16)
    for (number, tunnel) in description.tunnels.enumerated() {
      rig.memory.set(EarlyFilter(EarlyRules(description)!) { $0 == Int(tunnel.inboundSPI & 1023) })
      let lets = rig.lets(frame)
      #expect(lets.xdp == lets.socket)
      if !lets.xdp { return number }
    }
    return nil
  }

  private static func clear(_ next: NextHeader = .udp, _ payload: [UInt8] = udp(from: 80, to: 81)) -> [UInt8] {
    ethernet(.ipv4, ipv4(next, from: "10.1.0.1", to: "10.2.0.1", payload))
  }

  @Test func `the first policy that fits counts, however narrow the next`() throws {
    let wide = PolicyDescription(
      .protect("tunnel 0"), source: Self.prefix("10.0.0.0/8"), destination: Self.prefix("0.0.0.0/0"))
    let narrow = PolicyDescription(
      .protect("tunnel 1"), source: Self.prefix("10.1.0.1/32"), destination: Self.prefix("10.2.0.1/32"))
    var open = narrow
    open.action = .bypass
    #expect(try Self.tunnel(Self.clear(), Self.description([wide, narrow])) == 0)
    #expect(try Self.tunnel(Self.clear(), Self.description([narrow, wide])) == 1)
    #expect(try Self.tunnel(Self.clear(), Self.description([open, wide, narrow])) == nil)
    #expect(try Self.tunnel(Self.clear(), Self.description([wide, open])) == 0)
  }

  @Test func `protocol and ports count, where a packet has them`() throws {
    var udpOnly = PolicyDescription(
      .protect("tunnel 0"), source: Self.prefix("0.0.0.0/0"), destination: Self.prefix("0.0.0.0/0"))
    var rest = udpOnly
    rest.action = .protect("tunnel 1")
    udpOnly.protocolNumber = 17
    #expect(try Self.tunnel(Self.clear(), Self.description([udpOnly, rest])) == 0)
    #expect(try Self.tunnel(Self.clear(.tcp, tcp()), Self.description([udpOnly, rest])) == 1)
    #expect(try Self.tunnel(Self.clear(.icmp, icmp(type: 8)), Self.description([udpOnly, rest])) == 1)
    for (from, to, expected) in [(80...80, 81...90, 0), (79...79, 81...81, 1), (80...80, 82...90, 1)] as [(_, _, Int)] {
      var named = udpOnly
      named.sourcePorts = UInt16(from.lowerBound)...UInt16(from.upperBound)
      named.destinationPorts = UInt16(to.lowerBound)...UInt16(to.upperBound)
      #expect(try Self.tunnel(Self.clear(), Self.description([named, rest])) == expected)
    }
  }

  @Test func `what comes from outside is asked for as what would go there`() throws {
    var there = PolicyDescription(
      .protect("tunnel 0"), source: Self.prefix("10.1.0.0/16"), destination: Self.prefix("10.2.0.0/16"))
    there.protocolNumber = 17
    there.sourcePorts = 80...80
    let back = ethernet(.ipv4, ipv4(.udp, from: "10.2.0.1", to: "10.1.0.1", udp(from: 81, to: 80)))
    let description = Self.description([there])
    #expect(try Self.tunnel(Self.clear(), description) == 0)
    #expect(try Self.tunnel(Self.clear(), description, from: .outside) == nil)
    #expect(try Self.tunnel(back, description) == nil)
    #expect(try Self.tunnel(back, description, from: .outside) == 0)
  }

  // MARK: - Limits

  private static func lines(_ count: Int, _ source: (Int) -> String) -> [PolicyDescription] {
    (0..<count).map { number in
      var line = PolicyDescription(
        .protect("tunnel \(number % 2)"), source: prefix(source(number)), destination: prefix("10.2.0.0/16"))
      line.protocolNumber = UInt8(number % 200)
      return line
    }
  }

  /// Whether forwarded clear packets are judged, in memory made for the description or for `buckets`.
  private static func isJudged(_ policies: [PolicyDescription], buckets: Int? = nil, tunnels: Int = 2) throws -> Bool {
    let description = description(policies, tunnels: tunnels)
    let rig = try EarlyRig(spis: 16, selectorBuckets: buckets ?? EarlyRules.selectorBuckets(description))
    var random = Seeded(seed: 11)
    let frames = EarlyFilterTests.judgeable(4, &random)
    let found = try EarlyComparison.run(description, frames, rig: rig)
    let without = try EarlyComparison.run(description, frames, rig: rig, hasRoomForPolicy: false)
    #expect(found.isRight && (found.isComplete != without.isRight), "either all or none of them")
    return found.isComplete
  }

  @Test func `a policy for which there is no room leaves forwarded packets to workers`() throws {
    let same = Int(HAUBERK_EARLY_SELECTORS), shapes = Int(HAUBERK_EARLY_SHAPES)
    #expect(try Self.isJudged(Self.lines(same) { _ in "10.1.0.0/16" }))
    #expect(try !Self.isJudged(Self.lines(same + 1) { _ in "10.1.0.0/16" }))
    #expect(try Self.isJudged(Self.lines(shapes) { "10.1.0.0/\($0)" }))
    #expect(try !Self.isJudged(Self.lines(shapes + 1) { "10.1.0.0/\($0)" }))
    let many = Self.lines(100) { "10.3.\($0).0/24" }
    #expect(try Self.isJudged(many))
    #expect(try !Self.isJudged(many, buckets: 64), "it was made for another configuration")
    var reached = Self.lines(4 * same) { _ in "10.1.0.0/16" }
    for line in reached.indices { reached[line].protocolNumber = line < 3 ? 6 : nil }
    #expect(try Self.isJudged(reached), "behind one for all protocols there may be any number")
    // Shapes and networks that differ in the same bit.
    var near = Self.lines(same) { _ in "10.0.0.0/16" }
    for line in near.indices { near[line].destination = Self.prefix("10.0.0.1/32") }
    near.append(PolicyDescription(.discard, source: Self.prefix("10.0.0.0/16"), destination: Self.prefix("10.0.0.0/8")))
    near.append(Self.lines(1) { _ in "10.0.0.0/16" }[0])
    #expect(try Self.isJudged(near))
    // What stands behind the last line that leads into a tunnel says nothing.
    var open = Self.lines(same) { _ in "10.1.0.0/16" }
    for line in open.indices.dropFirst() { open[line].action = .bypass }
    #expect(try Self.isJudged(open + open.dropFirst()))
  }

  @Test func `thousands of tunnels have room, and tens of thousands not`() throws {
    func tunnels(_ count: Int) -> ClassifyDescription {
      var description = Self.description([], tunnels: count)
      for number in 0..<count {
        description.tunnels[number].local = [Self.prefix("10.1.0.0/16")]
        description.tunnels[number].remote = [
          Self.prefix("172.\(16 + number / 65536).\(number / 256 % 256).\(number % 256)/32")
        ]
      }
      return description
    }
    let most = Int(HAUBERK_EARLY_MOST_SELECTORS)
    #expect(EarlyRules.selectorBuckets(tunnels(most)) == most && EarlyRules.selectorBuckets(tunnels(most + 1)) == 0)
    let description = tunnels(3000)
    var random = Seeded(seed: 12)
    let frames = (0..<2000).map { _ in
      ethernet(.ipv4, ipv4(.udp, from: "10.1.2.3", to: "172.16.\(random.below(16)).\(random.below(256))", udp()))
    }
    let found = try EarlyComparison.run(description, frames)
    #expect(found.isRight && found.isComplete && found.earlyForTunnels > 500)
  }
}

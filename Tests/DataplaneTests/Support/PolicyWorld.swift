import Contract
@testable import Dataplane
import PacketMaking
import Wire

/// A few hosts and ports, policies and tunnels between them by chance, and packets that meet them often.
struct PolicyWorld {
  private(set) var description: ClassifyDescription
  private var random: Seeded

  static let local = "10.0.0.77", local6 = "2001:db8::77"
  /// Ports with rules of their own, their neighbours, and some that two policies may divide.
  private static let ports: [UInt16] = [0, 79, 80, 81, 82, 500, 1701, 4500, 40_000]
  private static let lengths = [0, 8, 15, 16, 23, 24, 30, 32]
  private static let lengths6 = [0, 32, 47, 48, 63, 64, 126, 128]

  init(seed: UInt64, key: String = TestKey.counting) throws {
    var random = Seeded(seed: seed)
    var description = ClassifyDescription(
      .keyed, key: key, cluster: [Host.cluster, Host.cluster6],
      accept: random.chance(of: 2) ? nil : EarlyFilterTests.accept)
    description.localAddresses = [Self.local, Self.local6].map { IPAddress($0)! }
    // Few shapes, so that many policies share one and some share their prefixes.
    let shapes = (0..<6).map { number in (number % 2 == 1, random.below(8), random.below(8)) }
    var uses: [[IPPrefix]: Int] = [:]
    func pair(_ random: inout Seeded) -> (IPPrefix, IPPrefix) {
      while true {
        let (isIPv6, from, to) = shapes[random.below(shapes.count)]
        let pair = (Self.prefix(from, &random, isIPv6), Self.prefix(to, &random, isIPv6))
        // More with the same prefixes have no room.
        uses[[pair.0.masked, pair.1.masked], default: 0] += 1
        if uses[[pair.0.masked, pair.1.masked]]! <= 8 { return pair }
      }
    }
    for number in 0..<5 {
      var tunnel = TunnelDescription(
        name: "tunnel \(number)", inboundSPI: UInt32(truncatingIfNeeded: random.next()) | 1, outboundSPI: 7,
        peer: IPAddress(EarlyFilterTests.outer)!)
      if number > 1 {
        let (local, remote) = pair(&random)
        (tunnel.local, tunnel.remote) = ([local], [remote])
      }
      description.tunnels.append(tunnel)
    }
    description.groups = [EarlyFilterTests.groups[0], try Self.group(pair(&random), pair(&random))]
    for _ in 0..<random.below(14) {
      let (source, destination) = pair(&random)
      description.policies.append(Self.policy(source, destination, &random))
    }
    self.description = description
    self.random = random
  }

  private static func host(_ random: inout Seeded, _ isIPv6: Bool) -> String {
    let (a, b, c) = (random.below(2), random.below(2), 1 + random.below(2))
    return isIPv6 ? "2001:db8:\(a):\(b)::\(c)" : "10.\(a).\(b).\(c)"
  }

  private static func prefix(_ place: Int, _ random: inout Seeded, _ isIPv6: Bool) -> IPPrefix {
    IPPrefix(IPAddress(host(&random, isIPv6))!, length: (isIPv6 ? lengths6 : lengths)[place])!
  }

  /// A site of it is a policy's to name.
  private static func group(_ one: (IPPrefix, IPPrefix), _ other: (IPPrefix, IPPrefix)) throws -> GroupDescription {
    let suite = try CipherSuite(.aesGCM, keyBits: 128)
    var group = GroupDescription(name: "group", spi: 0x9000_0009, senderIDBits: 8)
    group.security = GroupSecurity(
      ESPDescription(suite), address: IPAddress(Host.cluster)!,
      key: KeyDescription(Secret([UInt8](repeating: 1, count: suite.materialBytes)), born: 0), units: 1, maxSenders: 1,
      local: [one.0],
      sites: [one, other].map { GroupSite(gateway: IPAddress(EarlyFilterTests.outer)!, networks: [$0.1]) })
    return group
  }

  private static func policy(_ source: IPPrefix, _ destination: IPPrefix, _ random: inout Seeded) -> PolicyDescription {
    let actions: [PolicyDescription.Action] = [
      .bypass, .discard, .protect("group"), .protect("nobody"), .protect("tunnel 0"), .protect("tunnel 1"),
      .protect("tunnel 2"), .protect("tunnel 3"),
    ]
    var policy = PolicyDescription(actions[random.below(actions.count)], source: source, destination: destination)
    let protocols: [UInt8?] = [nil, nil, 6, 17, 17, source.address.isIPv6 ? 58 : 1, 50, 47]
    policy.protocolNumber = protocols[random.below(protocols.count)]
    func range() -> ClosedRange<UInt16>? {
      let (one, other) = (random.below(ports.count), random.below(ports.count))
      return random.chance(of: 2) ? nil : ports[min(one, other)]...ports[max(one, other)]
    }
    policy.sourcePorts = range()
    policy.destinationPorts = range()
    return policy
  }

  // MARK: - Packets

  /// One between its hosts, or to the cluster, or by someone else; bent or cut, now and then.
  mutating func frame() -> [UInt8] {
    let isIPv6 = random.chance(of: 2)
    let from = random.chance(of: 10) ? someHost(&random, isIPv6: isIPv6) : Self.host(&random, isIPv6)
    let others = [
      isIPv6 ? Host.cluster6 : Host.cluster, isIPv6 ? Self.local6 : Self.local, someHost(&random, isIPv6: isIPv6),
    ]
    let to = random.chance(of: 4) ? others[random.below(3)] : Self.host(&random, isIPv6)
    var frame = isIPv6 ? frame6(from, to) : frame4(from, to)
    if description.accept != nil, !random.chance(of: 20) {
      frame.replaceSubrange(0..<6, with: address("03:00:5e:00:53:99"))
    }
    if random.chance(of: 8) { frame[random.below(frame.count)] = UInt8(truncatingIfNeeded: random.next()) }
    if random.chance(of: 12) { frame.removeLast(random.below(frame.count)) }
    return frame
  }

  private mutating func frame4(_ from: String, _ to: String) -> [UInt8] {
    let (next, payload) = layer(isIPv6: false)
    let isPiece = random.chance(of: 10)
    return ethernet(
      .ipv4,
      ipv4(
        next, from: from, to: to, options: random.chance(of: 20) ? [1, 1, 1, 1] : [],
        moreFragments: isPiece && random.chance(of: 2), fragmentOffset: isPiece ? UInt16(random.below(3)) : 0, payload))
  }

  private mutating func frame6(_ from: String, _ to: String) -> [UInt8] {
    var (next, payload) = layer(isIPv6: true)
    if random.chance(of: 10) {
      payload = fragment(next, offset: UInt16(random.below(3)), more: random.chance(of: 2), payload)
      next = .fragment
    } else if random.chance(of: 20) {
      (next, payload) = (optionHeaders[random.below(optionHeaders.count)], extensionHeader(next, payload))
    }
    return ethernet(.ipv6, ipv6(next, from: from, to: to, hopLimit: random.chance(of: 2) ? 255 : 64, payload))
  }

  private mutating func layer(isIPv6: Bool) -> (NextHeader, [UInt8]) {
    let filler = random.octets(random.below(24))
    let (one, other) = (Self.ports[random.below(Self.ports.count)], Self.ports[random.below(Self.ports.count)])
    let known = description.tunnels.map(\.inboundSPI) + description.groups.map(\.spi)
    let spi = random.chance(of: 6) ? UInt32(truncatingIfNeeded: random.next()) : known[random.below(known.count)]
    switch random.below(12) {
    case 0, 1: return (.udp, udp(from: one, to: other, filler))
    case 2, 3: return (.tcp, tcp(from: one, to: other, filler))
    case 4: return (isIPv6 ? .icmpv6 : .icmp, icmp(type: isIPv6 ? 128 : 8, filler))
    case 5: return (isIPv6 ? .icmpv6 : .icmp, icmp(type: UInt8(random.below(isIPv6 ? 140 : 16)), filler))
    case 6: return (.esp, esp(spi: spi, iv: random.octets(8), filler))
    case 7: return (.udp, udp(from: one, to: 4500, esp(spi: spi, iv: random.octets(8), filler)))
    case 8:
      return random.chance(of: 2) ? (.udp, udp(from: one, to: 500, ike(initiator: random.next()))) : (.gre, filler)
    case 9: return (.udp, udp(from: 4500, to: 4500, [0, 0, 0, 0] + ike(initiator: random.next())))
    case 10:
      let ids = l2tp(
        tunnel: UInt16(random.below(3)), session: UInt16(random.below(9)), hasLength: random.chance(of: 2),
        version: random.chance(of: 4) ? 3 : 2, filler)
      return (.udp, udp(from: one, to: 1701, ids))
    default: return (NextHeader(UInt8(truncatingIfNeeded: random.next())), filler)
    }
  }
}

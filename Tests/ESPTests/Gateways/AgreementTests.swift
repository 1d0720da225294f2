import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// The plain way and the general way are two programs for one thing: wherever both apply they agree to the octet.
///
/// A gateway that keeps stories goes the general way with everything.
@Suite struct WaysAgreeTests {
  private static func frame(_ random: inout Seeded, isMixed: Bool = true) -> [UInt8] {
    let payload = random.octets([0, 1, 2, 3, 18, 100, 472, 900, 1400, 1900][random.below(10)] + random.below(8))
    let trailing = random.chance(of: 4) ? random.octets(random.below(30)) : []
    let source = "192.0.2.\(random.below(256))", trafficClass = UInt8(random.below(256))
    let next: NextHeader = random.chance(of: 2) ? .udp : .tcp
    let upper =
      next == .udp ? udp(from: UInt16(random.below(65536)), payload) : tcp(from: UInt16(random.below(65536)), payload)
    switch isMixed ? random.below(12) : 3 {
    case 0: return ethernet(.ipv6, ipv6(next, trafficClass: UInt32(trafficClass), upper))
    case 1: return ethernet(.ipv4, ipv4(next, from: source, options: [1, 1, 1, 0], upper)) + trailing
    case 2: return ethernet(.ipv4, ipv4(.icmp, from: source, icmp(type: 8, payload))) + trailing
    default:
      return ethernet(
        .ipv4,
        ipv4(
          next, from: source, trafficClass: trafficClass, identification: UInt16(random.below(65536)),
          dontFragment: random.chance(of: 2), timeToLive: UInt8(1 + random.below(255)), upper)) + trailing
    }
  }

  private static func isSame(_ one: [TestGateway.Outcome], _ other: [TestGateway.Outcome], _ what: String) -> Bool {
    for (index, (a, b)) in zip(one, other).enumerated()
    where a.reason != b.reason || a.made != b.made || a.octets != b.octets {
      // What is not authentic is no packet any more, and its octets are nobody's.
      if a.reason == b.reason, a.reason == .integrity { continue }
      Issue.record("\(what): packet \(index): \(a.reason), \(b.reason)")
      return false
    }
    return one.count == other.count
  }

  @Test(arguments: [0, 1200], [128, 192, 256])
  func `what one way seals the other would seal the same`(_ pathMTU: Int, _ keyBits: Int) throws {
    var esp = ESPDescription(try CipherSuite(.aesGCM, keyBits: keyBits))
    esp.pathMTU = pathMTU
    let pair = TunnelPair(esp)
    for isMixed in [false, true] {
      let plain = try TestGateway(pair.near), general = try TestGateway(pair.near, stories: true)
      let isPlain = plain.associations.tables.outbound[0].flags.contains(.isPlain)
      #expect(isPlain == CryptoEngine.Kind.ipsecMB.isHere)
      var random = Seeded(seed: UInt64(keyBits + pathMTU))
      var frames = (0..<256).map { _ in Self.frame(&random, isMixed: isMixed) }
      // Numbers whose low halves carry in checksums and headers.
      for start: UInt64 in [0, 0xff00, 0xffff_0000 - 300, 0x8000_0000] {
        for gateway in [plain, general] { gateway.goOn(after: start) }
        frames.shuffle(using: &random)
        let sealed = [plain.run(frames), general.run(frames)]
        let isSame = Self.isSame(sealed[0], sealed[1], "sealing after \(start)")
        #expect(isSame)
        let isSummed = sealed[0].allSatisfy { $0.reason != .none || checksum(Array($0.packet[..<20])) == 0 }
        #expect(isSummed)
      }
      let counted = [plain, general].map { $0.counters(.outbound) }
      #expect(counted[0].packets == counted[1].packets && counted[0].bytes == counted[1].bytes)
      #expect(counted[0].sequence == counted[1].sequence)
      #expect(counted[0].drops.map(\.count) == counted[1].drops.map(\.count))
      #expect(plain.counters.keptBytes == general.counters.keptBytes)
    }
  }

  @Test(arguments: [["0.0.0.0/0", "::/0"], ["192.0.2.0/25"]])
  func `what one way opens or refuses the other would, too`(_ local: [String]) throws {
    let wide = TunnelPair(ESPDescription(gcm))
    let narrow = TunnelPair(
      ESPDescription(gcm), local: local, remote: ["198.51.100.0/24"] + local.filter { $0 == "::/0" })
    var random = Seeded(seed: UInt64(local.count))
    for _ in 0..<6 {
      let near = try TestGateway(wide.near)
      let plain = try TestGateway(narrow.far), general = try TestGateway(narrow.far, stories: true)
      var frames = near.run((0..<500).map { _ in Self.frame(&random) }).filter { $0.reason == .none }.map(\.octets)
      for index in frames.indices {
        switch random.below(10) {
        case 0: frames[index][14 + random.below(frames[index].count - 14)] ^= UInt8(1 << random.below(8))
        // Marks that were made on the way.
        case 1, 2: frames[index][15] = frames[index][15] & 0xfc | UInt8(random.below(4))
        case 3: frames[index] += random.octets(random.below(20))
        case 4: frames[index].removeLast(random.below(24))
        case 5: frames[index] = frames[random.below(frames.count)]
        case 6: frames[index].replaceSubrange(16..<18, with: big(UInt16(random.below(120))))
        case 7: frames.swapAt(index, random.below(frames.count))
        default: break
        }
      }
      let opened = [plain.run(frames), general.run(frames)]
      let isSame = Self.isSame(opened[0], opened[1], "opening")
      #expect(isSame)
      let reasons = Set(opened[0].map(\.reason))
      #expect(reasons.isSuperset(of: [.none, .integrity, .replayed]), "\(reasons)")
      #expect((local.count == 1) == reasons.contains(.selectorMismatch))
      let counted = [plain, general].map { $0.counters(.inbound) }
      #expect(counted[0].packets == counted[1].packets && counted[0].bytes == counted[1].bytes)
      #expect(counted[0].sequence == counted[1].sequence && counted[0].lost == counted[1].lost)
      #expect(counted[0].drops.map { "\($0)" } == counted[1].drops.map { "\($0)" })
      #expect(plain.counters.keptBytes == general.counters.keptBytes)
      let isOneWindow = plain.window.image == general.window.image
      #expect(isOneWindow)
    }
  }
}

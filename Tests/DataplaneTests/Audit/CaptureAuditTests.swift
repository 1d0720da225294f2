import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A sealed payload that depends on what it is for, so that two packets differ.
private func sealed(_ what: Int, count: Int = 40) -> [UInt8] { (0..<count).map { UInt8(($0 * 7 + what * 31) & 0xff) } }

private func packet(
  _ sequence: UInt32, iv: UInt64? = nil, spi: UInt32 = 0x1000, _ payload: [UInt8]? = nil
) -> [UInt8] {
  esp(spi: spi, sequence: sequence, iv: big(iv ?? UInt64(sequence)), payload ?? sealed(Int(sequence & 0xff)))
}

private func frame(_ esp: [UInt8], to destination: String = Host.bob) -> [UInt8] {
  ethernet(.ipv4, ipv4(.esp, to: destination, esp))
}

@Suite struct CaptureAuditTests {
  /// Frames, each with what the wire had of it beyond the capture.
  static func audit(
    _ frames: [(octets: [UInt8], missing: Int)], _ known: AuditedSAs = AuditedSAs(), link: LinkType = .ethernet,
    limits: AuditLimits = AuditLimits()
  ) -> CaptureAudit {
    let audit = CaptureAudit(known, link: link, limits: limits)
    for frame in frames {
      withBytes(frame.octets) { audit.take($0, wireLength: frame.octets.count + frame.missing) }
    }
    let counted = AuditCount.allCases.reduce(0) { $0 + audit.count(of: $1) }
    #expect(audit.streams.reduce(0) { $0 + $1.packets } + counted == audit.packets, "every packet is somewhere")
    return audit
  }

  static func audit(_ frames: [[UInt8]], _ known: AuditedSAs = AuditedSAs()) -> CaptureAudit {
    audit(frames.map { ($0, 0) }, known)
  }

  @Test func `a gap`() {
    let audit = Self.audit([1, 2, 5, 6, 9].map { frame(packet($0)) })
    #expect(audit.streams.count == 1)
    #expect(audit.streams[0].gaps == SequenceGaps(lowest: 1, highest: 9, missing: 4, holes: 2))
    #expect(audit.streams[0].packets == 5 && audit.streams[0].duplicates == 0 && audit.streams[0].repeats == 0)
    #expect(audit.streams[0].destination == IPAddress(Host.bob) && audit.streams[0].spi == 0x1000)
    #expect(audit.streams[0].senderID == nil && audit.streams[0].isAssumed)
  }

  @Test func `a mirror makes duplicates, however it tags and pads them`() {
    let one = ipv4(.esp, packet(1))
    let audit = Self.audit([
      ethernet(.ipv4, one), ethernet(.ipv4, one), tagged(2, .ipv4, one), ethernet(.ipv4, one + [0, 0, 0]),
      ethernet(.ipv4, ipv4(.esp, timeToLive: 63, packet(1))), frame(packet(2)),
    ])
    #expect(audit.streams.count == 1 && audit.streams[0].duplicates == 4 && audit.streams[0].repeats == 0)
    #expect(audit.streams[0].gaps == SequenceGaps(lowest: 1, highest: 2))
  }

  @Test func `a repeat, and where it was`() {
    let audit = Self.audit([
      frame(packet(1)), frame(packet(2)), ethernet(.arp, arp()), frame(packet(3, iv: 2)), frame(packet(2)),
      frame(packet(3, iv: 2)),
    ])
    #expect(audit.streams[0].repeats == 1 && audit.streams[0].duplicates == 2)
    let again = audit.firstRepeats[0]
    #expect(audit.firstRepeats.count == 1 && again.iv == 2)
    #expect(again.firstNumber == 2 && again.firstSequence == 2 && again.number == 4 && again.sequence == 3)
  }

  @Test(arguments: [
    packet(1, sealed(2)), packet(2, iv: 1, sealed(1)), packet(1, Array(sealed(1).dropLast())),
    packet(1, sealed(1) + [0]), packet(1, Array(sealed(1).dropLast()) + [1]), packet(1, []),
  ])
  func `any other byte makes a repeat`(_ other: [UInt8]) {
    let audit = Self.audit([frame(packet(1, sealed(1))), frame(other)])
    #expect(audit.streams[0].repeats == 1 && audit.streams[0].duplicates == 0)
  }

  @Test func `another destination or SPI is another key`() {
    let audit = Self.audit([
      frame(packet(1, sealed(1))), frame(packet(1, sealed(2)), to: Host.alice),
      frame(packet(1, spi: 0x1001, sealed(3))),
      ethernet(.ipv6, ipv6(.esp, packet(1, sealed(4)))),
    ])
    #expect(audit.streams.count == 4 && audit.streams.allSatisfy { $0.packets == 1 && $0.repeats == 0 })
    #expect(Set(audit.streams.map(\.spi)) == [0x1000, 0x1001])
    #expect(audit.streams[3].destination == IPAddress(Host.bob6))
  }

  @Test func `only the first repeats are kept to be shown`() {
    var limits = AuditLimits()
    limits.shownRepeats = 3
    let audit = Self.audit(
      (1...20).map { (frame(packet(UInt32($0), iv: 7)), 0) }, limits: limits)
    #expect(audit.streams[0].repeats == 19 && audit.firstRepeats.map(\.number) == [2, 3, 4])
    #expect(audit.firstRepeats.allSatisfy { $0.firstNumber == 1 })
  }

  @Test func `the low 32 bits of an extended number wrap`() {
    let audit = Self.audit([UInt32.max - 1, .max, 0, 1].map { frame(packet($0, iv: UInt64($0) + 5)) })
    #expect(audit.streams[0].gaps == SequenceGaps(lowest: 0xffff_fffe, highest: 0x1_0000_0001))
  }

  @Test func `packets and streams have a limit, and what is beyond is counted`() {
    var limits = AuditLimits()
    limits.packets = 3
    let many = Self.audit((1...5).map { (frame(packet($0)), 0) }, limits: limits)
    #expect(many.count(of: .beyondLimit) == 2 && many.streams[0].packets == 3)
    limits = AuditLimits()
    limits.streams = 2
    let wide = Self.audit((1...5).map { (frame(packet(1, spi: 300 + $0)), 0) }, limits: limits)
    #expect(wide.count(of: .beyondLimit) == 3 && wide.streams.count == 2)
  }
}

/// What configurations say.
@Suite struct AuditedSATests {
  static let group: AuditedSAs = {
    var description = ClassifyDescription()
    description.groups = [GroupDescription(spi: 0x2000, senderIDBits: 12)]
    return AuditedSAs(description)
  }()

  private func fromSender(_ sender: UInt64, _ sequence: UInt32, counter: UInt64? = nil, _ what: Int = 0) -> [UInt8] {
    packet(sequence, iv: sender << 52 | (counter ?? UInt64(sequence)), spi: 0x2000, sealed(what))
  }

  @Test func `two senders have sequence numbers of their own`() {
    let frames = [
      fromSender(1, 1), fromSender(0xfff, 100), fromSender(1, 2), fromSender(0xfff, 101), fromSender(1, 4),
    ].map { frame($0) }
    let audit = CaptureAuditTests.audit(frames, Self.group)
    #expect(audit.streams.map(\.senderID) == [1, 0xfff] && audit.streams.allSatisfy { !$0.isAssumed })
    #expect(audit.streams[0].gaps == SequenceGaps(lowest: 1, highest: 4, missing: 1, holes: 1))
    #expect(audit.streams[1].gaps == SequenceGaps(lowest: 100, highest: 101))
    // Nobody says so, and they are one.
    let blind = CaptureAuditTests.audit(frames)
    #expect(blind.streams.count == 1 && blind.streams[0].gaps.missing == 96)
  }

  /// One key for all destinations (G7).
  @Test func `a group's sender repeats an IV even towards another destination`() {
    let audit = CaptureAuditTests.audit(
      [frame(fromSender(1, 1)), frame(fromSender(1, 2, counter: 1, 9), to: Host.alice), frame(fromSender(2, 1))],
      Self.group)
    #expect(audit.streams.map(\.repeats) == [0, 1, 0] && audit.firstRepeats.count == 1)
  }

  @Test func `suites say how long an IV is, and whether it counts`() throws {
    func description(_ suite: CipherSuite) throws -> ClassifyDescription {
      var description = ClassifyDescription()
      let key = KeyDescription(Secret([UInt8](repeating: 1, count: suite.materialBytes)), born: 0)
      let ours = try #require(IPAddress(Host.cluster)), peer = try #require(IPAddress(Host.bob))
      var tunnel = TunnelDescription(inboundSPI: 0x300, outboundSPI: 0x301, peer: peer)
      tunnel.security = TunnelSecurity(ESPDescription(suite), address: ours, inboundKey: key, outboundKey: key)
      var group = GroupDescription(spi: 0x302, senderIDBits: 16)
      group.security = GroupSecurity(
        ESPDescription(suite), address: ours, key: key, units: 1, maxSenders: 1, local: [], sites: [])
      description.tunnels = [tunnel]
      description.groups = [group]
      return description
    }
    let gcm = AuditedSAs(try description(CipherSuite(.aesGCM, keyBits: 128)))
    #expect(gcm[0x300] == .assumed && gcm[0x301] == .assumed && gcm[0x303] == nil)
    #expect(gcm[0x302] == AuditedSA(ivBytes: 8, senderIDBits: 16, isCounterMode: true))
    let cbc = AuditedSAs(try description(CipherSuite(.aesCBC, keyBits: 128, integrity: .hmacSHA256)))
    #expect(cbc[0x301] == AuditedSA(ivBytes: 16, senderIDBits: 0, isCounterMode: false) && cbc[0x302] == cbc[0x301])
    let null = AuditedSAs(try description(CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256)))
    #expect(null[0x300] == AuditedSA(ivBytes: 0, senderIDBits: 0, isCounterMode: false))
  }

  @Test func `a tunnel's SPI that is also a group's is the group's`() {
    var description = ClassifyDescription()
    description.tunnels = [TunnelDescription(inboundSPI: 0x300, outboundSPI: 0x301, peer: .v4(IPv4Address(1)))]
    description.groups = [GroupDescription(spi: 0x300, senderIDBits: 8)]
    let known = AuditedSAs(description)
    #expect(known[0x300]?.senderIDBits == 8 && known[0x301]?.senderIDBits == 0)
  }

  @Test func `an IV of CBC that comes again is counted, and no repeat`() {
    var known = AuditedSAs()
    known[0x1000] = AuditedSA(ivBytes: 16, senderIDBits: 0, isCounterMode: false)
    let iv = sealed(3, count: 16), other = Array(iv.dropLast()) + [1]
    let audit = CaptureAuditTests.audit(
      [(1, iv, 1), (2, iv, 2), (2, iv, 2), (3, other, 3)].map { frame(esp(sequence: $0.0, iv: $0.1, sealed($0.2))) },
      known)
    let stream = audit.streams[0]
    #expect(stream.sameIVs == 1 && stream.duplicates == 1 && stream.repeats == 0 && audit.firstRepeats.isEmpty)
  }

  @Test func `without an IV there are duplicates alone`() {
    var known = AuditedSAs()
    known[0x1000] = AuditedSA(ivBytes: 0, senderIDBits: 0, isCounterMode: false)
    let audit = CaptureAuditTests.audit(
      [(1, 1), (2, 1), (2, 1), (2, 2), (3, 1)].map { frame(esp(sequence: $0.0, sealed($0.1))) }, known)
    let stream = audit.streams[0]
    #expect(stream.packets == 5 && stream.duplicates == 1 && stream.repeats == 0 && stream.sameIVs == 0)
  }

  @Test(arguments: [(0, 0), (8, 1), (16, 9)])
  func `an IV that is not there makes a runt`(_ ivBytes: Int, _ runts: Int) {
    var known = AuditedSAs()
    known[0x1000] = AuditedSA(ivBytes: ivBytes, senderIDBits: 0, isCounterMode: ivBytes == 8)
    let audit = CaptureAuditTests.audit((7...15).map { frame(esp(sequence: 1, sealed($0, count: $0))) }, known)
    #expect(audit.count(of: .runts) == UInt64(runts))
  }
}

/// Whatever a capture holds, an audit reads it to the end and accounts for all of it.
@Suite struct HostileAuditTests {
  @Test(arguments: LinkType.allCases)
  func `hostile frames, whole and cut`(_ link: LinkType) {
    var random = Seeded(seed: UInt64(link.rawValue))
    var known = AuditedSAs()
    known[0x1000] = AuditedSA(ivBytes: 16, senderIDBits: 0, isCounterMode: false)
    known[0x1001] = AuditedSA(ivBytes: 8, senderIDBits: 16, isCounterMode: true)
    let frames = (0..<3000).map { number -> (octets: [UInt8], missing: Int) in
      if number.isMultiple(of: 2) { return (hostileFrame(&random), random.below(2) * random.below(100)) }
      let spi = UInt32(0x1000 + random.below(3))
      let sealed = esp(spi: spi, sequence: UInt32(truncatingIfNeeded: random.next()), random.octets(random.below(40)))
      let isIPv6 = random.chance(of: 2)
      let inside = random.chance(of: 2) ? (NextHeader.esp, sealed) : (.udp, udp(to: 4500, sealed))
      let frame = linkFrame(link, isIPv6: isIPv6, isIPv6 ? ipv6(inside.0, inside.1) : ipv4(inside.0, inside.1))
      let missing = random.chance(of: 2) ? random.below(frame.count) : 0
      return (Array(frame.dropLast(missing)), missing)
    }
    let audit = CaptureAuditTests.audit(frames, known, link: link)
    #expect(audit.packets == 3000 && audit.streams.count > 3)
    #expect(audit.streams.allSatisfy { $0.gaps.highest >= $0.gaps.lowest })
  }
}

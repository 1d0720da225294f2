import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Authentic packets with nonsense inside, as only a broken peer makes them; and several SAs at once.
@Suite struct ForgedTests {
  /// ESP from the near end to the far one around any octets: the trailer, too, is the caller's.
  private func forge(_ inside: [UInt8], sequence: UInt32) throws -> [UInt8] {
    let engine = try CryptoEngine(lanes: 1)
    let lane = try engine.lane(0)
    defer { lane.destroy() }
    let material = (0..<gcm.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 12) }
    let key = try material.withUnsafeBytes { try engine.key(gcm, .seal, material: $0) }
    defer { key.destroy() }
    let iv = big(UInt64(0xaaaa) << 32 | UInt64(sequence))
    var header = big(UInt32(0x2001)) + big(sequence) + iv
    var text = inside
    var tag = [UInt8](repeating: 0, count: 16)
    var nonce = Array(material[16..<20]) + iv + [0, 0, 0, 0]
    let sealed = header.withUnsafeMutableBytes { header in
      text.withUnsafeMutableBytes { text in
        tag.withUnsafeMutableBytes { tag in
          nonce.withUnsafeMutableBytes { nonce in
            lane.seal(
              CipherText(
                nonce: nonce.baseAddress!, aad: header.baseAddress!, aadLength: 8, payload: text.baseAddress!,
                length: text.count, tag: tag.baseAddress!), with: key)
          }
        }
      }
    }
    #expect(sealed)
    return ethernet(.ipv4, ipv4(50, from: "203.0.113.1", to: "203.0.113.2", header + text + tag))
  }

  /// One pair of prefixes lets the plain way judge what is inside; more, or stories, need the general one.
  @Test(arguments: [false, true], [["192.0.2.0/24"], ["0.0.0.0/0", "::/0"]])
  func `rows 19, 24 and 25: absurd padding, unknown contents, broken packets, dummies`(
    _ stories: Bool, _ local: [String]
  ) throws {
    let remote = local.count == 1 ? ["198.51.100.0/24"] : local
    let far = try TestGateway(TunnelPair(ESPDescription(gcm), local: local, remote: remote).far, stories: stories)
    let inner = Array(clear(44).dropFirst(14))
    func odd(_ length: Int) -> [UInt8] { Array(clear(length).dropFirst(14)) }
    let cases: [(inside: [UInt8], reason: DropReason)] = [
      (inner + [1, 2, 2, 4], .none), (inner + [1, 2, 250, 4], .badPadding), (inner + [0, 0, 2, 4], .badPadding),
      (inner + [2, 1, 2, 4], .badPadding), (inner + [1, 2, 2, 6], .innerProtocol), (inner + [1, 2, 2, 59], .dummy),
      (inner + [1, 2, 2, 41], .innerMalformed), ([UInt8](repeating: 0, count: 40) + [1, 2, 2, 4], .innerMalformed),
      ([1, 2, 2, 4], .innerMalformed), ([1, 2, 2, 59], .dummy),
      // Longer than what is there.
      (Array(inner[..<2]) + big(UInt16(400)) + Array(inner[4...]) + [1, 2, 2, 4], .innerMalformed),
      // A header that is longer than the packet says it is.
      (Array(inner[..<2]) + big(UInt16(19)) + Array(inner[4...]) + [1, 2, 2, 4], .innerMalformed),
      // The other version inside than the trailer says.
      ([0x60] + Array(inner[1...]) + [1, 2, 2, 4], .innerMalformed),
      // Each octet of the padding, and each of its lengths.
      (inner + [1, 2, 3, 4, 5, 6, 6, 4], .none), (inner + [1, 2, 3, 4, 5, 7, 6, 4], .badPadding),
      (inner + [0, 2, 2, 4], .badPadding), (odd(43) + [1, 2, 3, 3, 4], .none),
      (odd(43) + [1, 2, 9, 3, 4], .badPadding),
      (odd(43) + [1, 9, 3, 3, 4], .badPadding), (odd(45) + [1, 1, 4], .none), (odd(45) + [2, 1, 4], .badPadding),
      (odd(46) + [0, 4], .none),
      // Authentic padding of the longest kind.
      (inner + (1...254).map { UInt8($0) } + [254, 4], .none),
    ]
    for (index, one) in cases.enumerated() {
      let outcome = far.run(try forge(one.inside, sequence: UInt32(index + 1)))
      #expect(outcome.reason == one.reason, "case \(index)")
      if one.reason == .none { #expect(outcome.packet == Array(one.inside.prefix(Int(one.inside[3])))) }
    }
    // Each was authentic: the window has seen them all.
    #expect(far.counters(.inbound).sequence == UInt64(cases.count))
    #expect(far.run(try forge(inner + [1, 2, 2, 4], sequence: 1)).reason == .replayed)
    // Authentic, and not even a trailer.
    #expect(far.run(try forge([], sequence: 300)).reason == .espTooShort)
    #expect(far.counters(.inbound).sequence == UInt64(cases.count))
    // More padding than there is, whatever stands in front: the IV ends in 1, 2 here.
    #expect(far.run(try forge([3, 4, 4, 59], sequence: 0x0102)).reason == .badPadding)
    #expect(far.run(try forge([3, 4, 4, 4], sequence: 0x0202)).reason == .badPadding)
  }

  @Test(arguments: [false, true])
  func `rows 19 and 25 in transport mode: any protocol may be inside, dummies and bad padding may not`(
    _ isEncapsulated: Bool
  ) throws {
    var esp = ESPDescription(gcm)
    esp.mode = .transport
    if isEncapsulated { esp.encapsulation = ESPDescription.Encapsulation() }
    let far = try TestGateway(TunnelPair(esp).far)
    func forged(_ inside: [UInt8], _ sequence: UInt32) throws -> [UInt8] {
      let frame = try forge(inside, sequence: sequence)
      guard isEncapsulated else { return frame }
      return ethernet(
        .ipv4, ipv4(.udp, from: "203.0.113.1", to: "203.0.113.2", udp(from: 4500, to: 4500, Array(frame[34...]))))
    }
    let inner = [UInt8](repeating: 9, count: 12)
    #expect(far.run(try forged(inner + [1, 2, 2, 59], 1)).reason == .dummy)
    #expect(far.run(try forged(inner + [1, 3, 2, 17], 2)).reason == .badPadding)
    #expect(far.run(try forged(inner + [1, 2, 40, 17], 3)).reason == .badPadding)
    for (number, next) in [UInt8(17), 1, 132, 253, 4].enumerated() {
      let opened = far.run(try forged(inner + [1, 2, 2, next], UInt32(10 + number)))
      #expect(opened.reason == .none)
      #expect(opened.packet == ipv4(NextHeader(next), from: "203.0.113.1", to: "203.0.113.2", inner))
    }
  }

  @Test func `rows 45 and 47: several SAs in one burst, two of them for the same traffic`() throws {
    // Four tunnels by destination; the fifth is the fourth after a rekey: both open, one seals.
    var pairs = (0..<5).map { number in
      let remote = "198.51.\(100 + min(number, 3)).0/24"
      return TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: [remote])
    }
    for number in pairs.indices {
      pairs[number].near.tunnels[0].outboundSPI += UInt32(number)
      pairs[number].far.tunnels[0].inboundSPI += UInt32(number)
      pairs[number].near.tunnels[0].inboundSPI += UInt32(number)
      pairs[number].far.tunnels[0].outboundSPI += UInt32(number)
    }
    func all(_ side: (TunnelPair) -> ClassifyDescription, _ numbers: [Int]) -> ClassifyDescription {
      var description = side(pairs[numbers[0]])
      description.tunnels = numbers.map { side(pairs[$0]).tunnels[0] }
      return description
    }
    let frames = (0..<64).map { number in
      ethernet(.ipv4, ipv4(.udp, to: "198.51.\(100 + number % 4).9", udp(from: 1, to: UInt16(number + 1))))
    }
    // The same key under several SPIs would repeat nonces on disk; these stand for themselves.
    let before = try TestGateway(all(\.near, [0, 1, 2, 3]), hasNonces: false)
    let after = try TestGateway(all(\.near, [0, 1, 2, 4]), hasNonces: false)
    for gateway in [before, after] { gateway.giveNonces() }
    let far = try TestGateway(all(\.far, [0, 1, 2, 3, 4]), hasNonces: false)
    let sealed = [before.run(frames), after.run(frames)]
    #expect(sealed.allSatisfy { $0.allSatisfy { $0.reason == .none } })
    // Old and new packets of the fourth, mixed; the others' second halves are replays.
    let mixed = zip(sealed[0], sealed[1]).flatMap { [$0.octets, $1.octets] }
    let opened = far.run(mixed)
    for (index, outcome) in opened.enumerated() {
      let isSecond = index % 2 == 1, isFourth = index / 2 % 4 == 3
      #expect(outcome.reason == (isSecond && !isFourth ? .replayed : .none), "packet \(index)")
      if outcome.reason == .none { #expect(outcome.octets == frames[index / 2]) }
    }
  }
}

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

  @Test(arguments: [false, true])
  func `rows 19, 24 and 25: absurd padding, unknown contents, broken packets, dummies`(_ stories: Bool) throws {
    let far = try TestGateway(TunnelPair(ESPDescription(gcm)).far, stories: stories)
    let inner = Array(clear(44).dropFirst(14))
    let cases: [(inside: [UInt8], reason: DropReason)] = [
      (inner + [1, 2, 2, 4], .none), (inner + [1, 2, 250, 4], .badPadding), (inner + [0, 0, 2, 4], .badPadding),
      (inner + [2, 1, 2, 4], .badPadding), (inner + [1, 2, 2, 6], .innerProtocol), (inner + [1, 2, 2, 59], .dummy),
      (inner + [1, 2, 2, 41], .innerMalformed), ([UInt8](repeating: 0, count: 40) + [1, 2, 2, 4], .innerMalformed),
      ([1, 2, 2, 4], .innerMalformed), ([1, 2, 2, 59], .dummy),
      // Longer than what is there.
      (Array(inner[..<2]) + big(UInt16(400)) + Array(inner[4...]) + [1, 2, 2, 4], .innerMalformed),
      // Authentic padding of the longest kind.
      (inner + (1...254).map { UInt8($0) } + [254, 4], .none),
    ]
    for (index, one) in cases.enumerated() {
      let outcome = far.run(try forge(one.inside, sequence: UInt32(index + 1)))
      #expect(outcome.reason == one.reason, "case \(index)")
      if one.reason == .none { #expect(outcome.packet == inner) }
    }
    // Each was authentic: the window has seen them all.
    #expect(far.counters(.inbound).sequence == UInt64(cases.count))
    #expect(far.run(try forge(inner + [1, 2, 2, 4], sequence: 1)).reason == .replayed)
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

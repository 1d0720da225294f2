import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Every algorithm, with and without extended numbers, on every engine that is here.
@Suite struct AlgorithmTests {
  private func pair(_ suite: CipherSuite, isExtended: Bool) -> TunnelPair {
    var esp = ESPDescription(suite)
    esp.isExtended = isExtended
    return TunnelPair(esp)
  }

  /// There is no SA without a window: replay is always on.
  @Test(arguments: engines, [false, true])
  func `row 32: any flipped bit behind the outer header is rejected, and nothing moves`(
    _ engine: CryptoEngine.Kind, _ isExtended: Bool
  ) throws {
    for suite in CipherSuite.allCases {
      let pair = pair(suite, isExtended: isExtended)
      let near = try TestGateway(pair.near, engine: engine), far = try TestGateway(pair.far, engine: engine)
      // No bit of 3 flipped makes 0, which would be a replay before any tag is looked at.
      let frame = clear(28)
      let sealed = near.seal([3], frame)[0]
      let before = far.window.image
      let flipped = (34 * 8..<sealed.count * 8).map { bit in
        var copy = sealed
        copy[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        return copy
      }
      let reasons = far.run(flipped).map(\.reason)
      #expect(reasons.prefix(32).allSatisfy { $0 == .unknownSPI }, "\(suite), \(engine): the SPI")
      #expect(reasons.dropFirst(32).allSatisfy { $0 == .integrity }, "\(suite), \(engine): \(Set(reasons))")
      let isUnmoved = far.window.image == before
      #expect(isUnmoved, "\(suite), \(engine): the window moved")
      let counted = far.counters(.inbound)
      #expect(counted.packets == 0 && counted.bytes == 0 && counted.lost == 0)
      #expect(counted.drops.map(\.count) == [UInt64(reasons.count - 32)], "\(suite), \(engine)")
      let opened = far.run(sealed)
      #expect(opened.reason == .none && opened.octets == frame && far.window.highest == 3, "\(suite), \(engine)")
      #expect(far.run(sealed).reason == .replayed)
    }
  }

  /// What one engine has sealed, another opens: they are of one mind about the format.
  @Test(arguments: [false, true])
  func `row 32: what one engine seals the other opens`(_ isExtended: Bool) throws {
    let frames = [28, 29, 47, 64, 300, 1400].map { clear($0) }
    for suite in CipherSuite.allCases {
      for (one, other) in engines.flatMap({ one in engines.map { (one, $0) } }) where one != other {
        let pair = pair(suite, isExtended: isExtended)
        let near = try TestGateway(pair.near, engine: one), far = try TestGateway(pair.far, engine: other)
        let opened = far.run(near.run(frames).map(\.octets))
        let isSame = opened.map(\.octets) == frames
        #expect(isSame, "\(suite): from \(one) to \(other)")
      }
    }
  }

  private struct Shape {
    var iv: Int
    var tag: Int
    var block = 4
    var hides = true
  }

  /// The packet as RFC 4303 figure 1 draws it, and whether its payload can be read.
  private func check(_ suites: [CipherSuite], _ shape: (CipherSuite) -> Shape) throws {
    #expect(!suites.isEmpty)
    for suite in suites {
      let expected = shape(suite)
      for engine in engines {
        let pair = pair(suite, isExtended: false)
        let near = try TestGateway(pair.near, engine: engine), far = try TestGateway(pair.far, engine: engine)
        for length in [28, 40, 41, 42, 43, 90] {
          let frame = clear(length)
          let packet = near.run(frame).packet
          let text = (length + 2 + expected.block - 1) / expected.block * expected.block
          #expect(packet.count == 20 + 8 + expected.iv + text + expected.tag, "\(suite), \(length) octets")
          #expect(packet[9] == 50 && Array(packet[20..<24]) == big(UInt32(0x2001)))
          let start = 28 + expected.iv
          let isReadable = Array(packet[start..<start + length]) == Array(frame.dropFirst(14))
          #expect(isReadable != expected.hides, "\(suite)")
          let opened = far.run(ethernet(.ipv4, packet))
          #expect(opened.reason == .none && opened.octets == frame, "\(suite), \(engine)")
        }
        // Row 5: what is wrong at the end of the tag is as wrong as at its beginning.
        for last in [1, expected.tag] {
          var bad = near.run(clear(50)).octets
          bad[bad.count - last] ^= 0x40
          #expect(far.run(bad).reason == .integrity)
        }
      }
    }
  }

  private func all(_ cipher: Cipher) -> [CipherSuite] { CipherSuite.allCases.filter { $0.cipher == cipher } }

  @Test func `row 28: AES-GCM with keys of 128, 192 and 256 bits, and tags of 16, 12 and 8 octets`() throws {
    #expect(all(.aesGCM).count == 9)
    try check(all(.aesGCM)) { Shape(iv: 8, tag: $0.tagBytes) }
  }

  @Test func `row 29: ChaCha20-Poly1305`() throws {
    try check(all(.chacha20Poly1305)) { _ in Shape(iv: 8, tag: 16) }
  }

  @Test func `row 30: AES-CBC with HMAC-SHA2, and an IV that nobody predicts`() throws {
    let tags: [Integrity: Int] = [.hmacSHA1: 12, .hmacSHA256: 16, .hmacSHA384: 24, .hmacSHA512: 32]
    try check(all(.aesCBC)) { Shape(iv: 16, tag: tags[$0.integrity]!, block: 16) }
    for suite in all(.aesCBC) {
      let sealed = try TestGateway(pair(suite, isExtended: false).near).run((0..<200).map { _ in clear(60) })
      let ivs = sealed.map { Array($0.packet[28..<44]) }
      #expect(Set(ivs).count == 200)
      // No bit of it stands still, and none follows from the one before by counting.
      for bit in 0..<128 {
        let ones = ivs.count { $0[bit / 8] >> UInt8(bit % 8) & 1 == 1 }
        #expect((50...150).contains(ones), "\(suite): bit \(bit)")
      }
    }
  }

  @Test func `row 30: AES-CTR with HMAC-SHA2`() throws {
    try check(all(.aesCTR)) { Shape(iv: 8, tag: $0.integrity.tagBytes) }
  }

  @Test func `row 31: NULL with authentication hides nothing and lets nothing be changed`() throws {
    try check(all(.null)) { Shape(iv: 0, tag: $0.integrity.tagBytes, hides: false) }
  }

  @Test func `row 31: AES-GMAC hides nothing and lets nothing be changed`() throws {
    try check(all(.aesGMAC)) { _ in Shape(iv: 8, tag: 16, hides: false) }
  }

  /// Rows 28 to 31 and RFC 4106: the salt is never sent, and another salt opens nothing.
  @Test(arguments: kinds.filter { $0.saltBytes > 0 })
  func `rows 28 to 31: the salt is part of the key`(_ suite: CipherSuite) throws {
    let pair = pair(suite, isExtended: false)
    var other = pair.far
    var material = (0..<suite.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 12) }
    material[suite.keyBits / 8 + 3] ^= 1
    other.tunnels[0].security!.inboundKey = KeyDescription(Secret(material), born: 1)
    let sealed = try TestGateway(pair.near).run(clear(60)).octets
    // With an HMAC the tag says nothing of the salt: what comes out is not what went in.
    let opened = try TestGateway(other).run(sealed)
    #expect(opened.reason != .none || opened.octets != clear(60))
    #expect(suite.cipher == .aesCTR || opened.reason == .integrity)
  }
}

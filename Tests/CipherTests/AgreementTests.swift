@testable import Contract
import Dataplane
import PacketMaking
import Testing

@Suite("Two engines, one answer") struct AgreementTests {
  /// The first lane calls the library, the others a copy of it each.
  @Test(
    .enabled(if: engines.count == 2, "one engine only: no second opinion"), arguments: CipherSuite.allCases, [0, 1])
  func `what one seals the other seals alike and opens`(_ suite: CipherSuite, _ lane: Int) throws {
    let (one, other) = (try CipherBench(.openSSL), try CipherBench(.ipsecMB, lane: lane))
    var random = Seeded(seed: 0x5ea1)
    for length in stride(from: 0, through: 1500, by: Effort.step(13))
    where length < 300 || length % 7 == 0 || length > 1490 {
      let packet = RandomCase(suite, length: length, &random)
      let byOne = try seal(packet, suite, one)
      let byOther = try seal(packet, suite, other)
      #expect(byOne == byOther, "\(length) octets, AAD of \(packet.aad.count)")
      for (bench, sealed) in [(one, byOther), (other, byOne)] {
        let opened = try bench.withKey(suite, .open, packet.material) { key in
          bench.open(key, nonce: packet.nonce, aad: packet.aad, sealed, suffix: packet.suffix)
        }
        #expect(opened == packet.text, "\(length) octets, AAD of \(packet.aad.count)")
      }
    }
  }

  private func seal(_ packet: RandomCase, _ suite: CipherSuite, _ bench: CipherBench) throws -> Sealed {
    try #require(
      try bench.withKey(suite, .seal, packet.material) { key in
        bench.seal(suite, key, nonce: packet.nonce, aad: packet.aad, packet.text, suffix: packet.suffix)
      })
  }
}

@Suite("Lanes of ipsec-mb share nothing") struct LaneTests {
  @Test(.enabled(if: engines.contains(.ipsecMB), "without ipsec-mb"))
  func `each calls code of its own, or the engine's name says that it does not`() throws {
    let benches = try (0..<3).map { try CipherBench(.ipsecMB, lane: $0) }
    let codes = Set(benches.map(\.lane.code))
    #expect(!codes.contains(nil))
    let isShared = benches[0].engine.name.contains("one copy for all workers")
    #expect(codes.count == (isShared ? 1 : 3))
    // A lane of the same number calls the same copy: there are as many as workers, however many gateways.
    let again = try CipherBench(.ipsecMB, lane: 2)
    withExtendedLifetime((again, benches)) { #expect(again.lane.code == benches[2].lane.code) }
  }
}

@Suite("What is changed on the way is rejected") struct TamperTests {
  @Test(arguments: CipherSuite.allCases, engines)
  func `every bit of AAD, nonce, text, suffix and tag counts`(
    _ suite: CipherSuite, _ engine: CryptoEngine.Kind
  ) throws {
    let bench = try CipherBench(engine)
    var random = Seeded(seed: 0xb17)
    let packet = RandomCase(suite, length: 48, &random)
    let suffix: [UInt8]? = suite.hasSuffix ? [1, 2, 3, 4] : nil
    let sealing = try bench.key(suite, .seal, packet.material)
    let opening = try bench.key(suite, .open, packet.material)
    defer {
      sealing.destroy()
      opening.destroy()
    }
    let sealed = try #require(
      bench.seal(suite, sealing, nonce: packet.nonce, aad: packet.aad, packet.text, suffix: suffix))
    #expect(bench.open(opening, nonce: packet.nonce, aad: packet.aad, sealed, suffix: suffix) == packet.text)

    func opens(nonce: [UInt8]? = nil, aad: [UInt8]? = nil, _ bent: Sealed? = nil, suffix bentSuffix: [UInt8]? = nil)
      -> Bool
    {
      bench.open(
        opening, nonce: nonce ?? packet.nonce, aad: aad ?? packet.aad, bent ?? sealed, suffix: bentSuffix ?? suffix)
        != nil
    }
    for bit in stride(from: 0, to: sealed.text.count * 8, by: Effort.step(13)) {
      #expect(!opens(Sealed(text: flipped(sealed.text, bit), tag: sealed.tag)), "bit \(bit) of the text")
    }
    for bit in stride(from: 0, to: sealed.tag.count * 8, by: Effort.step(13)) {
      #expect(!opens(Sealed(text: sealed.text, tag: flipped(sealed.tag, bit))), "bit \(bit) of the tag")
    }
    for bit in stride(from: 0, to: packet.aad.count * 8, by: Effort.step(13)) {
      #expect(!opens(aad: flipped(packet.aad, bit)), "bit \(bit) of the AAD")
    }
    // With an HMAC, ESP has the IV inside the AAD.
    if suite.cipher.isAEAD {
      for bit in 0..<96 { #expect(!opens(nonce: flipped(packet.nonce, bit)), "bit \(bit) of the nonce") }
    }
    if let suffix {
      for bit in 0..<32 { #expect(!opens(suffix: flipped(suffix, bit)), "bit \(bit) of the suffix") }
    }
  }

  @Test(arguments: CipherSuite.allCases, engines)
  func `a wrong tag leaves no plaintext behind`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var random = Seeded(seed: 0x1eaf)
    let packet = RandomCase(suite, length: 160, &random)
    var sealed = try #require(
      try bench.withKey(suite, .seal, packet.material) { key in
        bench.seal(suite, key, nonce: packet.nonce, aad: packet.aad, packet.text)
      })
    sealed.tag[0] ^= 1
    var left: [UInt8] = []
    try bench.withKey(suite, .open, packet.material) { key in
      #expect(bench.pass(.open, key, nonce: packet.nonce, aad: packet.aad, sealed, left: &left) == nil)
    }
    // Whoever sends in clear has nothing to hide.
    if suite.cipher != .null && suite.cipher != .aesGMAC { #expect(left != packet.text) }
    #expect(left == [UInt8](repeating: 0, count: left.count) || left == sealed.text)
  }

  private func flipped(_ octets: [UInt8], _ bit: Int) -> [UInt8] {
    var bent = octets
    bent[bit / 8] ^= 1 << UInt8(bit % 8)
    return bent
  }
}

@Suite("What does not fit is refused, and nothing is written") struct RefusalOfUseTests {
  @Test(arguments: CipherSuite.allCases, engines)
  func `a key has one direction`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var random = Seeded(seed: 3)
    let packet = RandomCase(suite, length: 64, &random)
    try bench.withKey(suite, .open, packet.material) { key in
      #expect(bench.seal(suite, key, nonce: packet.nonce, aad: packet.aad, packet.text) == nil)
    }
    try bench.withKey(suite, .seal, packet.material) { key in
      let sealed = bench.seal(suite, key, nonce: packet.nonce, aad: packet.aad, packet.text)
      #expect(bench.open(key, nonce: packet.nonce, aad: packet.aad, sealed!) == nil)
    }
  }

  @Test(arguments: engines) func `CBC takes whole blocks`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let suite = try CipherSuite(.aesCBC, keyBits: 128, integrity: .hmacSHA256)
    var random = Seeded(seed: 4)
    let packet = RandomCase(suite, length: 64, &random)
    try bench.withKey(suite, .seal, packet.material) { key in
      for length in 0...64 {
        let sealed = bench.seal(suite, key, nonce: packet.nonce, aad: packet.aad, Array(packet.text.prefix(length)))
        #expect((sealed != nil) == (length % 16 == 0))
      }
    }
  }

  @Test(arguments: engines) func `an AEAD takes no suffix`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    for suite in CipherSuite.allCases where suite.cipher.isAEAD {
      var random = Seeded(seed: 5)
      let packet = RandomCase(suite, length: 64, &random)
      try bench.withKey(suite, .seal, packet.material) { key in
        let refused = bench.seal(
          suite, key, nonce: packet.nonce, aad: packet.aad, packet.text, suffix: [0, 0, 0, 1])
        #expect(refused == nil)
      }
    }
  }

  @Test(arguments: engines) func `a CBC IV never comes twice, in no lane`(_ engine: CryptoEngine.Kind) throws {
    let engine = try CryptoEngine(forced: engine, lanes: 2)
    var seen = Set<[UInt8]>()
    for number in 0..<2 {
      let lane = try engine.lane(number)
      defer { lane.destroy() }
      for _ in 0..<1000 {
        var iv = [UInt8](repeating: 0, count: 16)
        #expect(iv.withUnsafeMutableBytes { lane.writeUnpredictableIV(to: $0.baseAddress!) })
        #expect(seen.insert(iv).inserted)
      }
    }
  }
}

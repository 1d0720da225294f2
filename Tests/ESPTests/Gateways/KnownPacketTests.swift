import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Published packets, through the whole of the ESP stage.
@Suite struct KnownPacketTests {
  /// Octet by octet, and once; a changed one, before, changes nothing.
  private func checkOpening(_ known: KnownPacket, _ engine: CryptoEngine.Kind) throws {
    for stories in [false, true] {
      let gateway = try known.gateway(.open, engine, stories: stories)
      var changed = known.sealed
      changed[changed.count - 1] ^= 1
      let outcomes = gateway.run([changed, known.sealed, known.sealed].map(known.frame))
      #expect(outcomes.map(\.reason) == [.integrity, .none, .replayed], "\(known.source)")
      let isSame = outcomes[1].octets == known.frame(known.clear)
      #expect(isSame, "\(known.source)")
      #expect(gateway.counters(.inbound).sequence == known.sequence, "\(known.source)")
    }
  }

  private func checkSealing(_ known: KnownPacket, _ engine: CryptoEngine.Kind) throws {
    for stories in [false, true] {
      let gateway = try known.gateway(.seal, engine, stories: stories)
      let outcome = gateway.run(known.frame(known.clear))
      #expect(outcome.reason == .none, "\(known.source)")
      var (header, expected) = (outcome.packet.prefix(known.headerLength), known.sealed.prefix(known.headerLength))
      if !known.isIPv6 {
        #expect(checksum(Array(header)) == 0, "\(known.source)")
        // Identification, fragmentation and the checksum over them are the sender's own.
        for at in [4, 5, 6, 7, 10, 11] { (header[at], expected[at]) = (0, 0) }
      }
      let isSame = header == expected && outcome.packet.dropFirst(known.headerLength).elementsEqual(known.esp)
      #expect(isSame, "\(known.source)")
    }
  }

  @Test(arguments: knownPackets, engines)
  func `as published, both ways`(_ known: KnownPacket, _ engine: CryptoEngine.Kind) throws {
    try checkOpening(known, engine)
    try checkSealing(known, engine)
  }

  @Test(
    .enabled(if: VectorCollection.has(ESPAnswer.file), Comment(rawValue: VectorCollection.absence)),
    arguments: engines)
  func `DPDK's whole packets`(_ engine: CryptoEngine.Kind) throws {
    var opened = 0, sealed = 0
    for answer in try VectorCollection.decode([ESPAnswer].self, from: ESPAnswer.file) {
      guard let known = try KnownPacket(answer) else { continue }
      try checkOpening(known, engine)
      opened += 1
      // A CBC IV is unpredictable, and no sender's can be had twice.
      guard known.suite.isCounterMode else { continue }
      try checkSealing(known, engine)
      sealed += 1
    }
    #expect(opened == 9 && sealed == 6)
  }
}

extension KnownPacket {
  /// Nil where there is no such suite.
  fileprivate init?(_ answer: ESPAnswer) throws {
    let integrities: [String: Integrity] = [
      "": .none, "SHA256_HMAC": .hmacSHA256, "SHA384_HMAC": .hmacSHA384, "SHA512_HMAC": .hmacSHA512,
    ]
    let ciphers: [String: Cipher] = ["AES_GCM": .aesGCM, "AES_CBC": .aesCBC, "AES_CTR": .aesCTR]
    let names = answer.algorithm.split(separator: "+").map(String.init) + [""]
    guard answer.layer == "ESP", answer.mode == "tunnel", let cipher = ciphers[names[0]],
      let integrity = integrities[names[1]]
    else { return nil }
    let key = hex(answer.key ?? "")
    let suite = try CipherSuite(cipher, keyBits: key.count * 8, integrity: integrity, tagBytes: answer.tagBytes)
    self.init(
      source: answer.name, suite: suite, material: key + hex(answer.salt ?? "") + hex(answer.integrityKey ?? ""),
      clear: hex(answer.clear), sealed: hex(answer.sealed))
  }
}

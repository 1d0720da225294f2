@testable import Contract
import Dataplane
import PacketMaking
import Testing

/// What the files of Project Wycheproof have in common, as far as it matters here.
private struct Wycheproof: Decodable {
  struct Case: Decodable {
    let tcId: Int
    let key, msg, result: String
    let iv, aad, ct, tag: String?
  }
  struct Group: Decodable {
    let keySize: Int
    let ivSize, tagSize: Int?
    let tests: [Case]
  }
  let testGroups: [Group]
}

/// One case of an AEAD, whatever file it comes from.
private struct AEADCase {
  var key, nonce, aad, text, sealed, tag: [UInt8]
  var isValid: Bool
  var source: String

  func check(_ cipher: Cipher, _ bench: CipherBench) throws {
    let suite = try CipherSuite(cipher, keyBits: key.count * 8, tagBytes: tag.count)
    let material = key + nonce.prefix(4)
    let arrived = Sealed(text: sealed, tag: tag)
    let opened = try bench.withKey(suite, .open, material) { key in
      bench.open(key, nonce: nonce, aad: aad, arrived)
    }
    #expect(opened == (isValid ? text : nil), "\(source)")
    if isValid {
      let made = try bench.withKey(suite, .seal, material) { key in
        bench.seal(suite, key, nonce: nonce, aad: aad, text)
      }
      #expect(made == arrived, "\(source)")
    }
  }
}

private let absence = Comment(rawValue: VectorCollection.absence)

private func wycheproof(_ name: String) throws -> [Wycheproof.Group] {
  try VectorCollection.decode(Wycheproof.self, from: name).testGroups
}

@Suite("Every engine agrees with the collections") struct VectorFileTests {
  static let wycheproofAEADs: [(file: String, cipher: Cipher)] = [
    ("aes_gcm_test.part-dev.json", .aesGCM), ("chacha20_poly1305_test.part-dev.json", .chacha20Poly1305),
  ]

  @Test(
    .enabled(if: wycheproofAEADs.allSatisfy { VectorCollection.has($0.file) }, absence),
    arguments: wycheproofAEADs, engines)
  func `Wycheproof: AEADs`(_ source: (file: String, cipher: Cipher), _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var count = 0
    // IPsec has nonces of 96 bits, and no others.
    for group in try wycheproof(source.file) where group.ivSize == 96 && group.tagSize == 128 {
      for one in group.tests {
        let known = AEADCase(
          key: octets(one.key), nonce: octets(one.iv!), aad: octets(one.aad!), text: octets(one.msg),
          sealed: octets(one.ct!), tag: octets(one.tag!), isValid: one.result == "valid",
          source: "\(source.file) \(one.tcId)")
        try known.check(source.cipher, bench)
        count += 1
      }
    }
    #expect(count == (source.cipher == .aesGCM ? 128 : 203))
  }

  @Test(
    .enabled(if: VectorCollection.has("hmac_sha256_test.json"), absence), arguments: engines)
  func `Wycheproof: HMAC-SHA-256`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let suite = try CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256)
    var count = 0
    // A key that is shorter than the suite's is padded with zeros, which HMAC does itself.
    for group in try wycheproof("hmac_sha256_test.json") where group.keySize <= 256 {
      for one in group.tests {
        // What is wrong with a whole digest may be wrong with its second half, which ESP cuts off.
        guard group.tagSize == 128 || one.result == "valid" else { continue }
        let key = octets(one.key)
        let arrived = Sealed(text: octets(one.msg), tag: Array(octets(one.tag!).prefix(16)))
        let opened = try bench.withKey(suite, .open, key + [UInt8](repeating: 0, count: 32 - key.count)) { key in
          bench.open(key, nonce: [], aad: [], arrived)
        }
        #expect((opened != nil) == (one.result == "valid"), "\(one.tcId)")
        count += 1
      }
    }
    #expect(count == 114)
  }

  @Test(
    .enabled(if: VectorCollection.has("aes_cbc_pkcs5_test.json"), absence), arguments: engines)
  func `Wycheproof: AES-CBC`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let hmac = try CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256)
    let integrityKey = [UInt8](repeating: 7, count: 32)
    var count = 0
    for group in try wycheproof("aes_cbc_pkcs5_test.json") {
      let suite = try CipherSuite(.aesCBC, keyBits: group.keySize, integrity: .hmacSHA256)
      for one in group.tests {
        let (nonce, material) = (octets(one.iv!), octets(one.key) + integrityKey)
        // The tag that the source does not know: an HMAC over the ciphertext alone.
        let arrived = try bench.withKey(hmac, .seal, integrityKey) { key in
          bench.seal(hmac, key, nonce: [], aad: [], octets(one.ct!))
        }
        let opened = try bench.withKey(suite, .open, material) { key in
          bench.open(key, nonce: nonce, aad: [], arrived!)
        }
        #expect(opened.flatMap(withoutPKCS5) == (one.result == "valid" ? octets(one.msg) : nil), "\(one.tcId)")
        if one.result == "valid" {
          let sealed = try bench.withKey(suite, .seal, material) { key in
            bench.seal(suite, key, nonce: nonce, aad: [], withPKCS5(octets(one.msg)))
          }
          #expect(sealed == arrived, "\(one.tcId)")
        }
        count += 1
      }
    }
    #expect(count == 216)
  }

  private func withPKCS5(_ text: [UInt8]) -> [UInt8] {
    let padding = 16 - text.count % 16
    return text + [UInt8](repeating: UInt8(padding), count: padding)
  }

  /// nil when the padding is none.
  private func withoutPKCS5(_ text: [UInt8]) -> [UInt8]? {
    guard let last = text.last, (1...16).contains(last), text.suffix(Int(last)).allSatisfy({ $0 == last }) else {
      return nil
    }
    return Array(text.dropLast(Int(last)))
  }

  @Test(
    .enabled(if: VectorCollection.has("gcmDecrypt256.rsp.gz"), absence),
    arguments: ["gcmDecrypt256.rsp.gz", "gcmEncryptExtIV128.rsp.gz"], engines)
  func `NIST: GCM`(_ file: String, _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var fields: [String: String] = [:]
    var count = 0
    func finish() throws {
      defer { fields = [:] }
      // IPsec has nonces of 96 bits, and tags of 128, 96 and 64.
      guard let key = fields["Key"], let nonce = fields["IV"], let tag = fields["Tag"], nonce.utf8.count == 24,
        [32, 24, 16].contains(tag.utf8.count)
      else { return }
      let known = AEADCase(
        key: octets(key), nonce: octets(nonce), aad: octets(fields["AAD"] ?? ""), text: octets(fields["PT"] ?? ""),
        sealed: octets(fields["CT"] ?? ""), tag: octets(tag), isValid: fields["FAIL"] == nil,
        source: "\(file) \(fields["Count"] ?? "")")
      try known.check(.aesGCM, bench)
      // Without a text, the same is a GMAC (RFC 4543).
      if known.text.isEmpty && known.sealed.isEmpty && known.tag.count == 16 { try known.check(.aesGMAC, bench) }
      count += 1
    }
    for line in try VectorCollection.lines(file) {
      if line.hasPrefix("Count") || line.hasPrefix("[") { try finish() }
      if line.hasPrefix("[") || line.hasPrefix("#") { continue }
      let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
      if let name = parts.first { fields[name] = parts.count > 1 ? parts[1] : "" }
    }
    try finish()
    #expect(count == 3 * 375)
  }

  @Test(
    .enabled(if: VectorCollection.has("boringssl-aes_128_gcm_tests.txt"), absence),
    arguments: engines)
  func `BoringSSL: AES-128-GCM`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var fields: [String: String] = [:]
    var count = 0
    for line in try VectorCollection.lines("boringssl-aes_128_gcm_tests.txt") {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.filter { !$0.isWhitespace && $0 != "\"" } }
      guard let name = parts.first, !line.hasPrefix("#") else { continue }
      fields[name] = parts.count > 1 ? parts[1] : ""
      guard name == "TAG" else { continue }
      defer { fields = [:] }
      guard let nonce = fields["NONCE"], nonce.utf8.count == 24, fields["TAG"]?.utf8.count == 32 else { continue }
      let known = AEADCase(
        key: octets(fields["KEY"] ?? ""), nonce: octets(nonce), aad: octets(fields["AD"] ?? ""),
        text: octets(fields["IN"] ?? ""), sealed: octets(fields["CT"] ?? ""), tag: octets(fields["TAG"] ?? ""),
        isValid: true, source: "number \(count)")
      try known.check(.aesGCM, bench)
      count += 1
    }
    #expect(count == 69)
  }

  /// The suite and its keying material, where there is such a suite.
  private func suite(_ known: ESPAnswer) throws -> (CipherSuite, [UInt8])? {
    let integrities: [String: Integrity] = [
      "SHA1_HMAC": .hmacSHA1, "SHA256_HMAC": .hmacSHA256, "SHA384_HMAC": .hmacSHA384, "SHA512_HMAC": .hmacSHA512,
    ]
    let ciphers: [String: Cipher] = ["AES_GCM": .aesGCM, "AES_CBC": .aesCBC, "AES_CTR": .aesCTR, "NULL": .null]
    let names = known.algorithm.split(separator: "+").map(String.init)
    let integrity = names.count == 1 ? Integrity.none : integrities[names[1]]
    guard known.layer == "ESP", let cipher = ciphers[names[0]], let integrity, let tagBytes = known.tagBytes else {
      return nil
    }
    let key = octets(known.key ?? "")
    return (
      try CipherSuite(cipher, keyBits: key.count * 8, integrity: integrity, tagBytes: tagBytes),
      key + octets(known.salt ?? "") + octets(known.integrityKey ?? "")
    )
  }

  @Test(.enabled(if: VectorCollection.has(ESPAnswer.file), absence), arguments: engines)
  func `DPDK: the payloads of whole ESP packets`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var count = 0
    for known in try VectorCollection.decode([ESPAnswer].self, from: ESPAnswer.file) {
      guard let (suite, material) = try suite(known) else { continue }
      let packet = octets(known.sealed)
      let esp = Array(packet.dropFirst(packet[0] >> 4 == 6 ? 40 : 20))
      let head = 8 + suite.ivBytes
      let salt = suite.saltBytes == 4 ? octets(known.salt!) : []
      let nonce = salt + esp[8..<head]
      // An AEAD has the IV in its nonce alone.
      let aad = Array(esp.prefix(suite.cipher.isAEAD ? 8 : head))
      let arrived = Sealed(
        text: Array(esp[head..<esp.count - suite.tagBytes]), tag: Array(esp.suffix(suite.tagBytes)))
      let opened = try bench.withKey(suite, .open, material) { key in
        bench.open(key, nonce: nonce, aad: aad, arrived)
      }
      let clear = octets(known.clear)
      #expect(opened?.starts(with: clear) == true, "\(known.name)")
      let sealed = try bench.withKey(suite, .seal, material) { key in
        bench.seal(suite, key, nonce: nonce, aad: aad, opened ?? [])
      }
      #expect(sealed == arrived, "\(known.name)")
      count += 1
    }
    #expect(count == 9)
  }
}

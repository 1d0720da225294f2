@testable import Contract
import Dataplane
import Foundation
import PacketMaking
import Testing

/// Collections of others, beside the repository where somebody has put them.
private enum Collection {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/vectors").standardizedFileURL

  static func has(_ name: String) -> Bool {
    FileManager.default.isReadableFile(atPath: folder.appendingPathComponent(name).path)
  }

  static func lines(_ name: String) throws -> [String] {
    let path = folder.appendingPathComponent(name).path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-dcf", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let all = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: all, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }

  static func wycheproof(_ name: String) throws -> [Wycheproof.Group] {
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    return try JSONDecoder().decode(Wycheproof.self, from: data).testGroups
  }
}

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

@Suite("Every engine agrees with the collections") struct VectorFileTests {
  static let wycheproofAEADs: [(file: String, cipher: Cipher)] = [
    ("aes_gcm_test.part-dev.json", .aesGCM), ("chacha20_poly1305_test.part-dev.json", .chacha20Poly1305),
  ]

  @Test(
    .enabled(if: wycheproofAEADs.allSatisfy { Collection.has($0.file) }, "there is no ../shared/vectors"),
    arguments: wycheproofAEADs, engines)
  func `Wycheproof: AEADs`(_ source: (file: String, cipher: Cipher), _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var count = 0
    // IPsec has nonces of 96 bits, and no others.
    for group in try Collection.wycheproof(source.file) where group.ivSize == 96 && group.tagSize == 128 {
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
    .enabled(if: Collection.has("hmac_sha256_test.json"), "there is no ../shared/vectors"), arguments: engines)
  func `Wycheproof: HMAC-SHA-256`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let suite = try CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256)
    var count = 0
    // A key that is shorter than the suite's is padded with zeros, which HMAC does itself.
    for group in try Collection.wycheproof("hmac_sha256_test.json") where group.keySize <= 256 {
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
    .enabled(if: Collection.has("aes_cbc_pkcs5_test.json"), "there is no ../shared/vectors"), arguments: engines)
  func `Wycheproof: AES-CBC`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let hmac = try CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256)
    let integrityKey = [UInt8](repeating: 7, count: 32)
    var count = 0
    for group in try Collection.wycheproof("aes_cbc_pkcs5_test.json") {
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
    .enabled(if: Collection.has("gcmDecrypt256.rsp.gz"), "there is no ../shared/vectors"),
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
    for line in try Collection.lines(file) {
      if line.hasPrefix("Count") || line.hasPrefix("[") { try finish() }
      if line.hasPrefix("[") || line.hasPrefix("#") { continue }
      let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
      if let name = parts.first { fields[name] = parts.count > 1 ? parts[1] : "" }
    }
    try finish()
    #expect(count == 3 * 375)
  }

  @Test(
    .enabled(if: Collection.has("boringssl-aes_128_gcm_tests.txt"), "there is no ../shared/vectors"),
    arguments: engines)
  func `BoringSSL: AES-128-GCM`(_ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    var fields: [String: String] = [:]
    var count = 0
    for line in try Collection.lines("boringssl-aes_128_gcm_tests.txt") {
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
}

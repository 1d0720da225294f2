import Contract
import CCrypto
@testable import Dataplane
import Testing

@Suite("What goes together") struct SuiteTests {
  @Test(arguments: [Cipher.aesCBC, .aesCTR])
  func `CBC and CTR are refused without integrity`(_ cipher: Cipher) {
    for bits in cipher.keyBits {
      #expect(throws: SuiteRefusal.withoutIntegrity) { try CipherSuite(cipher, keyBits: bits) }
    }
  }

  @Test func `NULL without integrity is nothing at all`() {
    #expect(throws: SuiteRefusal.withoutIntegrity) { try CipherSuite(.null, keyBits: 0) }
  }

  @Test(arguments: [Cipher.aesGCM, .chacha20Poly1305, .aesGMAC])
  func `an AEAD takes no HMAC beside it`(_ cipher: Cipher) {
    for integrity in Integrity.allCases where integrity != .none {
      #expect(throws: SuiteRefusal.integrityTwice) {
        try CipherSuite(cipher, keyBits: cipher.keyBits[0], integrity: integrity)
      }
    }
  }

  @Test func `tags are cut for AES-GCM alone`() throws {
    #expect(try CipherSuite(.aesGCM, keyBits: 128, tagBytes: 8).tagBytes == 8)
    #expect(throws: SuiteRefusal.tagLength) { try CipherSuite(.aesGCM, keyBits: 128, tagBytes: 4) }
    #expect(throws: SuiteRefusal.tagLength) { try CipherSuite(.aesGMAC, keyBits: 128, tagBytes: 12) }
    #expect(throws: SuiteRefusal.tagLength) { try CipherSuite(.chacha20Poly1305, keyBits: 256, tagBytes: 8) }
    #expect(throws: SuiteRefusal.tagLength) {
      try CipherSuite(.aesCBC, keyBits: 128, integrity: .hmacSHA256, tagBytes: 12)
    }
  }

  @Test func `keys have the lengths that their cipher has`() {
    #expect(throws: SuiteRefusal.keyLength) { try CipherSuite(.aesGCM, keyBits: 160) }
    #expect(throws: SuiteRefusal.keyLength) { try CipherSuite(.chacha20Poly1305, keyBits: 128) }
  }

  @Test func `41 suites, each with a name of its own`() {
    // 3 × 3 GCM, 1 ChaCha, 3 GMAC, 3 × 4 CBC, 3 × 4 CTR, 4 NULL
    #expect(CipherSuite.allCases.count == 9 + 1 + 3 + 12 + 12 + 4)
    #expect(Set(CipherSuite.allCases.map(\.description)).count == CipherSuite.allCases.count)
  }

  @Test func `lengths as the RFCs have them`() throws {
    let gcm = try CipherSuite(.aesGCM, keyBits: 256)
    #expect((gcm.materialBytes, gcm.ivBytes, gcm.tagBytes, gcm.blockBytes) == (36, 8, 16, 1))
    let cbc = try CipherSuite(.aesCBC, keyBits: 128, integrity: .hmacSHA256)
    #expect((cbc.materialBytes, cbc.ivBytes, cbc.tagBytes, cbc.blockBytes) == (48, 16, 16, 16))
    let ctr = try CipherSuite(.aesCTR, keyBits: 192, integrity: .hmacSHA1)
    #expect((ctr.materialBytes, ctr.ivBytes, ctr.tagBytes, ctr.blockBytes) == (48, 8, 12, 1))
    #expect(gcm.isCounterMode && ctr.isCounterMode && !cbc.isCounterMode)
  }

  @Test func `the shim refuses what the type refuses, should anyone come past it`() {
    hauberk_crypto_start()
    let material = [UInt8](repeating: 1, count: 20)
    var ctr = hauberk_suite(
      cipher: Cipher.aesCTR.rawValue, integrity: 0, key_bytes: 16, salt_bytes: 4, integrity_key_bytes: 0, tag_bytes: 0)
    #expect(hauberk_key_make(Int32(HAUBERK_ENGINE_OPENSSL), &ctr, 1, 1, material, 20) == nil)
    ctr.cipher = Cipher.aesCBC.rawValue
    ctr.salt_bytes = 0
    #expect(hauberk_key_make(Int32(HAUBERK_ENGINE_OPENSSL), &ctr, 1, 1, material, 16) == nil)
  }

  @Test func `the engine can be forced, and says what it is`() throws {
    let forced = try CryptoEngine(forced: .openSSL, lanes: 1)
    #expect(forced.kind == .openSSL && forced.name.hasPrefix("OpenSSL 3."))
    let chosen = try CryptoEngine(lanes: 1)
    #expect(chosen.kind == (CryptoEngine.Kind.ipsecMB.isHere ? .ipsecMB : .openSSL))
    if CryptoEngine.Kind.ipsecMB.isHere {
      #expect(chosen.name.hasPrefix("intel-ipsec-mb "))
    } else {
      #expect(throws: CryptoError.self) { try CryptoEngine(forced: .ipsecMB, lanes: 1) }
    }
  }

  @Test func `keying material of another length is refused, and not shown`() throws {
    let engine = try CryptoEngine(lanes: 1)
    let suite = try CipherSuite(.aesGCM, keyBits: 128)
    for length in [0, 16, 19, 21, 36] {
      let material = [UInt8](repeating: 0xee, count: length)
      let error = #expect(throws: CryptoError.self) {
        try material.withUnsafeBytes { bytes in try engine.key(suite, .seal, material: bytes) }
      }
      #expect(error.map { !$0.description.contains("ee") && !$0.description.contains("238") } == true)
    }
  }
}

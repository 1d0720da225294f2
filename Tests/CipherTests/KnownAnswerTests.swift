@testable import Contract
import Dataplane
import Testing

@Suite("Every engine gives the published answers") struct KnownAnswerTests {
  @Test(arguments: gcmAnswers + chachaAnswers + cipherAnswers + hmacAnswers, engines)
  func `as published`(_ known: KnownAnswer, _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    let sealed = try #require(
      try bench.withKey(known.suite, .seal, known.material) { key in
        bench.seal(known.suite, key, nonce: known.nonce, aad: known.aad, known.text)
      })
    #expect(sealed.text == known.sealed)
    if let tag = known.tag { #expect(sealed.tag == tag) }
    let opened = try bench.withKey(known.suite, .open, known.material) { key in
      bench.open(key, nonce: known.nonce, aad: known.aad, sealed)
    }
    #expect(opened == known.text)
  }

  @Test(arguments: [12, 8], engines)
  func `a short GCM tag is the beginning of the long one`(_ bytes: Int, _ engine: CryptoEngine.Kind) throws {
    let bench = try CipherBench(engine)
    for known in gcmAnswers where known.suite.cipher == .aesGCM {
      let suite = try CipherSuite(.aesGCM, keyBits: known.suite.keyBits, tagBytes: bytes)
      let sealed = try bench.withKey(suite, .seal, known.material) { key in
        bench.seal(suite, key, nonce: known.nonce, aad: known.aad, known.text)
      }
      #expect(sealed?.tag == Array(known.tag!.prefix(bytes)))
    }
  }
}

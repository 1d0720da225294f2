@testable import Contract
import Dataplane
import Testing

/// Answers that others have published. Material is cipher key, salt, integrity key.
struct KnownAnswer: Sendable, CustomTestStringConvertible {
  let source: String
  let suite: CipherSuite
  let material: [UInt8]
  let nonce: [UInt8]
  let aad: [UInt8]
  let text: [UInt8]
  let sealed: [UInt8]
  /// nil where the source has none: then the sealed text alone is compared.
  let tag: [UInt8]?

  var testDescription: String { source }

  /// An AEAD. The salt is part of the nonce here and not used by the key.
  init(
    _ source: String, _ suite: CipherSuite, key: String, nonce: String, aad: String = "", text: [UInt8] = [],
    sealed: String = "", tag: String
  ) {
    self.source = source
    self.suite = suite
    let octetsOfNonce = octets(nonce)
    material = octets(key) + octetsOfNonce.prefix(4)
    self.nonce = octetsOfNonce
    self.aad = octets(aad)
    self.text = text
    self.sealed = octets(sealed)
    self.tag = octets(tag)
  }

  /// A cipher alone, beside an HMAC that the source does not know.
  init(_ source: String, _ cipher: Cipher, key: String, nonce: String, text: [UInt8], sealed: String) {
    self.source = source
    suite = try! CipherSuite(cipher, keyBits: octets(key).count * 8, integrity: .hmacSHA256)
    let octetsOfNonce = octets(nonce)
    let salt = cipher == .aesCTR ? Array(octetsOfNonce.prefix(4)) : []
    material = octets(key) + salt + [UInt8](repeating: 7, count: 32)
    self.nonce = octetsOfNonce
    aad = []
    self.text = text
    self.sealed = octets(sealed)
    tag = nil
  }

  /// An HMAC alone. A key that is shorter than the suite's is padded with zeros, which HMAC does itself.
  init(_ source: String, _ integrity: Integrity, key: [UInt8], text: [UInt8], digest: String) {
    self.source = source
    suite = try! CipherSuite(.null, keyBits: 0, integrity: integrity)
    material = key + [UInt8](repeating: 0, count: suite.materialBytes - key.count)
    nonce = []
    aad = []
    self.text = text
    sealed = text
    tag = Array(octets(digest).prefix(suite.tagBytes))
  }
}

private func gcm(_ bits: Int) -> CipherSuite { try! CipherSuite(.aesGCM, keyBits: bits) }
private let chacha = try! CipherSuite(.chacha20Poly1305, keyBits: 256)
private func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }
private func counting(_ count: UInt8) -> [UInt8] { Array(0..<count) }

private let feff = "feffe9928665731c6d6a8f9467308308"
private let cafe = "cafebabefacedbaddecaf888"
private let feed = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
private let zeros = String(repeating: "0", count: 24)
private let d931 = octets(
  """
  d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255
  """)

/// McGrew and Viega, The Galois/Counter Mode of Operation, appendix B: those with a nonce of 96 bits.
let gcmAnswers: [KnownAnswer] = [
  KnownAnswer(
    "GCM 1", gcm(128), key: String(repeating: "0", count: 32), nonce: zeros, tag: "58e2fccefa7e3061367f1d57a4e7455a"),
  KnownAnswer(
    "GCM 2", gcm(128), key: String(repeating: "0", count: 32), nonce: zeros, text: [UInt8](repeating: 0, count: 16),
    sealed: "0388dace60b6a392f328c2b971b2fe78", tag: "ab6e47d42cec13bdf53a67b21257bddf"),
  KnownAnswer(
    "GCM 3", gcm(128), key: feff, nonce: cafe, text: d931,
    sealed: """
      42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
      21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985
      """, tag: "4d5c2af327cd64a62cf35abd2ba6fab4"),
  KnownAnswer(
    "GCM 4", gcm(128), key: feff, nonce: cafe, aad: feed, text: Array(d931.prefix(60)),
    sealed: """
      42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
      21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
      """, tag: "5bc94fbc3221a5db94fae95ae7121a47"),
  KnownAnswer(
    "GCM 7", gcm(192), key: String(repeating: "0", count: 48), nonce: zeros, tag: "cd33b28ac773f74ba00ed1f312572435"),
  KnownAnswer(
    "GCM 8", gcm(192), key: String(repeating: "0", count: 48), nonce: zeros, text: [UInt8](repeating: 0, count: 16),
    sealed: "98e7247c07f0fe411c267e4384b0f600", tag: "2ff58d80033927ab8ef4d4587514f0fb"),
  KnownAnswer(
    "GCM 13", gcm(256), key: String(repeating: "0", count: 64), nonce: zeros, tag: "530f8afbc74536b9a963b4f1c4cb738b"),
  KnownAnswer(
    "GCM 14", gcm(256), key: String(repeating: "0", count: 64), nonce: zeros, text: [UInt8](repeating: 0, count: 16),
    sealed: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919"),
  KnownAnswer(
    "GCM 16", gcm(256), key: feff + feff, nonce: cafe, aad: feed, text: Array(d931.prefix(60)),
    sealed: """
      522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
      """, tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
  KnownAnswer(
    "draft-mcgrew-gcm-test-01, 4", gcm(128), key: String(repeating: "0", count: 32), nonce: zeros,
    aad: "0000000000000001",
    text: octets(
      """
      4500003c99c500008001cb7a40679318010101010800075c0200440061626364
      65666768696a6b6c6d6e6f707172737475767761626364656667686901020201
      """),
    sealed: """
      4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284
      456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3
      """, tag: "f821d496eeb096e98ad2b69e4799c71d"),
  // GMAC is GCM without a text (NIST SP 800-38D, 3).
  KnownAnswer(
    "GMAC of nothing", try! CipherSuite(.aesGMAC, keyBits: 128), key: String(repeating: "0", count: 32), nonce: zeros,
    tag: "58e2fccefa7e3061367f1d57a4e7455a"),
]

private let chachaKey = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"

let chachaAnswers: [KnownAnswer] = [
  KnownAnswer(
    "RFC 8439, 2.8.2", chacha, key: chachaKey, nonce: "070000004041424344454647", aad: "50515253c0c1c2c3c4c5c6c7",
    text: ascii(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    ),
    sealed: """
      d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b6116
      """, tag: "1ae10b594f09e26a7e902ecbd0600691"),
  KnownAnswer(
    "RFC 7634, appendix A", chacha, key: chachaKey, nonce: "a0a1a2a31011121314151617", aad: "0102030400000005",
    text: octets(
      """
      45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10
      0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
      2425262728292a2b2c2d2e2f303132333435363701020204
      """),
    sealed: """
      24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6
      14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3
      cbec163fac469b502773f6fb94e664da9165b82829f641e0
      """, tag: "76aaa8266b7fb0f7b11b369907e1ad43"),
]

let cipherAnswers: [KnownAnswer] = [
  KnownAnswer(
    "RFC 3602, case 1", .aesCBC, key: "06a9214036b8a15b512e03d534120006", nonce: "3dafba429d9eb430b422da802c9fac41",
    text: ascii("Single block msg"), sealed: "e353779c1079aeb82708942dbe77181a"),
  KnownAnswer(
    "RFC 3602, case 2", .aesCBC, key: "c286696d887c9aa0611bbb3e2025a45a", nonce: "562e17996d093d28ddb3ba695a2e6f58",
    text: counting(32), sealed: "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"),
  KnownAnswer(
    "RFC 3602, case 3", .aesCBC, key: "6c3ea0477630ce21a2ce334aa746c2cd", nonce: "c782dc4c098c66cbd9cd27d825682c81",
    text: ascii("This is a 48-byte message (exactly 3 AES blocks)"),
    sealed: "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684"),
  KnownAnswer(
    "RFC 3602, case 4", .aesCBC, key: "56e47a38c5598974bc46903dba290349", nonce: "8ce82eefbea0da3c44699ed7db51b7d9",
    text: Array(0xa0...0xdf),
    sealed: """
      c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e
      35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55
      """),
  // Cases 5 to 8 are ESP without integrity, which Hauberk refuses: from behind the IV on, trailer included.
  KnownAnswer(
    "RFC 3602, case 5", .aesCBC, key: "90d382b410eeba7ad938c46cec1a82bf", nonce: "e96e8c08ab465763fd098d45dd3ff893",
    text: octets("08000ebda70a00008e9c083db95b0700") + Array(8..<0x38) + Array(1...14) + [14, 1],
    sealed: """
      f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856
      a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a
      a269add047ad2d5913ac19b7cfbad4a6
      """),
  KnownAnswer(
    "RFC 3602, case 6", .aesCBC, key: "90d382b410eeba7ad938c46cec1a82bf", nonce: "69d08df7d203329db093fc4924e5bd80",
    text: octets("0800b5e8a80a0500a69c083d0b660e00") + [UInt8](repeating: 0x77, count: 12) + [1, 2, 2, 1],
    sealed: "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75"),
  KnownAnswer(
    "RFC 3602, case 7", .aesCBC, key: "0123456789abcdef0123456789abcdef", nonce: "f4e765244f6407adf13dc1380f673f37",
    text: octets("45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a20400")
      + Array(8..<0x38) + Array(1...10) + [10, 4],
    sealed: """
      773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8
      e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5
      c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d
      """),
  KnownAnswer(
    "RFC 3602, case 8", .aesCBC, key: "0123456789abcdef0123456789abcdef", nonce: "85d47224b5f3dd5d2101d4ea8dffab22",
    text: octets("45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300")
      + [UInt8](repeating: 0xff, count: 32) + Array(1...10) + [10, 4],
    sealed: """
      15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb5
      0f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3
      d2726d9b5ef6affc6d17a0decbb13892
      """),
  KnownAnswer(
    "RFC 3686, vector 1", .aesCTR, key: "ae6852f8121067cc4bf7a5765577f39e", nonce: "000000300000000000000000",
    text: ascii("Single block msg"), sealed: "e4095d4fb7a7b3792d6175a3261311b8"),
  KnownAnswer(
    "RFC 3686, vector 2", .aesCTR, key: "7e24067817fae0d743d6ce1f32539163", nonce: "006cb6dbc0543b59da48d90b",
    text: counting(32), sealed: "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"),
  KnownAnswer(
    "RFC 3686, vector 3", .aesCTR, key: "7691be035e5020a8ac6e618529f9a0dc", nonce: "00e0017b27777f3f4a1786f0",
    text: counting(36), sealed: "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f"),
  KnownAnswer(
    "RFC 3686, vector 4", .aesCTR, key: "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb78515",
    nonce: "0000004836733c147d6d93cb", text: ascii("Single block msg"), sealed: "4b55384fe259c9c84e7935a003cbe928"),
  KnownAnswer(
    "RFC 3686, vector 5", .aesCTR, key: "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a",
    nonce: "0096b03b020c6eadc2cb500d", text: counting(32),
    sealed: "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00"),
  KnownAnswer(
    "RFC 3686, vector 6", .aesCTR, key: "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe",
    nonce: "0007bdfd5cbd60278dcc0912", text: counting(36),
    sealed: "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935"),
  KnownAnswer(
    "RFC 3686, vector 7", .aesCTR, key: "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104",
    nonce: "00000060db5672c97aa8f0b2", text: ascii("Single block msg"), sealed: "145ad01dbf824ec7560863dc71e3e0c0"),
  KnownAnswer(
    "RFC 3686, vector 8", .aesCTR, key: "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884",
    nonce: "00faac24c1585ef15a43d875", text: counting(32),
    sealed: "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"),
  KnownAnswer(
    "RFC 3686, vector 9", .aesCTR, key: "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d",
    nonce: "001cc5b751a51d70a1c11148", text: counting(36),
    sealed: "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8"),
]

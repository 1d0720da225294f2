/// What hides a payload. GMAC and null hide nothing.
public enum Cipher: UInt8, CaseIterable, Sendable {
  case aesGCM = 1
  case chacha20Poly1305, aesGMAC, aesCBC, aesCTR, null

  /// Whether the cipher sees to integrity itself.
  public var isAEAD: Bool {
    switch self {
    case .aesGCM, .chacha20Poly1305, .aesGMAC: true
    case .aesCBC, .aesCTR, .null: false
    }
  }

  /// The sizes a key may have, without the salt.
  public var keyBits: [Int] {
    switch self {
    case .aesGCM, .aesGMAC, .aesCBC, .aesCTR: [128, 192, 256]
    case .chacha20Poly1305: [256]
    case .null: [0]
    }
  }
}

/// What notices a change, where the cipher does not.
public enum Integrity: UInt8, CaseIterable, Sendable {
  case none
  /// For old peers alone (RFC 8221).
  case hmacSHA1
  case hmacSHA256, hmacSHA384, hmacSHA512

  /// RFC 2404 and RFC 4868: the key is as long as the digest.
  public var keyBytes: Int {
    switch self {
    case .none: 0
    case .hmacSHA1: 20
    case .hmacSHA256: 32
    case .hmacSHA384: 48
    case .hmacSHA512: 64
    }
  }

  /// RFC 2404 and RFC 4868: half of the digest, and 96 bits of SHA-1.
  public var tagBytes: Int {
    switch self {
    case .none: 0
    case .hmacSHA1: 12
    case .hmacSHA256: 16
    case .hmacSHA384: 24
    case .hmacSHA512: 32
    }
  }

  public var name: String {
    switch self {
    case .none: ""
    case .hmacSHA1: "HMAC-SHA1-96"
    case .hmacSHA256: "HMAC-SHA2-256-128"
    case .hmacSHA384: "HMAC-SHA2-384-192"
    case .hmacSHA512: "HMAC-SHA2-512-256"
    }
  }
}

/// Why a combination is no suite.
public enum SuiteRefusal: Error, CustomStringConvertible {
  /// Without it, whoever is on the way changes the text as he likes (RFC 3686, 4; RFC 8221, 4).
  case withoutIntegrity
  case integrityTwice
  case keyLength
  case tagLength

  public var description: String {
    switch self {
    case .withoutIntegrity: "this cipher is refused without integrity"
    case .integrityTwice: "this cipher sees to integrity itself and takes no HMAC"
    case .keyLength: "this cipher has no keys of that length"
    case .tagLength: "this cipher has no tags of that length"
    }
  }
}

/// A cipher and an integrity that go together. There is no value of this type for what is not allowed.
public struct CipherSuite: Hashable, CaseIterable, CustomStringConvertible, Sendable {
  public let cipher: Cipher
  public let integrity: Integrity
  public let keyBits: Int
  public let tagBytes: Int

  /// `tagBytes` is for AES-GCM, which may have 16, 12 or 8 (RFC 4106); every other suite has one length only.
  public init(
    _ cipher: Cipher, keyBits: Int, integrity: Integrity = .none, tagBytes: Int? = nil
  ) throws(SuiteRefusal) {
    if cipher.isAEAD != (integrity == .none) { throw cipher.isAEAD ? .integrityTwice : .withoutIntegrity }
    guard cipher.keyBits.contains(keyBits) else { throw .keyLength }
    let whole = cipher.isAEAD ? 16 : integrity.tagBytes
    let tag = tagBytes ?? whole
    guard tag == whole || (cipher == .aesGCM && (tag == 12 || tag == 8)) else { throw .tagLength }
    self.cipher = cipher
    self.integrity = integrity
    self.keyBits = keyBits
    self.tagBytes = tag
  }

  public static let allCases: [CipherSuite] = Cipher.allCases.flatMap { cipher in
    cipher.keyBits.flatMap { bits in
      Integrity.allCases.flatMap { integrity in
        [16, 12, 8, 24, 32].compactMap {
          try? CipherSuite(cipher, keyBits: bits, integrity: integrity, tagBytes: $0)
        }
      }
    }
  }

  public var description: String {
    switch cipher {
    case .aesGCM: "AES-GCM-\(tagBytes)-\(keyBits)"
    case .chacha20Poly1305: "ChaCha20-Poly1305"
    case .aesGMAC: "AES-GMAC-\(keyBits)"
    case .aesCBC: "AES-CBC-\(keyBits) with \(integrity.name)"
    case .aesCTR: "AES-CTR-\(keyBits) with \(integrity.name)"
    case .null: "NULL with \(integrity.name)"
    }
  }

  /// How much of the nonce comes with the key, behind it (RFC 4106, 8.1; RFC 3686, 5.1; RFC 7634, 2).
  public var saltBytes: Int {
    switch cipher {
    case .aesGCM, .chacha20Poly1305, .aesGMAC, .aesCTR: 4
    case .aesCBC, .null: 0
    }
  }

  /// Key, salt and integrity key, in this order: what IKE has to make for one direction.
  public var materialBytes: Int { keyBits / 8 + saltBytes + integrity.keyBytes }

  /// How much IV each packet carries.
  public var ivBytes: Int {
    switch cipher {
    case .aesGCM, .chacha20Poly1305, .aesGMAC, .aesCTR: 8
    case .aesCBC: 16
    case .null: 0
    }
  }

  /// What the encrypted length is a multiple of. ESP itself pads to 4 at least (RFC 4303, 2.4).
  public var blockBytes: Int { cipher == .aesCBC ? 16 : 1 }

  /// Whether the IV is a counter that must never come twice under a key. A CBC IV must be unpredictable instead.
  public var isCounterMode: Bool {
    switch cipher {
    case .aesGCM, .chacha20Poly1305, .aesGMAC, .aesCTR: true
    case .aesCBC, .null: false
    }
  }

  /// Whether the upper half of an extended sequence number goes behind the payload (RFC 4303, 2.2.1) and not into
  /// the AAD (RFC 4106, 5).
  public var hasSuffix: Bool { !cipher.isAEAD }
}

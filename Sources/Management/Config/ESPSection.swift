import Contract
import Wire

/// What tunnels and groups have in common: the suite, and what ESP makes of a packet.
enum ESPSection {
  static let fields = [
    "address", "cipher", "icv", "integrity", "keysBorn", "mode", "esn", "window", "udp", "dscp", "dontFragment", "ecn",
    "hopLimit", "flowLabel", "pathMTU", "padTo", "lifetime",
  ]

  /// Asks for every field. Nil where there is no suite, and after an error in it.
  static func read(_ reader: inout FieldReader, isIPv6: Bool?, isWanted: Bool) -> ESPDescription? {
    let suite = suite(&reader, isWanted: isWanted)
    let mode = reader.field("mode", .choice, default: ESPDescription.Mode.tunnel)
    let isExtended = reader.field("esn", .bool, default: false)
    let window = reader.field("window", .window, default: 1024)
    let encapsulation = reader.optional("udp", .section(encapsulation))
    let dscp = reader.field(
      "dscp", .copy(.copy, orInteger: 0...63) { ESPDescription.DSCP.set($0) }, default: .copy)
    let dontFragment = reader.optional("dontFragment", FieldFormat<ESPDescription.DontFragment>.choice)
    let ecn = reader.field("ecn", .choice, default: ESPDescription.ECN.normal)
    let hopLimit = reader.field(
      "hopLimit", .copy(.copy, orInteger: 1...255) { ESPDescription.HopLimit.set($0) }, default: .set(64))
    let flowLabel = reader.optional(
      "flowLabel", .copy(.copy, orInteger: 0...0xfffff) { ESPDescription.FlowLabel.set($0) })
    let pathMTU = reader.field("pathMTU", .pathMTU(isIPv6: isIPv6 ?? false), default: 0)
    let paddedLength = reader.field("padTo", .integer(in: 0...65535), default: 0)
    let lifetime = reader.optional("lifetime", .section { LifetimeSection.read(&$0, isExtended: isExtended) })
    if isIPv6 == false, flowLabel != nil {
      reader.reject("flowLabel", "an IPv4 outer header has no flow label, expected no such field")
    }
    if isIPv6 == true, dontFragment != nil {
      reader.reject("dontFragment", "an IPv6 outer header has no such mark, expected no such field")
    }
    guard let suite else { return nil }
    var esp = ESPDescription(suite)
    esp.mode = mode
    esp.isExtended = isExtended
    esp.window = window
    esp.encapsulation = encapsulation
    esp.dscp = dscp
    esp.dontFragment = dontFragment ?? .copy
    esp.ecn = ecn
    esp.hopLimit = hopLimit
    esp.flowLabel = flowLabel ?? .set(0)
    esp.pathMTU = pathMTU
    esp.paddedLength = paddedLength
    esp.packets = lifetime?.packets
    esp.bytes = lifetime?.bytes
    esp.seconds = lifetime?.seconds
    return esp
  }

  private static func suite(_ reader: inout FieldReader, isWanted: Bool) -> CipherSuite? {
    let cipher = isWanted ? reader.field("cipher", .cipher) : reader.optional("cipher", .cipher)
    let hasIntegrity = reader.contains("integrity")
    let integrity = reader.optional("integrity", .integrity)
    let hasLength = reader.contains("icv")
    let length = reader.optional("icv", .integer(in: 8...16).matching("16, 12 or 8") { [16, 12, 8].contains($0) })
    // What is there but wrong has been said; what is made of the rest would only add to it.
    guard let cipher, hasIntegrity == (integrity != nil), hasLength == (length != nil) else { return nil }
    do {
      return try CipherSuite(
        cipher.cipher, keyBits: cipher.keyBits, integrity: integrity ?? .none, tagBytes: length)
    } catch {
      switch error {
      case .withoutIntegrity:
        reader.reject("cipher", "\(error), expected 'integrity' as well, such as hmac-sha256")
      case .integrityTwice: reader.reject("integrity", "\(error), expected no such field")
      case .keyLength: reader.reject("cipher", "\(error)")
      case .tagLength: reader.reject("icv", "\(error), expected no such field")
      }
      return nil
    }
  }

  private static func encapsulation(_ reader: inout FieldReader) -> ESPDescription.Encapsulation? {
    ESPDescription.Encapsulation(
      localPort: reader.field("localPort", .integer(in: 1...UInt16.max), default: 4500),
      peerPort: reader.field("peerPort", .integer(in: 1...UInt16.max), default: 4500))
  }
}

/// `lifetime`: how long keys are used.
struct LifetimeSection {
  var packets: ESPDescription.Limit?
  var bytes: ESPDescription.Limit?
  var seconds: ESPDescription.Limit?

  static func read(_ reader: inout FieldReader, isExtended: Bool) -> LifetimeSection? {
    let numbers = isExtended ? UInt64.max : UInt64(UInt32.max)
    return LifetimeSection(
      packets: reader.optional("packets", .limit(upTo: numbers)),
      bytes: reader.optional("bytes", .limit(upTo: .max)),
      seconds: reader.optional("seconds", .limit(upTo: UInt64(Int64.max))))
  }
}

struct NamedCipher {
  var cipher: Cipher
  var keyBits: Int
}

extension FieldFormat where Value == NamedCipher {
  static var cipher: FieldFormat {
    let named = FieldFormat.choice(of: [
      "aes-128-gcm": NamedCipher(cipher: .aesGCM, keyBits: 128),
      "aes-192-gcm": NamedCipher(cipher: .aesGCM, keyBits: 192),
      "aes-256-gcm": NamedCipher(cipher: .aesGCM, keyBits: 256),
      "chacha20-poly1305": NamedCipher(cipher: .chacha20Poly1305, keyBits: 256),
      "aes-128-gmac": NamedCipher(cipher: .aesGMAC, keyBits: 128),
      "aes-192-gmac": NamedCipher(cipher: .aesGMAC, keyBits: 192),
      "aes-256-gmac": NamedCipher(cipher: .aesGMAC, keyBits: 256),
      "aes-128-cbc": NamedCipher(cipher: .aesCBC, keyBits: 128),
      "aes-192-cbc": NamedCipher(cipher: .aesCBC, keyBits: 192),
      "aes-256-cbc": NamedCipher(cipher: .aesCBC, keyBits: 256),
      "aes-128-ctr": NamedCipher(cipher: .aesCTR, keyBits: 128),
      "aes-192-ctr": NamedCipher(cipher: .aesCTR, keyBits: 192),
      "aes-256-ctr": NamedCipher(cipher: .aesCTR, keyBits: 256),
      "null": NamedCipher(cipher: .null, keyBits: 0),
    ])
    return FieldFormat(expected: named.expected) { node, context in
      // Here it is a name, and not YAML's word for nothing.
      if case .scalar(let scalar) = node.content, scalar.text == "null" {
        return NamedCipher(cipher: .null, keyBits: 0)
      }
      return named.read(node, context)
    }
  }
}

extension FieldFormat where Value == Integrity {
  static var integrity: FieldFormat {
    choice(of: [
      "hmac-sha1-96": .hmacSHA1, "hmac-sha256": .hmacSHA256, "hmac-sha384": .hmacSHA384, "hmac-sha512": .hmacSHA512,
    ])
  }
}

extension FieldFormat where Value == Int {
  static var window: FieldFormat {
    integer(in: ESPDescription.windows).matching("a power of two from 64 to 131072") { $0 & ($0 - 1) == 0 }
  }

  /// RFC 791 and RFC 8200: what every link carries.
  static func pathMTU(isIPv6: Bool) -> FieldFormat {
    let least = isIPv6 ? 1280 : 576
    return integer(in: 0...65535).matching("0 or an integer from \(least) to 65535") { $0 == 0 || $0 >= least }
  }
}

extension FieldFormat {
  /// `copy`, or a number of its own.
  static func copy<Number: FixedWidthInteger>(
    _ copied: Value, orInteger range: ClosedRange<Number>, _ made: @escaping (Number) -> Value
  ) -> FieldFormat {
    let number = FieldFormat<Number>.integer(in: range)
    let expected = "copy or \(number.expected)"
    return FieldFormat(expected: expected) { node, context in
      if case .scalar(let scalar) = node.content, scalar.text == "copy" { return copied }
      return number.read(node, context, expecting: expected).map(made)
    }
  }

  /// One of several forms: the error names all of them.
  fileprivate func read(_ node: YAMLNode, _ context: FieldContext, expecting expected: String) -> Value? {
    if let value = read(node, FieldContext(path: context.path, errors: ErrorList(file: ""))) { return value }
    context.reject(node, expected: expected)
    return nil
  }
}

extension FieldFormat where Value == ESPDescription.Limit {
  /// A number, of which 90 % are the soft limit; or both.
  static func limit(upTo most: UInt64) -> FieldFormat {
    let number = FieldFormat<UInt64>.integer(in: 1...most)
    let section = FieldFormat.section { reader in
      let soft = reader.field("soft", number)
      let hard = reader.field("hard", number)
      guard let soft, let hard else { return nil }
      guard soft < hard else {
        reader.reject("soft", "found \(soft), expected less than \(hard), the value of hard")
        return nil
      }
      return ESPDescription.Limit(soft: soft, hard: hard)
    }
    let expected = "\(number.expected), or {soft, hard}"
    return FieldFormat(expected: expected) { node, context in
      if case .mapping = node.content { return section.read(node, context) }
      let hard = number.read(node, context, expecting: expected)
      return hard.map { ESPDescription.Limit(soft: $0 - $0 / 10 - ($0 < 10 ? 1 : 0), hard: $0) }
    }
  }
}

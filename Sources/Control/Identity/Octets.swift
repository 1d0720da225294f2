internal import CCrypto

/// What the files of this module do with octets.
enum Octets {
  static func hexadecimal(_ octets: some Sequence<UInt8>) -> String {
    octets.reduce(into: "") { text, octet in
      text += octet < 16 ? "0" : ""
      text += String(octet, radix: 16)
    }
  }

  /// Nil where the text is not of pairs of hexadecimal digits.
  static func reading(_ text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == text.utf8.count, digits.count % 2 == 0, !digits.isEmpty else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  static func digest(_ octets: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(HAUBERK_DIGEST_BYTES))
    _ = unsafe hauberk_identity_digest(octets, octets.count, &digest)
    return digest
  }

  /// What a C function writes and tells the length of; its number below 0, or 0, where it writes nothing.
  static func filled(_ capacity: Int, _ fill: (inout [UInt8]) -> Int32) -> Result<[UInt8], Code> {
    var octets = [UInt8](repeating: 0, count: capacity)
    let length = fill(&octets)
    return length > 0 ? .success(Array(octets.prefix(Int(length)))) : .failure(Code(number: Int(length)))
  }

  struct Code: Error {
    let number: Int
  }
}

/// The blocks of PEM files.
enum PEM {
  static let certificate = "CERTIFICATE"
  static let revocations = "X509 CRL"

  static func text(_ name: String, _ octets: [UInt8]) throws(IdentityRefusal) -> String {
    let made = Octets.filled(2 * octets.count + 200) { out in
      let capacity = out.count
      return unsafe out.withUnsafeMutableBytes { text in
        unsafe hauberk_identity_pem_make(
          name, octets, octets.count, text.baseAddress?.assumingMemoryBound(to: CChar.self), capacity)
      }
    }
    guard let text = try? made.get() else { throw IdentityRefusal(.form, "there is no memory for a \(name) in PEM") }
    return String(decoding: text, as: UTF8.self)
  }

  /// All blocks of that name, in DER. The code of what is wrong with the text, where something is.
  static func blocks(_ name: String, in text: [UInt8], most: Int, mostOctets: Int) -> Result<[[UInt8]], Octets.Code> {
    var blocks: [[UInt8]] = []
    while true {
      let next = Octets.filled(mostOctets) { out in
        unsafe text.withUnsafeBytes { text in
          unsafe hauberk_identity_pem_block(
            text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, name, Int32(blocks.count), &out,
            out.count)
        }
      }
      switch next {
      case .success(let block) where blocks.count < most: blocks.append(block)
      case .success: return .failure(Octets.Code(number: HAUBERK_IDENTITY_ROOM))
      case .failure(let code) where code.number == 0: return .success(blocks)
      case .failure(let code): return .failure(code)
      }
    }
  }
}

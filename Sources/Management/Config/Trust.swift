internal import CCrypto
internal import Glibc

/// Why nobody can say whose a configuration is, or that it is not the right one's.
package struct TrustFailure: Error, CustomStringConvertible {
  package let description: String
}

/// Who may say what a gateway does: public keys, one of which has to have signed the configuration.
///
/// They are given from outside the configuration, which would otherwise vouch for itself.
package struct Trust: Sendable {
  package let path: String
  private let pem: [UInt8]
  /// By key: the beginning of the SHA-256 of its octets, for people.
  private let signers: [String]

  /// Where a machine says whom it trusts, whatever is asked of it.
  package static let standardPath = "/etc/hauberk/trust.pem"
  /// The signature of a file lies beside it.
  package static let suffix = ".sig"
  private static let mostBytes = 1 << 16

  package init(_ path: String) throws(TrustFailure) {
    self.path = path
    do {
      pem = try FileOctets.read(path, atMost: Self.mostBytes)
    } catch {
      throw TrustFailure(description: "cannot read \(path), which says whose signature is trusted: \(error)")
    }
    guard pem.count <= Self.mostBytes else {
      throw TrustFailure(description: "\(path) has more than \(Self.mostBytes) octets: these are no public keys")
    }
    let size = Int(HAUBERK_SIGNER_BYTES)
    var octets = [UInt8](repeating: 0, count: size * Int(HAUBERK_MOST_TRUSTED))
    let count = unsafe pem.withUnsafeBytes { text in
      unsafe hauberk_trusted_keys(
        text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, &octets, Int(HAUBERK_MOST_TRUSTED))
    }
    guard count > 0 else {
      throw TrustFailure(
        description: "\(path) holds no Ed25519 public keys in PEM: `openssl pkey -in KEY -pubout` makes one")
    }
    signers = (0..<Int(count)).map { number in Self.words(octets[(number * size)...].prefix(8)) }
  }

  /// Hexadecimal.
  private static func words(_ octets: some Sequence<UInt8>) -> String {
    octets.reduce(into: "") { text, octet in
      text += octet < 16 ? "0" : ""
      text += String(octet, radix: 16)
    }
  }

  /// What was asked for, or what the machine says; nil where nobody has to sign.
  package static func found(_ path: String?) throws(TrustFailure) -> Trust? {
    if let path { return try Trust(path) }
    return isThere(standardPath) ? try Trust(standardPath) : nil
  }

  /// What is there and cannot be read, or is a link that leads nowhere, is no reason to trust everybody.
  static func isThere(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 || errno != ENOENT && errno != ENOTDIR
  }

  /// Who has signed these octets of that file.
  func signer(of octets: [UInt8], _ file: String) throws(TrustFailure) -> String {
    let name = file + Self.suffix
    let signature: [UInt8]
    do {
      signature = try FileOctets.read(name, atMost: 4096)
    } catch {
      throw TrustFailure(
        description: "\(file) is not signed, and \(path) wants that: cannot read \(name): \(error); "
          + "`hauberk sign` makes it")
    }
    guard signature.count == Int(HAUBERK_SIGNATURE_BYTES) else {
      throw TrustFailure(
        description: "\(name) is no Ed25519 signature: it has \(signature.count) octets, and not "
          + "\(HAUBERK_SIGNATURE_BYTES)")
    }
    let number = unsafe pem.withUnsafeBytes { text in
      unsafe hauberk_verify_signature(
        text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, octets, octets.count, signature)
    }
    guard number >= 0 else {
      throw TrustFailure(
        description: "\(name) is no signature of \(file) by a key in \(path): the file was changed after it was "
          + "signed, or by somebody else's key")
    }
    return signers[Int(number)]
  }
}

/// Making signatures, for whoever has a private key.
package enum Signing {
  package static func signature(of octets: [UInt8], key: [UInt8]) -> [UInt8]? {
    var signature = [UInt8](repeating: 0, count: Int(HAUBERK_SIGNATURE_BYTES))
    let code = unsafe key.withUnsafeBytes { text in
      unsafe hauberk_make_signature(
        text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, octets, octets.count, &signature)
    }
    return code == 0 ? signature : nil
  }
}

internal import CCrypto
public import ControlKit

/// Who we are: a certificate to show, and the key that proves it. Any thread may sign.
public final class UnitIdentity: Signing, Sendable {
  /// DER, as it goes into a request to join (C4).
  public let certificate: [UInt8]
  public let description: UnitCertificate
  private let key: IdentityKey

  /// Both are PEM files, or one that holds both. Whether an authority vouches for it, `ClusterAuthority` says.
  public init(certificate path: String, key keyPath: String) throws(IdentityRefusal) {
    let found = try IdentityFile.certificates(path, most: Int(HAUBERK_MOST_AUTHORITIES))
    guard let terms = CertificateTerms(found[0]) else {
      throw IdentityRefusal(
        .form, "\(path) holds no certificate of an Ed25519 key: `hauberk identity unit` makes one")
    }
    do {
      description = try UnitCertificate(terms, found[0])
    } catch {
      throw IdentityRefusal(error.kind, "\(path): \(error)")
    }
    certificate = found[0]
    key = try IdentityFile.privateKey(keyPath)
    guard key.publicOctets == description.publicKey else {
      throw IdentityRefusal(
        .key,
        "\(keyPath) is not the key of the certificate in \(path): put the two side by side that were made together")
    }
  }

  public func signature(of octets: [UInt8]) -> [UInt8]? { key.signature(of: octets) }
}

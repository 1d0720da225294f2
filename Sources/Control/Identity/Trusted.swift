internal import CCrypto

/// The authorities of one file, and the lists of another, as they were read.
@safe
final class Trusted: Sendable {
  let cluster: String
  /// Changes no more once it is made, and OpenSSL lets any thread ask.
  private nonisolated(unsafe) let handle: OpaquePointer
  private let terms: [CertificateTerms]
  private let path: String

  init(_ path: String, _ revocations: String?) throws(IdentityRefusal) {
    let certificates = try IdentityFile.certificates(path, most: Int(HAUBERK_MOST_AUTHORITIES))
    var terms: [CertificateTerms] = []
    var cluster: String?
    for certificate in certificates {
      guard let one = CertificateTerms(certificate), case .authority(let name)? = one.role else {
        throw IdentityRefusal(
          .role, "\(path) holds a certificate that is no cluster's authority: `hauberk identity authority` makes one")
      }
      guard cluster == nil || cluster == name else {
        throw IdentityRefusal(
          .cluster, "\(path) holds authorities of \(cluster ?? "") and of \(name): take one cluster's")
      }
      cluster = name
      terms.append(one)
    }
    let lists = if let revocations { try IdentityFile.revocations(revocations) } else { [[UInt8]]() }
    guard let handle = unsafe hauberk_authorities_make() else {
      throw IdentityRefusal(.file, "there is no memory for the authorities of \(path)")
    }
    unsafe self.handle = unsafe handle
    self.terms = terms
    self.cluster = cluster ?? ""
    self.path = path
    for certificate in certificates where unsafe hauberk_authorities_trust(handle, certificate, certificate.count) < 0 {
      throw IdentityRefusal(
        .role,
        "\(path) holds a certificate that may not vouch for units: an authority has signed itself, and may sign "
          + "certificates and lists; `hauberk identity authority` makes one")
    }
    for list in lists where unsafe hauberk_authorities_revoke(handle, list, list.count) < 0 {
      throw IdentityRefusal(
        .stranger,
        "\(revocations ?? "") holds a list that no authority of \(path) has signed, or that is of a kind not known here: "
          + "take the list that `hauberk identity revoke` wrote")
    }
  }

  deinit { unsafe hauberk_authorities_free(handle) }

  /// Which authority has made it, or why none.
  func check(_ der: [UInt8]) -> (authority: Int, CertificateTerms) {
    var raw = hauberk_certificate()
    let number = unsafe hauberk_authorities_check(handle, der, der.count, &raw)
    return (Int(number), CertificateTerms(raw))
  }

  func haveRevoked(_ serial: [UInt8], _ authority: Int) -> Bool {
    unsafe hauberk_authorities_have_revoked(handle, Int32(authority), serial, serial.count)
  }

  /// An authority's own certificate has its time, too.
  func refusal(of authority: Int, at now: Int64) -> IdentityRefusal? {
    let own = terms[authority]
    if now < own.notBefore {
      return IdentityRefusal(
        .early,
        "the authority of cluster \(cluster) in \(path) does not count before \(UnitCertificate.text(own.notBefore)): "
          + "it is \(UnitCertificate.text(now)) by this machine's clock, which may be wrong")
    }
    if now > own.notAfter {
      return IdentityRefusal(
        .expired,
        "the authority of cluster \(cluster) in \(path) has expired, \(UnitCertificate.text(own.notAfter)): "
          + "`hauberk identity authority` makes another")
    }
    return nil
  }
}

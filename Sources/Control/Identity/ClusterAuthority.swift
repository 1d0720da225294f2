internal import CCrypto

/// Whose word on units counts: the authority of one cluster, or several while an old one goes out of use, and the lists
/// of certificates that they have taken back. One thread at a time.
public final class ClusterAuthority {
  public let cluster: String
  private let path: String
  private let revocations: String?
  private var trusted: Trusted

  /// What has been looked at, by digest, so that one certificate shown a thousand times costs one look. What holds
  /// and what does not are apart: whoever makes up certificates pushes out no member's.
  private var good: [[UInt8]: Checked] = [:]
  private var bad: [[UInt8]: IdentityRefusal] = [:]
  static let mostRemembered = 256
  /// How often a certificate was looked at, which is what costs.
  public private(set) var looks: UInt64 = 0

  private struct Checked {
    let certificate: UnitCertificate
    let serial: [UInt8]
    let authority: Int
  }

  /// Of PEM files: certificates of authorities, and lists that they have signed.
  public init(path: String, revocations: String?) throws(IdentityRefusal) {
    self.path = path
    self.revocations = revocations
    trusted = try Trusted(path, revocations)
    cluster = trusted.cluster
  }

  /// Both files anew. Where something is wrong with one, all stays as it was.
  public func reload() throws(IdentityRefusal) {
    let next = try Trusted(path, revocations)
    guard next.cluster == cluster else {
      throw IdentityRefusal(
        .cluster, "\(path) is of cluster \(next.cluster) now, and was of \(cluster): a new start takes another cluster")
    }
    trusted = next
    good = [:]
    bad = [:]
  }

  /// Whose certificate it is: made by an authority of ours, for a unit, in force at that moment, not taken back.
  public func check(_ der: [UInt8], now: Int64) -> Result<UnitCertificate, IdentityRefusal> {
    lookedUp(der).flatMap { checked in
      let certificate = checked.certificate
      if let refusal = certificate.refusal(at: now) { return .failure(refusal) }
      if let refusal = trusted.refusal(of: checked.authority, at: now) { return .failure(refusal) }
      guard !trusted.haveRevoked(checked.serial, checked.authority) else {
        return .failure(
          IdentityRefusal(
            .revoked,
            "the certificate of \(certificate.name) (serial \(certificate.serial)) has been revoked: "
              + "`hauberk identity unit` makes a new one, if that unit is to come back"))
      }
      return .success(certificate)
    }
  }

  /// All that is to be said against a PEM file's certificates of units.
  public func check(file: String, now: Int64) throws(IdentityRefusal) -> [IdentityRefusal] {
    let certificates = try IdentityFile.certificates(file, most: 64)
    return certificates.compactMap { der in
      if case .failure(let refusal) = check(der, now: now) { refusal } else { nil }
    }
  }

  /// What neither time nor a list changes.
  private func lookedUp(_ der: [UInt8]) -> Result<Checked, IdentityRefusal> {
    guard der.count <= UnitCertificate.mostOctets else {
      return .failure(
        IdentityRefusal(.form, "what was shown as a certificate has more than \(UnitCertificate.mostOctets) octets"))
    }
    let digest = Octets.digest(der)
    if let known = good[digest] { return .success(known) }
    if let known = bad[digest] { return .failure(known) }
    looks += 1
    do throws(IdentityRefusal) {
      let found = try look(der)
      if good.count >= Self.mostRemembered { good = [:] }
      good[digest] = found
      return .success(found)
    } catch {
      if bad.count >= Self.mostRemembered { bad = [:] }
      bad[digest] = error
      return .failure(error)
    }
  }

  private func look(_ der: [UInt8]) throws(IdentityRefusal) -> Checked {
    let (authority, terms) = trusted.check(der)
    guard authority >= 0 else { throw refusal(authority, terms) }
    let certificate = try UnitCertificate(terms, der)
    guard certificate.cluster == cluster else {
      throw IdentityRefusal(
        .cluster,
        "the certificate of \(certificate.name) is no certificate of cluster \(cluster): that unit belongs elsewhere")
    }
    return Checked(certificate: certificate, serial: terms.serialOctets, authority: authority)
  }

  private func refusal(_ code: Int, _ terms: CertificateTerms) -> IdentityRefusal {
    let remedy = "`hauberk identity unit --authority` with this cluster's makes one that holds"
    return switch code {
    case HAUBERK_IDENTITY_STRANGER:
      IdentityRefusal(
        .stranger, "the certificate\(terms.words) was made by no authority of \(path): \(remedy)")
    case HAUBERK_IDENTITY_FORGED:
      IdentityRefusal(
        .forged,
        "the certificate\(terms.words) names an authority of \(path), which has not signed it: it is forged, or of "
          + "another authority of that name")
    case HAUBERK_IDENTITY_UNFIT:
      IdentityRefusal(.role, "the certificate\(terms.words) is not for a unit of a cluster: \(remedy)")
    default: IdentityRefusal(.form, "what was shown is no certificate of an Ed25519 key: \(remedy)")
    }
  }
}

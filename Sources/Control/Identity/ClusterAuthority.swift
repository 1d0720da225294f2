internal import CCrypto
internal import Synchronization

/// Whose word on units counts: the authority of one cluster, or several while an old one goes out of use, and the lists
/// of certificates that they have taken back. Any thread may ask; one that is in a hurry lets another reload.
public final class ClusterAuthority: Sendable {
  public let cluster: String
  private let path: String
  private let revocations: String?
  private let state: Mutex<State>

  /// What has been looked at, by digest, so that one certificate shown a thousand times costs one look. What holds
  /// and what does not are apart: whoever makes up certificates pushes out no member's.
  private struct State {
    var trusted: Trusted
    var good: [[UInt8]: Checked] = [:]
    var bad: [[UInt8]: IdentityRefusal] = [:]
    var looks: UInt64 = 0
  }

  fileprivate struct Checked {
    let der: [UInt8]
    let certificate: UnitCertificate
    let serial: [UInt8]
    let authority: Int
  }

  static let mostRemembered = 256
  /// How often a certificate was looked at, which is what costs.
  public var looks: UInt64 { state.withLock { $0.looks } }

  /// Of PEM files: certificates of authorities, and lists that they have signed.
  public init(path: String, revocations: String?) throws(IdentityRefusal) {
    self.path = path
    self.revocations = revocations
    let trusted = try Trusted(path, revocations)
    state = Mutex(State(trusted: trusted))
    cluster = trusted.cluster
  }

  /// What the files say now, ready to be adopted: all that may go wrong, and all that takes time, is over.
  public struct Renewal: Sendable {
    let trusted: Trusted
    fileprivate let good: [[UInt8]: Checked]
  }

  /// Both files anew. Where something is wrong with one, all stays as it was.
  public func reload() throws(IdentityRefusal) { adopt(try renewed()) }

  public func renewed() throws(IdentityRefusal) -> Renewal {
    let next = try Trusted(path, revocations)
    guard next.cluster == cluster else {
      throw IdentityRefusal(
        .cluster, "\(path) is of cluster \(next.cluster) now, and was of \(cluster): a new start takes another cluster")
    }
    // Who asks next is not to wait for looks at what is known.
    let known = state.withLock { $0.good }
    let good = known.compactMapValues { try? look($0.der, next) }
    state.withLock { $0.looks += UInt64(known.count) }
    return Renewal(trusted: next, good: good)
  }

  public func adopt(_ renewal: Renewal) {
    state.withLock { state in
      state.trusted = renewal.trusted
      state.good = renewal.good
      state.bad = [:]
    }
  }

  /// Whose certificate it is: made by an authority of ours, for a unit, in force at that moment, not taken back.
  public func check(_ der: [UInt8], now: Int64) -> Result<UnitCertificate, IdentityRefusal> {
    let (found, trusted) = lookedUp(der)
    return found.flatMap { checked in
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

  /// What neither time nor a list changes, and by whose word.
  private func lookedUp(_ der: [UInt8]) -> (Result<Checked, IdentityRefusal>, Trusted) {
    guard der.count <= UnitCertificate.mostOctets else {
      let refusal = IdentityRefusal(
        .form, "what was shown as a certificate has more than \(UnitCertificate.mostOctets) octets")
      return (.failure(refusal), state.withLock { $0.trusted })
    }
    let digest = Octets.digest(der)
    let (known, trusted) = state.withLock { state -> (Result<Checked, IdentityRefusal>?, Trusted) in
      if let known = state.good[digest] { return (.success(known), state.trusted) }
      if let known = state.bad[digest] { return (.failure(known), state.trusted) }
      state.looks += 1
      return (nil, state.trusted)
    }
    if let known { return (known, trusted) }
    let found = Result { () throws(IdentityRefusal) in try look(der, trusted) }
    state.withLock { state in
      // Not by the word of those who have been replaced meanwhile.
      guard state.trusted === trusted else { return }
      switch found {
      case .success(let checked):
        if state.good.count >= Self.mostRemembered { state.good = [:] }
        state.good[digest] = checked
      case .failure(let refusal):
        if state.bad.count >= Self.mostRemembered { state.bad = [:] }
        state.bad[digest] = refusal
      }
    }
    return (found, trusted)
  }

  private func look(_ der: [UInt8], _ trusted: Trusted) throws(IdentityRefusal) -> Checked {
    let (authority, terms) = trusted.check(der)
    guard authority >= 0 else { throw refusal(authority, terms) }
    let certificate = try UnitCertificate(terms, der)
    guard certificate.cluster == cluster else {
      throw IdentityRefusal(
        .cluster,
        "the certificate of \(certificate.name) is no certificate of cluster \(cluster): that unit belongs elsewhere")
    }
    return Checked(der: der, certificate: certificate, serial: terms.serialOctets, authority: authority)
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

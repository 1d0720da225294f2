internal import CCrypto

/// What lies in a PEM file, for people. Nobody has vouched for it by being shown.
public enum IdentityPaper: Sendable {
  case authority(AuthorityCertificate)
  case unit(UnitCertificate)
  case revocations([Revocation])

  public struct AuthorityCertificate: Sendable {
    public let cluster: String
    public let serial: String
    public let notBefore: Int64
    public let notAfter: Int64
    public let fingerprint: String
  }

  /// A certificate that has counted until then.
  public struct Revocation: Sendable {
    public let serial: String
    public let when: Int64
  }

  /// All certificates of a file, then all lists. Private keys are passed over.
  public static func read(_ path: String) throws(IdentityRefusal) -> [IdentityPaper] {
    let text = try IdentityFile.octets(path)
    let certificates = PEM.blocks(PEM.certificate, in: text, most: 64, mostOctets: UnitCertificate.mostOctets)
    let lists = PEM.blocks(PEM.revocations, in: text, most: 16, mostOctets: Int(HAUBERK_MOST_REVOCATION_BYTES))
    guard let certificates = try? certificates.get(), let lists = try? lists.get() else {
      throw IdentityRefusal(.form, "\(path) is not in PEM, or holds more or longer certificates than a cluster has")
    }
    guard !certificates.isEmpty || !lists.isEmpty else {
      throw IdentityRefusal(.form, "\(path) holds neither certificates nor a list of revoked ones in PEM")
    }
    var papers: [IdentityPaper] = []
    for octets in certificates { papers.append(try certificate(octets, path)) }
    for octets in lists { papers.append(.revocations(try revocations(octets, path))) }
    return papers
  }

  private static func certificate(_ octets: [UInt8], _ path: String) throws(IdentityRefusal) -> IdentityPaper {
    guard let terms = CertificateTerms(octets) else {
      throw IdentityRefusal(.form, "\(path) holds a certificate that is not one of an Ed25519 key")
    }
    guard case .authority(let cluster)? = terms.role else {
      do throws(IdentityRefusal) {
        return .unit(try UnitCertificate(terms, octets))
      } catch {
        throw IdentityRefusal(error.kind, "\(path): \(error)")
      }
    }
    return .authority(
      AuthorityCertificate(
        cluster: cluster, serial: terms.serial, notBefore: terms.notBefore, notAfter: terms.notAfter,
        fingerprint: Octets.hexadecimal(Octets.digest(octets))))
  }

  private static func revocations(_ octets: [UInt8], _ path: String) throws(IdentityRefusal) -> [Revocation] {
    var found: [Revocation] = []
    while true {
      var when: Int64 = 0
      let serial = Octets.filled(Int(HAUBERK_MOST_SERIAL_BYTES)) { out in
        unsafe hauberk_revocations_read(octets, octets.count, Int32(found.count), &out, &when)
      }
      switch serial {
      case .success(let serial): found.append(Revocation(serial: Octets.hexadecimal(serial), when: when))
      case .failure(let code) where code.number == 0: return found
      case .failure: throw IdentityRefusal(.form, "\(path) holds a list of revoked certificates that is broken")
      }
    }
  }
}

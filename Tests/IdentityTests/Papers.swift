import CCrypto
import Glibc
import Testing
import Wire

@testable import Identity

/// A folder of its own for a test, with an authority and whatever else is made.
final class Papers {
  let folder: String
  let now: Int64 = 1_800_000_000
  let issuer: IssuingAuthority
  static let day: Int64 = 86400

  init(cluster: String = "north", days: Int = 3650) throws {
    var name = Array("/tmp/hauberk-identity-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&name))
    folder = String(cString: made)
    let papers = try IssuingAuthority.make(cluster: cluster, days: days, now: now)
    let certificate = Self.write(folder, "authority.pem", papers.certificate)
    let key = Self.write(folder, "authority.key", try #require(papers.privateKey), mode: 0o600)
    issuer = try IssuingAuthority(certificate: certificate, key: key)
    Self.write(folder, "revoked.pem", try issuer.revocations(nil, adding: [], now: now))
  }

  deinit {
    guard let open = opendir(folder) else { return }
    while let entry = readdir(open) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { octets in
        String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      }
      unlink(folder + "/" + name)
    }
    closedir(open)
    rmdir(folder)
  }

  func path(_ name: String) -> String { folder + "/" + name }

  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o644) -> String {
    Self.write(folder, name, text, mode: mode)
  }

  @discardableResult
  private static func write(_ folder: String, _ name: String, _ text: String, mode: mode_t = 0o644) -> String {
    let path = folder + "/" + name
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
    precondition(file >= 0 && Glibc.write(file, text, text.utf8.count) == text.utf8.count)
    fchmod(file, mode)
    close(file)
    return path
  }

  func authority() throws -> ClusterAuthority {
    try ClusterAuthority(path: path("authority.pem"), revocations: path("revoked.pem"))
  }

  /// A unit with its files, `unit-N.pem` and `unit-N.key`.
  @discardableResult
  func unit(
    _ number: Int, _ addresses: [String] = [], days: Int = 365, at moment: Int64? = nil
  ) throws -> UnitIdentity {
    let addresses = try (addresses.isEmpty ? ["192.0.2.\(number + 1)"] : addresses).map { try #require(IPAddress($0)) }
    let made = try issuer.unit(number, addresses: addresses, days: days, now: moment ?? now)
    let certificate = write("unit-\(number).pem", made.certificate)
    let key = write("unit-\(number).key", try #require(made.privateKey), mode: 0o600)
    return try UnitIdentity(certificate: certificate, key: key)
  }

  func revoke(_ serials: [String]) throws {
    write("revoked.pem", try issuer.revocations(nil, adding: serials, now: now))
  }
}

extension Result where Failure == IdentityRefusal {
  var refusal: IdentityRefusal.Kind? {
    if case .failure(let refusal) = self { refusal.kind } else { nil }
  }
}

extension Papers {
  /// What nobody issues: any terms, signed with this authority's key, or another's in its name.
  func certificate(
    signedBy other: Papers? = nil, issuer: Papers? = nil, _ change: (inout CertificateTerms) -> Void
  ) throws -> [UInt8] {
    var terms = CertificateTerms()
    terms.role = .unit(cluster: "north", number: 5)
    terms.subject = "made up"
    terms.uses = UInt32(HAUBERK_USE_SIGNATURE)
    terms.addresses = [try #require(IPAddress("192.0.2.5"))]
    terms.publicKey = try #require(IdentityKey.made()).publicOctets
    terms.serialOctets = [0x41, 1, 2, 3]
    terms.notBefore = now - 1
    terms.notAfter = now + 1000
    change(&terms)
    let signer = try IdentityFile.privateKey((other ?? self).path("authority.key"))
    let issuer = try IdentityFile.certificates((issuer ?? self).path("authority.pem"), most: 1)[0]
    return try #require(terms.signed(by: signer, issuer: issuer))
  }
}

import CLI
import Glibc
import Identity

/// Where an authority keeps what it has: its key and certificate, the list of what it took back, and a copy of each
/// certificate that it has made.
struct AuthorityFolder {
  let path: String
  var certificate: String { path + "/authority.pem" }
  var key: String { path + "/authority.key" }
  var revocations: String { path + "/revoked.pem" }
  private var records: String { path + "/issued" }

  init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  func create() throws(CommandFailure) {
    for (folder, mode) in [(path, 0o700), (records, 0o755)] as [(String, mode_t)] {
      guard mkdir(folder, mode) == 0 || errno == EEXIST else {
        throw CommandFailure(.output, "cannot make \(folder): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Two that change the list at once would lose one's entry. Ends when the descriptor is closed.
  func locked() throws(CommandFailure) -> Int32 {
    let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0, flock(file, LOCK_EX) == 0 else {
      throw CommandFailure(.output, "cannot lock \(path): \(String(cString: strerror(errno)))")
    }
    return file
  }

  func issuer() throws(IdentityRefusal) -> IssuingAuthority {
    try IssuingAuthority(certificate: certificate, key: key)
  }

  func record(_ number: Int, _ papers: IssuingAuthority.Papers) throws(CommandFailure) {
    try create()
    let name = "\(records)/\(number)-\(papers.serial).pem"
    try NewFile.write(papers.certificate, name, mode: 0o644, replacing: false)
  }

  /// Every certificate that is on record for a unit.
  func issued(to number: Int) throws(IdentityRefusal) -> [UnitCertificate] {
    var found: [UnitCertificate] = []
    guard let folder = opendir(records) else { return [] }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { octets in
        String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix("\(number)-"), name.hasSuffix(".pem") else { continue }
      for case .unit(let certificate) in try IdentityPaper.read(records + "/" + name)
      where Int(certificate.number) == number {
        found.append(certificate)
      }
    }
    return found
  }

  func revoked() throws(IdentityRefusal) -> Set<String> {
    var serials: Set<String> = []
    for case .revocations(let list) in try IdentityPaper.read(revocations) { serials.formUnion(list.map(\.serial)) }
    return serials
  }

  /// What this authority says against a file's certificates of units.
  func refusals(of file: String, now: Int64) throws(IdentityRefusal) -> [IdentityRefusal] {
    let authority = try ClusterAuthority(path: certificate, revocations: revocations)
    return try authority.check(file: file, now: now)
  }
}

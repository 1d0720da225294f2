import Contract
import Glibc
import Identity
import Testing
import Wire

/// A folder of its own for a test: an authority, units' certificates and keys, and the state of one unit.
final class Files {
  let folder: String
  let issuer: IssuingAuthority
  static let now = Int64(time(nil))

  init(cluster: String = "north") throws {
    var name = Array("/tmp/hauberk-member-XXXXXX".utf8CString)
    folder = String(cString: try #require(mkdtemp(&name)))
    let papers = try IssuingAuthority.make(cluster: cluster, days: 30, now: Self.now)
    write(papers.certificate, folder + "/authority.pem", mode: 0o644)
    write(try #require(papers.privateKey), folder + "/authority.key", mode: 0o600)
    issuer = try IssuingAuthority(certificate: folder + "/authority.pem", key: folder + "/authority.key")
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

  /// `unit-N.pem` and `unit-N.key`; answers with the certificate's serial number.
  @discardableResult
  func unit(_ number: Int, _ addresses: [String], at moment: Int64 = now) throws -> String {
    let papers = try issuer.unit(
      number, addresses: addresses.map { try #require(IPAddress($0)) }, days: 7, now: moment)
    write(papers.certificate, path("unit-\(number).pem"), mode: 0o644)
    write(try #require(papers.privateKey), path("unit-\(number).key"), mode: 0o600)
    return papers.serial
  }

  func revoke(_ serials: [String]) throws {
    write(try issuer.revocations(nil, adding: serials, now: Self.now), path("revoked.pem"), mode: 0o644)
  }

  /// Of unit 1, one of two.
  var membership: MembershipDescription {
    let units = [1, 2].map { number in
      MembershipDescription.Unit(
        number: number, inside: IPAddress("192.0.2.\(number)")!, outside: IPAddress("198.51.100.\(number)")!)
    }
    return MembershipDescription(
      name: "north", units: units, authority: path("authority.pem"), certificate: path("unit-1.pem"),
      key: path("unit-1.key"))
  }

  func put(_ text: String, _ name: String) { write(text, path(name), mode: 0o644) }

  func text(_ name: String) -> String? {
    guard let file = fopen(path(name), "r") else { return nil }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 200)
    let count = fread(&octets, 1, octets.count, file)
    return String(decoding: octets.prefix(count), as: UTF8.self)
  }

  /// Everything that is there.
  var names: Set<String> {
    var names: Set<String> = []
    guard let open = opendir(folder) else { return names }
    defer { closedir(open) }
    while let entry = readdir(open) {
      names.insert(
        withUnsafeBytes(of: entry.pointee.d_name) { octets in
          String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names.subtracting([".", ".."])
  }
}

private func write(_ text: String, _ path: String, mode: mode_t) {
  unlink(path)
  let file = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
  precondition(file >= 0 && Glibc.write(file, text, text.utf8.count) == text.utf8.count)
  fchmod(file, mode)
  close(file)
}

import CLI
import Glibc
import Identity
import Wire

/// `hauberk identity`: certificates of a cluster's units.
struct IdentityCommand {
  let options: IdentityOptions

  init(_ options: IdentityOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    switch options {
    case .authority(let cluster, let folder, let days, let isForced):
      try makeAuthority(cluster, AuthorityFolder(folder), days, isForced)
    case .unit(let order): try makeUnit(order)
    case .revoke(let authority, let whose): try revoke(AuthorityFolder(authority), whose)
    case .show(let file, let authority, let json): return try show(file, authority.map(AuthorityFolder.init), json)
    }
    return .success
  }

  static var now: Int64 { Int64(time(nil)) }

  private func makeAuthority(
    _ cluster: String, _ folder: AuthorityFolder, _ days: Int, _ isForced: Bool
  ) throws(CommandFailure) {
    let papers = try told(.usage) { () throws(IdentityRefusal) in
      try IssuingAuthority.make(cluster: cluster, days: days, now: Self.now)
    }
    try folder.create()
    let lock = try folder.locked()
    defer { close(lock) }
    try refuse([folder.key, folder.certificate, folder.revocations], isForced)
    // The key first: a certificate without one is of no use, and neither takes another's place by chance.
    try NewFile.write(papers.privateKey ?? "", folder.key, mode: 0o600, replacing: isForced)
    try NewFile.write(papers.certificate, folder.certificate, mode: 0o644, replacing: isForced)
    let list = try told { () throws(IdentityRefusal) in
      try folder.issuer().revocations(nil, adding: [], now: Self.now)
    }
    try NewFile.write(list, folder.revocations, mode: 0o644, replacing: isForced)
    try Console.output("\(folder.certificate)\n\(folder.key)\n\(folder.revocations)\n")
  }

  private func makeUnit(_ order: IdentityOptions.UnitOrder) throws(CommandFailure) {
    let folder = AuthorityFolder(order.authority)
    let issuer = try told { () throws(IdentityRefusal) in try folder.issuer() }
    let publicKey = try order.publicKey.map { path throws(CommandFailure) in
      try CommandInput.octets(path, "the public key")
    }
    let papers = try told(.usage) { () throws(IdentityRefusal) in
      try issuer.unit(
        order.number, addresses: order.addresses, days: order.days, now: Self.now, publicKey: publicKey)
    }
    let key = (order.file.hasSuffix(".pem") ? String(order.file.dropLast(4)) : order.file) + ".key"
    let files = [order.file] + (papers.privateKey == nil ? [] : [key])
    try refuse(files, order.isForced)
    // What is issued is on record before anybody can have it, or it could not be revoked by the unit's number.
    try folder.record(order.number, papers)
    if let privateKey = papers.privateKey {
      try NewFile.write(privateKey, key, mode: 0o600, replacing: order.isForced)
    }
    try NewFile.write(papers.certificate, order.file, mode: 0o644, replacing: order.isForced)
    try Console.output(files.joined(separator: "\n") + "\n")
  }

  private func revoke(_ folder: AuthorityFolder, _ whose: IdentityOptions.Revoked) throws(CommandFailure) {
    let issuer = try told { () throws(IdentityRefusal) in try folder.issuer() }
    let lock = try folder.locked()
    defer { close(lock) }
    let before = try told { () throws(IdentityRefusal) in try folder.revoked() }
    let serials: [String]
    switch whose {
    case .serial(let serial): serials = before.contains(serial) ? [] : [serial]
    case .number(let number):
      let issued = try told { () throws(IdentityRefusal) in try folder.issued(to: number) }
      guard !issued.isEmpty else {
        throw CommandFailure(
          .input, "\(folder.path) has no record of a certificate of unit \(number): name one with --serial")
      }
      serials = issued.map(\.serial).filter { !before.contains($0) }.sorted()
    }
    guard !serials.isEmpty else {
      Console.note("hauberk: what was named is revoked already: nothing to do")
      return
    }
    let previous = try CommandInput.octets(folder.revocations, "the list of revoked certificates")
    let list = try told(.usage) { () throws(IdentityRefusal) in
      try issuer.revocations(previous, adding: serials, now: Self.now)
    }
    try NewFile.write(list, folder.revocations, mode: 0o644, replacing: true)
    try Console.output(serials.joined(separator: "\n") + "\n")
    Console.note("hauberk: \(folder.revocations) is to be taken to every unit: they go by their own copies")
  }

  private func show(_ file: String, _ authority: AuthorityFolder?, _ json: Bool) throws(CommandFailure) -> ExitCode {
    let papers = try told(.input) { () throws(IdentityRefusal) in try IdentityPaper.read(file) }
    var refusals: [IdentityRefusal] = []
    if let authority {
      refusals = try told { () throws(IdentityRefusal) in try authority.refusals(of: file, now: Self.now) }
    }
    let report = IdentityReport(papers: papers, refusals: authority == nil ? nil : refusals)
    try Console.output(json ? report.json.text + "\n" : report.text)
    return refusals.isEmpty ? .success : .untrusted
  }

  private func refuse(_ files: [String], _ isForced: Bool) throws(CommandFailure) {
    guard !isForced, let file = files.first(where: NewFile.isThere) else { return }
    throw CommandFailure(.output, "\(file) is there already: take another name, or --force if nobody needs it any more")
  }
}

/// A refusal as the end of a command.
func told<Value>(
  _ code: ExitCode = .configuration, _ body: () throws(IdentityRefusal) -> Value
) throws(CommandFailure) -> Value {
  do throws(IdentityRefusal) {
    return try body()
  } catch {
    throw CommandFailure(error.kind == .file && code != .input ? .configuration : code, error.description)
  }
}

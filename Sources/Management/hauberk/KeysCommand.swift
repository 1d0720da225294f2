import CLI
import Config
import Contract
import Dataplane
import Nonces

/// `hauberk keys`: what is on record of every key, and the beginning of that record.
struct KeysCommand {
  let options: KeysOptions

  init(_ options: KeysOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    guard let configuration = try CommandInput.configuration(options.config) else { return .usage }
    var directory: NonceStateDirectory?
    if let folder = configuration.stateDirectory {
      do {
        directory = try options.begins ? NonceStateDirectory(path: folder) : NonceStateDirectory(reading: folder)
      } catch {
        throw CommandFailure(.configuration, error.description)
      }
    }
    let rows = KeySurvey(configuration, directory).rows(beginning: options.begins)
    let report = KeysReport(folder: configuration.stateDirectory, rows: rows)
    try Console.output(options.json ? report.json.text + "\n" : report.text)
    return report.hasRefusals ? .configuration : .success
  }
}

/// Every key of a configuration beside its nonce state.
struct KeySurvey {
  private let configuration: Configuration
  private let directory: NonceStateDirectory?

  init(_ configuration: Configuration, _ directory: NonceStateDirectory?) {
    self.configuration = configuration
    self.directory = directory
  }

  func rows(beginning: Bool = false) -> [KeyRow] {
    var rows: [KeyRow] = []
    for (number, tunnel) in configuration.classify.tunnels.enumerated() {
      guard let security = tunnel.security else { continue }
      let title = CheckReport.title(tunnel, number), suite = security.esp.suite
      rows.append(
        row(title, "outbound", suite, security.outboundKey, beginning: beginning) { () throws(NonceRefusal) in
          try SenderIDs(
            width: NonceSupply.unicastWidth, units: NonceSupply.unicastUnits, unit: configuration.unitNumber ?? 0,
            workers: 1)
        })
      rows.append(row(title, "inbound", suite, security.inboundKey, beginning: false, ids: nil))
    }
    for (number, group) in configuration.classify.groups.enumerated() {
      guard let security = group.security, let width = SenderIDWidth(rawValue: group.senderIDBits) else { continue }
      rows.append(
        row(
          CheckReport.title(group, number), "all members", security.esp.suite, security.key, beginning: beginning
        ) { () throws(NonceRefusal) in
          try SenderIDs(width: width, units: security.units, unit: configuration.unitNumber ?? 0, workers: 1)
        })
    }
    return rows
  }

  /// Without ids: a key that others seal with.
  private func row(
    _ owner: String, _ direction: String, _ suite: CipherSuite, _ description: KeyDescription, beginning: Bool,
    ids: (() throws(NonceRefusal) -> SenderIDs)?
  ) -> KeyRow {
    let key = NonceSupply.key(description)
    var row = KeyRow(
      owner: owner, direction: direction, suite: suite.description, fingerprint: key?.name ?? "", standing: .uncounted)
    guard suite.isCounterMode else { return row }
    guard let ids else {
      row.standing = .peers
      return row
    }
    guard let key, let directory else {
      row.standing = .notBegun
      return row
    }
    do {
      let ids = try ids()
      var found = try directory.find(key, ids: ids)
      if found == nil, beginning {
        // Nobody has heard of it here, and whoever asks to begin it says that nobody has used it.
        _ = try directory.open(key, .new, ids: ids)
        found = try directory.find(key, ids: ids)
        row.isFresh = true
      }
      row.standing = found.map { .begun(KeyUse($0)) } ?? .notBegun
    } catch {
      row.standing = .refused(error.description)
    }
    return row
  }
}

extension KeyUse {
  init(_ finding: NonceFinding) {
    self.init(
      incarnation: finding.incarnation, marks: finding.marks.map { ($0.id, $0.mark) }, used: finding.used,
      left: finding.left)
  }
}

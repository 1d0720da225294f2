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
    var survey = KeySurvey(configuration, directory)
    let rows = survey.rows(beginning: options.begins)
    let report = KeysReport(folder: configuration.stateDirectory, rows: rows)
    try Console.output(options.json ? report.json.text + "\n" : report.text)
    return report.hasRefusals ? .configuration : .success
  }
}

/// Every key of a configuration beside its nonce state.
struct KeySurvey {
  private let configuration: Configuration
  private let directory: NonceStateDirectory?
  private var rows: [KeyRow] = []
  /// Those that nobody has heard of, by the number of their row.
  private var waiting: [(row: Int, opening: KeyOpening)] = []

  init(_ configuration: Configuration, _ directory: NonceStateDirectory?) {
    self.configuration = configuration
    self.directory = directory
  }

  /// `beginning`: whoever asks for it says that nobody has used what has no state here.
  mutating func rows(beginning: Bool = false) -> [KeyRow] {
    look()
    if beginning { begin() }
    return rows
  }

  private mutating func look() {
    for (number, tunnel) in configuration.classify.tunnels.enumerated() {
      guard let security = tunnel.security else { continue }
      let title = CheckReport.title(tunnel, number), suite = security.esp.suite
      add(title, "outbound", suite, security.outboundKey, SenderSpace(units: nil, bits: nil))
      add(title, "inbound", suite, security.inboundKey, nil)
    }
    for (number, group) in configuration.classify.groups.enumerated() {
      guard let security = group.security else { continue }
      add(
        CheckReport.title(group, number), "all members", security.esp.suite, security.key,
        SenderSpace(units: security.units, bits: group.senderIDBits))
    }
  }

  /// How a key's sender ids are divided; nil: as all unicast SAs' are.
  private struct SenderSpace {
    var units: Int?
    var bits: Int?

    func ids(unit: Int?) throws(NonceRefusal) -> SenderIDs {
      try SenderIDs(
        width: bits.flatMap { SenderIDWidth(rawValue: $0) } ?? NonceSupply.unicastWidth,
        units: units ?? NonceSupply.unicastUnits, unit: unit ?? 0, workers: 1)
    }
  }

  /// Without a space: a key that others seal with.
  private mutating func add(
    _ owner: String, _ direction: String, _ suite: CipherSuite, _ description: KeyDescription, _ space: SenderSpace?
  ) {
    let key = NonceSupply.key(description)
    var row = KeyRow(
      owner: owner, direction: direction, suite: suite.description, fingerprint: key?.name ?? "", standing: .uncounted)
    if suite.isCounterMode {
      row.standing = .peers
      if let space { row.standing = standing(key, space) }
    }
    rows.append(row)
  }

  private mutating func standing(_ key: NonceKey?, _ space: SenderSpace) -> KeyRow.Standing {
    guard let key, let directory else { return .notBegun }
    do {
      let ids = try space.ids(unit: configuration.unitNumber)
      if let found = try directory.find(key, ids: ids) { return .begun(KeyUse(found)) }
      waiting.append((rows.count, KeyOpening(key, .new, ids: ids)))
      return .notBegun
    } catch {
      return .refused(error.description)
    }
  }

  /// All at once: the register of keys is written whole every time.
  private mutating func begin() {
    guard let directory else { return }
    for (one, opened) in zip(waiting, directory.open(waiting.map(\.opening))) {
      switch opened {
      case .success(let nonces):
        rows[one.row].standing = .begun(KeyUse(nonces.finding))
        rows[one.row].isFresh = true
      case .failure(let refusal): rows[one.row].standing = .refused(refusal.description)
      }
    }
  }
}

extension KeyUse {
  init(_ finding: NonceFinding) {
    self.init(
      incarnation: finding.incarnation, marks: finding.marks.map { ($0.id, $0.mark) }, used: finding.used,
      left: finding.left)
  }
}

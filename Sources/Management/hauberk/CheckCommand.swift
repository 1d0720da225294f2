import CLI
import Config
import Contract
import Dataplane
import Glibc
import Membership
import Nonces

/// `hauberk check`: what a configuration would do, and what is not yet there for it.
struct CheckCommand {
  let options: CheckOptions

  init(_ options: CheckOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    guard let configuration = try CommandInput.configuration(options.config, CommandInput.trust(options.trust))
    else { return .usage }
    let report = CheckReport(options.config, configuration, found: found(configuration))
    try Console.output(options.json ? report.json.text + "\n" : report.text)
    return .success
  }

  private func found(_ configuration: Configuration) -> [String] {
    var found: [String] = []
    if let name = configuration.engine, CryptoEngine.Kind(rawValue: name)?.isHere != true {
      found.append("the engine \(name) is not here: not built in, or not for this processor")
    }
    if let membership = configuration.membership {
      do {
        try MemberSetting.check(membership, unit: configuration.unitNumber ?? 0)
      } catch {
        found.append("cluster: \(error)")
      }
    }
    guard let folder = configuration.stateDirectory else { return found }
    let directory: NonceStateDirectory
    do {
      directory = try NonceStateDirectory(reading: folder)
    } catch {
      return found + [error.description]
    }
    if access(folder, W_OK) != 0 {
      found.append("the nonce state directory \(folder) is not writable: \(String(cString: strerror(errno)))")
    }
    var waiting = 0
    var survey = KeySurvey(configuration, directory)
    for row in survey.rows() {
      switch row.standing {
      case .notBegun: waiting += 1
      case .refused(let sentence): found.append("\(row.owner): \(sentence)")
      case .peers, .uncounted, .begun: break
      }
    }
    if waiting > 0 {
      found.append(
        "\(waiting) \(waiting == 1 ? "key has" : "keys have") no nonce state yet: if new, `hauberk keys --begin \(options.config)`"
      )
    }
    return found
  }
}

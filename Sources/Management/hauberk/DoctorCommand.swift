import CLI
import Config
import Contract
import Dataplane
import Doctor

/// `hauberk doctor`: what holds a gateway back on this machine, and what mends it.
struct DoctorCommand {
  let options: DoctorOptions

  init(_ options: DoctorOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let configuration = try CommandInput.configuration(options.config)
    let ports = configuration?.gateway?.ports.map(\.device) ?? []
    let facts = MachineSurvey.facts(
      devices: options.devices.isEmpty ? ports : options.devices, engine: try engine(configuration?.engine))
    let report = DoctorReport(Diagnosis.of(facts), showsAll: options.all)
    try Console.output(options.json ? report.json.text + "\n" : report.text)
    return report.isWrong ? .finding : .success
  }

  /// Two workers' engine, since only the second one wants a copy of the library.
  private func engine(_ forced: String?) throws(CommandFailure) -> CryptoFacts {
    var facts = CryptoFacts()
    do {
      let engine = try CryptoEngine(forced: forced.flatMap { CryptoEngine.Kind(rawValue: $0) }, lanes: 2)
      let lanes = [try engine.lane(0), try engine.lane(1)]
      defer { for lane in lanes { lane.destroy() } }
      facts.engine = engine.name
      facts.isIPsecMB = engine.kind == .ipsecMB
      facts.copyRefusal = engine.copyRefusal
    } catch {
      throw CommandFailure(.machine, error.description)
    }
    return facts
  }
}

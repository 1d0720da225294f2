import CLI
import Config
import Contract
import Dataplane
import Doctor
import Wire

/// `hauberk doctor`: what holds a gateway back on this machine, and what mends it.
struct DoctorCommand {
  let options: DoctorOptions

  init(_ options: DoctorOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let configuration = try CommandInput.configuration(options.config)
    let ports = configuration?.gateway?.ports.map(\.device) ?? []
    var facts = MachineSurvey.facts(
      devices: options.devices.isEmpty ? ports : options.devices, engine: try engine(configuration?.engine))
    if let configuration, let gateway = configuration.gateway, options.devices.isEmpty {
      facts.links = gateway.ports.map { port in
        LinkFacts(
          port.side == .inside ? .inside : .outside, port.device,
          mtu: gateway.interfaces.filter { $0.side == port.side }.map(\.mtu).max() ?? 1500)
      }
      facts.outerOctets = Self.outerOctets(configuration.classify)
    }
    let report = DoctorReport(Diagnosis.of(facts), showsAll: options.all)
    try Console.output(options.json ? report.json.text + "\n" : report.text)
    return report.isWrong ? .finding : .success
  }

  /// The most that a tunnel puts around a packet: IP, UDP where there is one, ESP with IV, padding and tag.
  private static func outerOctets(_ classify: ClassifyDescription) -> Int {
    let tunnels = classify.tunnels.compactMap(\.security).map { ($0.esp, $0.address.isIPv6) }
    let groups = classify.groups.compactMap(\.security).map { ($0.esp, $0.address.isIPv6) }
    return (tunnels + groups).map { esp, isIPv6 in
      let suite = esp.suite
      let padding = max(4, suite.blockBytes) - 1 + 2
      return (isIPv6 ? 40 : 20) + (esp.encapsulation == nil ? 0 : 8) + 8 + suite.ivBytes + padding + suite.tagBytes
    }.max() ?? 0
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

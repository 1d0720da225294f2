import CKernel
import CLI
import Config
import Console
import Contract
import Dataplane
import Glibc
import Memory
import Nonces
import Service
import Wire

/// `hauberk run`: a gateway on live devices, until it is told to stop.
struct RunCommand {
  let options: RunOptions

  init(_ options: RunOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let trust = try CommandInput.trust(options.trust)
    guard let configuration = try CommandInput.configuration(options.config, trust) else { return .usage }
    guard let description = configuration.gateway else {
      throw CommandFailure(
        .configuration,
        "\(options.config) names no ports: 'ports' with 'inside' and 'outside' say which devices a gateway runs on")
    }
    do {
      try Privileges.prepareProcess()
    } catch {
      throw CommandFailure(.machine, error.description)
    }
    if options.isTrial {
      let session = try LiveSession(options, configuration, description, trust)
      session.close()
      try Console.output("everything opens: \(session.portWords.joined(separator: "; "))\n")
      return .success
    }
    let (code, server) = try live(configuration, description, trust)
    // Last, when ports, memory and the nonces' lock are free: whoever waits for this end may start another gateway.
    withExtendedLifetime(server) {}
    return code
  }

  private func live(
    _ configuration: Configuration, _ description: GatewayDescription, _ trust: Trust?
  ) throws(CommandFailure) -> (ExitCode, ControlServer?) {
    let session = try LiveSession(options, configuration, description, trust)
    return (try session.run(), session.server)
  }
}

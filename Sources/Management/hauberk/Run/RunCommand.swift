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
    guard let (code, server) = try life(trust) else { return .usage }
    // Last, when ports, memory and the nonces' lock are free: whoever waits for this end may start another gateway.
    withExtendedLifetime(server) {}
    return code
  }

  private func life(_ trust: Trust?) throws(CommandFailure) -> (ExitCode, ControlServer?)? {
    guard let session = try session(trust) else { return nil }
    hauberk_return_free_memory()
    if options.isTrial {
      session.close()
      try Console.output("everything opens: \(session.portWords.joined(separator: "; "))\n")
      return (.success, nil)
    }
    return (try session.run(), session.server)
  }

  /// Apart, so that what was read is gone before the gateway runs: it has its own.
  private func session(_ trust: Trust?) throws(CommandFailure) -> LiveSession? {
    guard let configuration = try ConfigurationReading(options.config, trust).run() else { return nil }
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
    return try LiveSession(options, configuration, description, trust)
  }
}

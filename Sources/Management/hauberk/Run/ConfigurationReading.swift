import CKernel
import CLI
import Config
import Contract

/// Reads a configuration on a heap of its own, and takes over what is kept: thousands of tunnels would lie scattered
/// among what reading leaves behind, and keep all of that resident.
final class ConfigurationReading {
  private let path: String
  private let trust: Trust?
  private var result: Result<Configuration?, CommandFailure> = .success(nil)

  init(_ path: String, _ trust: Trust?) {
    self.path = path
    self.trust = trust
  }

  func run() throws(CommandFailure) -> Configuration? {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let isDone = unsafe hauberk_run_apart(
      { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<ConfigurationReading>.fromOpaque(context).takeUnretainedValue().read()
      }, context)
    if !isDone { read() }
    var configuration = try result.get()
    result = .success(nil)
    if let tunnels = configuration?.classify.tunnels { configuration?.classify.tunnels = tunnels.map(\.copied) }
    hauberk_return_free_memory()
    return configuration
  }

  private func read() {
    result = Result { () throws(CommandFailure) in try CommandInput.configuration(path, trust) }
  }
}

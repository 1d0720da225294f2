import CKernel
import CLI
import CSample
import Config
import Contract
import Dataplane
import Glibc
import Wire

/// What commands share: which capture, and what classification depends on.
enum CommandInput {
  static func source(_ capture: String?) -> CaptureInput.Source {
    switch capture {
    case nil:
      let bytes = UnsafeRawBufferPointer(start: hauberk_sample_bytes(), count: hauberk_sample_length())
      return .embedded(bytes, name: "the embedded sample")
    case "-": return .standardInput
    case .some(let path): return .path(path)
    }
  }

  /// For the progress bar: nil where the size says nothing.
  static func size(of source: CaptureInput.Source) -> Int? {
    guard case .path(let path) = source else { return nil }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, !path.hasSuffix(".gz") else { return nil }
    return Int(status.st_size)
  }

  static func open(_ source: CaptureInput.Source, _ filter: String?) throws(CommandFailure) -> CaptureInput {
    do {
      return try CaptureInput(source, filter: filter)
    } catch {
      throw failure(error)
    }
  }

  static func failure(_ error: CaptureError) -> CommandFailure {
    let code: ExitCode =
      switch error.kind {
      case .unreadable: .input
      case .unwritable: .output
      case .damaged: .damagedInput
      case .filter: .usage
      }
    return CommandFailure(code, error.description)
  }

  /// A file that is read as it is.
  static func octets(_ path: String, _ what: String) throws(CommandFailure) -> [UInt8] {
    do {
      return try FileOctets.read(path, atMost: 1 << 20)
    } catch {
      throw CommandFailure(.configuration, "cannot read \(what), \(path): \(error)")
    }
  }

  /// Whom the command line or the machine trusts.
  static func trust(_ path: String?) throws(CommandFailure) -> Trust? {
    do {
      return try Trust.found(path)
    } catch {
      throw CommandFailure(.untrusted, error.description)
    }
  }

  static func configuration(_ path: String?, _ trust: Trust? = nil) throws(CommandFailure) -> Configuration? {
    guard let path else { return nil }
    // The tree of a long file is large, and over by then.
    defer { hauberk_return_free_memory() }
    do {
      return try Configuration.load(path, trust)
    } catch {
      throw CommandFailure(error.exitCode, error.description)
    }
  }

  /// The configuration, and on top of it what the command line says.
  static func classify(
    config: Configuration?, hash: HashKind?, key: WorkSetKey?, addresses: [String]
  ) throws(CommandFailure) -> ClassifyDescription {
    var description = config?.classify ?? ClassifyDescription()
    if let hash { description.hash = hash }
    if let key { description.key = key }
    for text in addresses {
      guard let address = IPAddress(text) else {
        throw CommandFailure(.usage, "--cluster-ip takes an IPv4 or IPv6 address, not '\(text)'")
      }
      description.clusterAddresses.append(address)
    }
    guard description.clusterAddresses.count <= ClassifyDescription.mostClusterAddresses else {
      throw CommandFailure(
        .usage, "at most \(ClassifyDescription.mostClusterAddresses) cluster addresses are supported")
    }
    return description
  }
}

extension ConfigurationFailure {
  var exitCode: ExitCode { if case .untrusted = self { .untrusted } else { .configuration } }
}

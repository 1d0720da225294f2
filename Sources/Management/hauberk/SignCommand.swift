import CKernel
import CLI
import Config
import Glibc

/// `hauberk sign`: a detached signature beside a file.
struct SignCommand {
  let options: SignOptions

  init(_ options: SignOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let octets = try read(options.file, "what is to be signed", .input)
    let key = try read(options.key, "the private key", .configuration)
    guard let signature = Signing.signature(of: octets, key: key) else {
      throw CommandFailure(
        .configuration,
        "\(options.key) is no Ed25519 private key in PEM without a passphrase: "
          + "`openssl genpkey -algorithm ed25519` makes one")
    }
    let name = options.file + Trust.suffix
    try write(signature, name)
    try Console.output("\(name)\n")
    return .success
  }

  private func read(_ path: String, _ what: String, _ code: ExitCode) throws(CommandFailure) -> [UInt8] {
    let octets: [UInt8]
    do {
      octets = try FileOctets.read(path, atMost: 1 << 30)
    } catch {
      throw CommandFailure(code, "cannot read \(what), \(path): \(error)")
    }
    guard octets.count <= 1 << 30 else { throw CommandFailure(code, "\(what), \(path), has more than 1 GiB") }
    return octets
  }

  /// As a whole or not at all: a gateway may read it at any moment.
  private func write(_ octets: [UInt8], _ path: String) throws(CommandFailure) {
    let new = path + ".new"
    let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw failure(path) }
    let isWritten = Glibc.write(file, octets, octets.count) == octets.count && fsync(file) == 0
    let code = errno
    close(file)
    guard isWritten else {
      errno = code
      throw failure(path)
    }
    guard rename(new, path) == 0 else { throw failure(path) }
  }

  private func failure(_ path: String) -> CommandFailure {
    CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
  }
}

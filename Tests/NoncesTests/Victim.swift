import Glibc

/// A run of the program that is there to be killed.
final class Victim {
  private let process: pid_t
  private let says = Folder()
  private var ended = false

  /// It lies beside the test bundle.
  static let program: String = {
    var place = String(cString: realpath("/proc/self/exe", nil))
    for argument in CommandLine.arguments where argument.hasSuffix(".xctest") { place = argument }
    while let slash = place.lastIndex(of: "/") {
      place = String(place[..<slash])
      if access(place + "/NonceVictim", X_OK) == 0 { return place + "/NonceVictim" }
    }
    preconditionFailure("the program to be killed is not beside the tests")
  }()

  init(_ folder: String, octet: UInt8) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Files, so that nothing fills up and nobody else holds an end.
    for (descriptor, name) in [(Int32(1), "output"), (2, "error")] {
      posix_spawn_file_actions_addopen(
        &actions, descriptor, says.path + "/" + name, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    // A test may run on a thread that blocks every signal, which a child would inherit.
    var attributes = posix_spawnattr_t()
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words: [String] = [Self.program, folder, String(octet)]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var started: pid_t = 0
    let code = posix_spawn(&started, Self.program, &actions, &attributes, &arguments, environ)
    precondition(code == 0, "cannot start \(Self.program): \(String(cString: strerror(code)))")
    process = started
  }

  deinit {
    if !ended { kill() }
  }

  /// Waits until it has said so much.
  func hasSpoken(octets: Int = 1) -> Bool {
    var status = stat()
    for _ in 0..<100_000 {
      if stat(says.path + "/output", &status) == 0, status.st_size >= octets { return true }
      usleep(200)
    }
    return false
  }

  func kill() {
    Glibc.kill(process, SIGKILL)
    _ = wait()
  }

  /// Its exit code; negative: the signal that ended it. It is killed when it goes on for too long.
  func wait() -> Int32 {
    var status: Int32 = 0
    var turns = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      if turns == 100_000 { Glibc.kill(process, SIGKILL) }
      turns += 1
      usleep(200)
    }
    ended = true
    return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
  }

  /// The whole lines that it said.
  var lines: [Substring] {
    let octets = says.read("output")
    let whole = octets.lastIndex(of: 10).map { octets[..<$0] } ?? []
    return String(decoding: whole, as: UTF8.self).split(separator: "\n")
  }

  var complaint: String { String(decoding: says.read("error"), as: UTF8.self) }
}

import Foundation
import Glibc

/// One run of the program: how it ended, and what it said.
struct Run {
  /// The exit code; negative: the signal that ended it.
  var code: Int32
  var output: [UInt8]
  var error: String
  var timedOut = false

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The one JSON object that standard output is.
  var json: [String: Any]? {
    guard text.hasPrefix("{"), text.hasSuffix("}\n") else { return nil }
    return (try? JSONSerialization.jsonObject(with: Data(output))) as? [String: Any]
  }

  func count(_ name: String, _ direction: String) -> Int? { (json?[name] as? [String: Any])?[direction] as? Int }
  var drops: [String: Int]? { json?["drops"] as? [String: Int] }

  /// One sentence that begins with the program's name, and nothing else.
  var isOneSentence: Bool {
    error.hasPrefix("hauberk: ") && error.hasSuffix("\n") && error.dropLast().firstIndex(of: "\n") == nil
      && error.utf8.count > 20
  }
}

/// The built program, as a user runs it.
enum Program {
  /// It lies beside the test bundle.
  static let path: String = {
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
      folder = URL(fileURLWithPath: argument).deletingLastPathComponent()
    }
    while folder.path != "/" {
      for place in ["hauberk", ".build/debug/hauberk", ".build/release/hauberk"] {
        let candidate = folder.appendingPathComponent(place).path
        var status = stat()
        if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(candidate, X_OK) == 0 {
          return candidate
        }
      }
      folder.deleteLastPathComponent()
    }
    fatalError("the built program is not beside the tests")
  }()

  /// The one that users have, where it has been named; else the same.
  static let shipped = getenv("HAUBERK_RELEASE").map { String(cString: $0) + "/hauberk" } ?? path

  /// The root of the package: where this file is, three folders up.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// Runs it to its end. Output goes through files, so that no pipe can fill up.
  static func run(
    _ arguments: String..., input: String = "/dev/null", output: String? = nil, limit: Double = 60
  ) -> Run { run(arguments, input: input, output: output, limit: limit) }

  static func run(
    _ arguments: [String], of program: String = path, input: String = "/dev/null", output: String? = nil,
    limit: Double = 60
  ) -> Run {
    let folder = Folder()
    let outputPath = output ?? folder.path("stdout"), errorPath = folder.path("stderr")
    let process = start(arguments, of: program, input: input, output: outputPath, error: errorPath)
    let (code, timedOut) = wait(for: process, limit: limit)
    return Run(
      code: code, output: output == nil ? folder.read("stdout") : [],
      error: String(decoding: folder.read("stderr"), as: UTF8.self), timedOut: timedOut)
  }

  static func start(
    _ arguments: [String], of program: String = path, input: String, output: String, error: String
  ) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard let process = spawn(program, arguments, &actions) else { preconditionFailure("there is no \(program)") }
    return process
  }

  /// Another program, to prepare a test: searched in the path, silent. Where there is none, a shell's code for that.
  static func tool(_ name: String, _ arguments: String...) -> Int32 { tool(name, arguments) }

  static func tool(_ name: String, _ arguments: [String]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0) }
    guard let process = spawn(name, arguments, &actions) else { return 127 }
    return wait(for: process, limit: 60).code
  }

  private static func spawn(
    _ file: String, _ arguments: [String], _ actions: inout posix_spawn_file_actions_t
  ) -> pid_t? {
    var process: pid_t = 0
    // A test may run on a thread that blocks every signal, which a child would inherit.
    var attributes = posix_spawnattr_t()
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words = ([file] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let code = posix_spawnp(&process, file, &actions, &attributes, &words, environ)
    if code == ENOENT { return nil }
    precondition(code == 0, "cannot start \(file): \(String(cString: strerror(code)))")
    return process
  }

  /// The code of its end; past the limit it is ended.
  static func wait(for process: pid_t, limit: Double) -> (code: Int32, timedOut: Bool) {
    var status: Int32 = 0
    let deadline = Date().addingTimeInterval(limit)
    var timedOut = false
    while waitpid(process, &status, WNOHANG) == 0 {
      if !timedOut, Date() > deadline {
        timedOut = true
        kill(process, SIGKILL)
      }
      usleep(2000)
    }
    let signal = status & 0x7f
    return (signal == 0 ? status >> 8 & 0xff : -signal, timedOut)
  }
}

/// A folder that is gone after the test.
final class Folder: Sendable {
  let url: URL

  init() {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("hauberk-\(UUID().uuidString)")
    try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
  func read(_ name: String) -> [UInt8] {
    (try? Data(contentsOf: url.appendingPathComponent(name))).map(Array.init) ?? []
  }

  func write(_ name: String, _ octets: [UInt8]) -> String {
    try! Data(octets).write(to: url.appendingPathComponent(name))
    return path(name)
  }
}

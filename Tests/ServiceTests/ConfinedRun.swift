import Foundation
import Glibc

/// A run of the program that gives up its rights.
final class ConfinedRun {
  private let process: pid_t
  private let line: Int32
  private let output: UnsafeMutablePointer<FILE>
  private(set) var lines: [Substring] = []
  private var ended = false

  /// It lies beside the test bundle. One that a sanitizer is in confines no calls, so one without may be named.
  private static let program: String = {
    if let folder = getenv("HAUBERK_RELEASE") { return String(cString: folder) + "/ConfinedProcess" }
    var place = String(cString: realpath("/proc/self/exe", nil))
    for argument in CommandLine.arguments where argument.hasSuffix(".xctest") { place = argument }
    while let slash = place.lastIndex(of: "/") {
      place = String(place[..<slash])
      if access(place + "/ConfinedProcess", X_OK) == 0 { return place + "/ConfinedProcess" }
    }
    preconditionFailure("the program that gives up its rights is not beside the tests")
  }()

  init(_ words: String...) {
    // Closed in children that other tests are starting: one that held an end would keep this one alive.
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0, "no socket")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // A test may run on a thread that blocks every signal, which a child would inherit.
    var attributes = posix_spawnattr_t()
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments = ([Self.program] + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var started: pid_t = 0
    let code = posix_spawn(&started, Self.program, &actions, &attributes, &arguments, environ)
    precondition(code == 0, "cannot start \(Self.program): \(String(cString: strerror(code)))")
    process = started
    line = ends[0]
    output = fdopen(line, "r")
    close(ends[1])
  }

  deinit {
    if !ended { _ = end() }
    fclose(output)
  }

  /// Reads until it says that, or says nothing more; the words behind it.
  func wait(for word: String) -> [Substring]? {
    while let text = readLine() {
      lines.append(text)
      if text.hasPrefix(word + " ") { return text.dropFirst(word.count + 1).split(separator: " ") }
    }
    return nil
  }

  private func readLine() -> Substring? {
    var text: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(text) }
    guard getline(&text, &room, output) > 0, let text else { return nil }
    return String(cString: text).dropLast()
  }

  /// What a thread tried: the errno by the name.
  func results(_ thread: String) -> [String: Int32] {
    var results: [String: Int32] = [:]
    for line in lines {
      let words = line.split(separator: " ")
      if words.count == 3, words[0] == thread, let code = Int32(words[2]) { results[String(words[1])] = code }
    }
    return results
  }

  /// A line of /proc/PID/task/THREAD/status.
  func status(_ thread: Substring, _ name: String) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/status", encoding: .utf8) else {
      return nil
    }
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
      return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
    return nil
  }

  func set(_ thread: Substring, _ name: String) -> UInt64? { status(thread, name).flatMap { UInt64($0, radix: 16) } }

  var coreLimit: [Substring]? {
    (try? String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix("Max core file size") }?.split(separator: " ").dropFirst(4).prefix(2).map { $0 }
  }

  /// Its exit code; negative: the signal that ended it.
  func end() -> Int32 {
    shutdown(line, Int32(SHUT_WR))
    var status: Int32 = 0
    var turns = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      if turns == 50_000 { kill(process, SIGKILL) }
      turns += 1
      usleep(200)
    }
    ended = true
    return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
  }
}

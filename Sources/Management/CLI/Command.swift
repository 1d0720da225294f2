internal import Config

/// One command, as help, completions and the manual know it.
package struct Command: Sendable {
  /// What stands beside the options.
  package enum Words: Sendable {
    case none
    case files
    case one(of: [String])
  }

  package let name: String
  /// What follows the name, as the usage shows it.
  package let usage: String
  package let summary: String
  package let words: Words
  package let options: [Option]
  package let page: String

  private init(
    _ name: String, _ usage: String, _ summary: String, _ words: Words, _ options: [Option], _ page: String
  ) {
    self.name = name
    self.usage = usage
    self.summary = summary
    self.words = words
    self.options = options
    self.page = page
  }

  /// In the order of the overview.
  package static let all: [Command] = [
    Command(
      "replay", "[CAPTURE] [OPTIONS]", "run a capture through the pipeline, from file to file", .files,
      ReplayOptions.options, Help.replay),
    Command(
      "classify", "[CAPTURE] [OPTIONS]", "print every packet's work set", .files, ClassifyOptions.options,
      Help.classify),
    Command(
      "check", "CONFIG [--json]", "what a configuration would do, and what is wrong with it", .files,
      CheckOptions.options, Help.check),
    Command(
      "sign", "FILE --key KEY", "sign a configuration, or a package", .files, SignOptions.options, Help.sign),
    Command(
      "identity", "ACTION [OPTIONS]", "certificates of a cluster's units: make, revoke, show them",
      .one(of: IdentityOptions.Action.allCases.map(\.rawValue)), IdentityOptions.options, Help.identity),
    Command(
      "keys", "CONFIG [--begin]", "which nonces of which key were used", .files, KeysOptions.options, Help.keys),
    Command(
      "audit", "CAPTURE [OPTIONS]", "look for lost, doubled and dangerous ESP packets", .files, AuditOptions.options,
      Help.audit),
    Command("run", "CONFIG [OPTIONS]", "a gateway on live devices", .files, RunOptions.options, Help.run),
    Command(
      "status", "[OPTIONS]", "what the running gateway does, on one screen", .none, StatusOptions.options,
      Help.status),
    Command(
      "show", "WHAT [OPTIONS]", "one part of it: ports, sas, neighbours, drops, cluster, and others",
      .one(of: Shown.allCases.map(\.rawValue)), ShowOptions.options, Help.show),
    Command(
      "trace", "[OPTIONS]", "what becomes of the next packets, one by one", .none, TraceOptions.options, Help.trace),
    Command("reload", "[OPTIONS]", "read the configuration again", .none, ReloadOptions.options, Help.reload),
    Command(
      "drain", "[OPTIONS]", "take no more packets, finish those under way, end", .none, DrainOptions.options, Help.drain
    ),
    Command("stop", "[OPTIONS]", "end the running gateway", .none, StopOptions.options, Help.stop),
    Command(
      "doctor", "[CONFIG] [OPTIONS]", "what holds a gateway back on this machine, and what mends it", .files,
      DoctorOptions.options, Help.doctor),
    Command(
      "simulate", "[OPTIONS]", "a whole cluster from a seed, and whether its rules hold", .none,
      SimulateOptions.options, Help.simulate),
    Command(
      "lab", "[OPTIONS]", "a cluster on this machine, with traffic, to be broken and watched", .none,
      LabOptions.options, Help.lab),
    Command(
      "completions", "SHELL", "completions for bash, zsh or fish", .one(of: Shell.allCases.map(\.rawValue)), [],
      Help.completions),
    Command(
      "help", "[COMMAND]", "this page, or a command's", .one(of: names.filter { $0 != "help" }), helpOptions, Help.help),
    Command("version", "", "which version this is", .none, [], Help.versionPage),
  ]

  static let helpOptions = [Option("--man", nil, "all pages as one manual page, in roff")]

  /// Apart from the table, because one of its rows needs them.
  static let names = [
    "replay", "classify", "check", "sign", "identity", "keys", "audit", "run", "status", "show", "trace", "reload",
    "drain", "stop", "doctor", "simulate", "lab", "completions", "help", "version",
  ]

  package static func named(_ name: String) -> Command? { all.first { $0.name == name } }

  /// The command that a writer of `text` most likely meant.
  package static func near(_ text: String) -> String? { nearestName(to: text, among: names) }
}

extension Shown {
  static func near(_ text: String) -> String? { nearestName(to: text, among: allCases.map(\.rawValue)) }
}

/// `hauberk completions`.
package struct CompletionsOptions: Sendable {
  package let shell: Shell

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, [])
    guard parsed.positionals.count == 1, let shell = Shell(rawValue: parsed.positionals[0]) else {
      let names = Shell.allCases.map(\.rawValue).joined(separator: ", ")
      throw CommandFailure(.usage, "completions takes one shell: \(names)")
    }
    self.shell = shell
  }
}

/// `hauberk help`.
package struct HelpOptions: Sendable {
  package let isManual: Bool
  package let command: Command?

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Command.helpOptions)
    isManual = parsed.has("--man")
    guard let word = parsed.positionals.first else {
      command = nil
      return
    }
    guard let command = Command.named(word) else {
      let hint = Command.near(word).map { "did you mean '\($0)'?" } ?? "try 'hauberk help'"
      throw CommandFailure(.usage, "there is no help on '\(word)': \(hint)")
    }
    self.command = command
  }
}

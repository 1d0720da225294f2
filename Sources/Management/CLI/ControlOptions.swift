/// What every command to a running gateway takes.
package struct ControlOptions: Sendable {
  package var path: String
  package var json: Bool
  /// Seconds between two looks; nil looks once.
  package var watch: Double?

  /// Where a gateway listens, and everybody looks, who was told no other place.
  package static let standardPath = "/run/hauberk/control.sock"
  package static let watchSeconds = 0.1...3600.0

  static let control = Option("--control", "PATH", "the gateway's control socket (default \(standardPath))")
  static let json = Option("--json", nil, "one JSON object on standard output")
  static let watch = Option("--watch", "[SECONDS]", "look again and again (default every 2 s), with rates; Ctrl-C ends")

  init(_ parsed: ParsedArguments) throws(CommandFailure) {
    path = parsed.value(Self.control.name) ?? Self.standardPath
    json = parsed.has(Self.json.name)
    guard let text = parsed.value(Self.watch.name) else { return }
    guard let seconds = text.isEmpty ? 2 : Double(text), Self.watchSeconds.contains(seconds) else {
      throw CommandFailure(.usage, "--watch takes seconds from 0.1 to 3600, not '\(text)'")
    }
    watch = seconds
  }
}

/// `hauberk status`.
package struct StatusOptions: Sendable {
  package var control: ControlOptions

  package static let options = [ControlOptions.watch, ControlOptions.control, ControlOptions.json]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    try parsed.noWords("status")
    control = try ControlOptions(parsed)
  }
}

/// `hauberk show`.
package struct ShowOptions: Sendable {
  package var what: Shown
  package var most: Int
  package var control: ControlOptions

  package static let options =
    [Option("--most", "N", "rows of a long list (default \(Page.mostRows))")] + StatusOptions.options

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    let names = Shown.allCases.map(\.rawValue)
    guard let word = parsed.positionals.first else {
      throw CommandFailure(.usage, "show what? hauberk show \(names.joined(separator: "|"))")
    }
    guard parsed.positionals.count == 1 else {
      throw CommandFailure(.usage, "show takes one word, not \(parsed.positionals.count): \(parsed.positionals[1])")
    }
    guard let what = Shown(rawValue: word) else {
      let hint = Shown.near(word).map { ": did you mean '\($0)'?" } ?? ": it shows \(names.joined(separator: ", "))"
      throw CommandFailure(.usage, "there is no '\(word)' to show\(hint)")
    }
    self.what = what
    most = try parsed.integer("--most", in: 1...(1 << 24)) ?? Page.mostRows
    control = try ControlOptions(parsed)
  }
}

/// `hauberk reload`.
package struct ReloadOptions: Sendable {
  package var begins: Bool
  package var control: ControlOptions

  static let plain = [ControlOptions.control, ControlOptions.json]
  package static let options = [RunOptions.begin] + plain

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    try parsed.noWords("reload")
    begins = parsed.has(RunOptions.begin.name)
    control = try ControlOptions(parsed)
  }
}

/// `hauberk drain`.
package struct DrainOptions: Sendable {
  package var waitSeconds: Int
  package var control: ControlOptions

  package static let options =
    [Option("--wait", "SECONDS", "wait that long for its end (default 60)")] + ReloadOptions.plain

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    try parsed.noWords("drain")
    waitSeconds = try parsed.integer("--wait", in: 1...3600) ?? 60
    control = try ControlOptions(parsed)
  }
}

/// `hauberk stop`.
package struct StopOptions: Sendable {
  package var waitSeconds: Int
  package var control: ControlOptions

  package static let options =
    [Option("--wait", "SECONDS", "wait that long for its end (default 30; 0 does not wait)")] + ReloadOptions.plain

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    try parsed.noWords("stop")
    waitSeconds = try parsed.integer("--wait", in: 0...3600) ?? 30
    control = try ControlOptions(parsed)
  }
}

extension ParsedArguments {
  func noWords(_ command: String) throws(CommandFailure) {
    if let word = positionals.first { throw CommandFailure(.usage, "\(command) takes no '\(word)'") }
  }
}

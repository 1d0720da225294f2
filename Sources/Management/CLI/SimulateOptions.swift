internal import Cluster
package import ClusterSimulation
internal import Config
internal import ControlKit

/// What `hauberk simulate` was asked to do.
package struct SimulateOptions: Sendable {
  package enum Speed: String, CaseIterable, Sendable {
    case normal, fast
  }

  package enum Balance: String, CaseIterable, Sendable {
    case sets, packets
  }

  package var seeds: ClosedRange<UInt64>
  package var isOne: Bool
  package var members: Int?
  package var profile: Speed?
  /// Nil is all kinds.
  package var faults: [Fault.Name]?
  package var seconds: Int?
  package var balance: Balance
  package var timeline: String?
  package var transcript: Bool
  package var json: Bool

  package static let options: [Option] = [
    Option("--seed", "NUMBER", "the run with this seed (default: 1)"),
    Option("--seeds", "FROM-TO", "all of these runs, one after another"),
    Option("--members", "COUNT", "units, 1 to 64 (default: as the seed has it)"),
    Option(
      "--faults", "LIST", "kinds of faults, with commas; or 'all' (the default) or 'none'", values: ["all", "none"]),
    Option("--seconds", "COUNT", "how long the run is, 6 to 600 (default: until the faults are over)"),
    Option(
      "--profile", "NAME", "normal or fast (default: as the tests have it)", values: Speed.allCases.map(\.rawValue)),
    Option(
      "--balance", "NAME", "what members have the same of: sets (the default) or packets, 8 s longer",
      values: Balance.allCases.map(\.rawValue)),
    Option("--timeline", "FILE", "a picture of the run, as SVG"),
    Option("--transcript", nil, "every step of the run, not only where it failed"),
    Option("--json", nil, "one JSON object on standard output, with --seeds one a line"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    if let word = parsed.positionals.first { throw CommandFailure(.usage, "simulate takes no '\(word)'") }
    isOne = !parsed.has("--seeds")
    if isOne {
      let seed = try Self.number(parsed.value("--seed") ?? "1", "--seed")
      seeds = seed...seed
    } else {
      guard !parsed.has("--seed") else { throw CommandFailure(.usage, "--seed and --seeds exclude each other") }
      seeds = try Self.range(parsed.value("--seeds") ?? "")
    }
    members = try parsed.integer("--members", in: 1...64)
    profile = try parsed.choice("--profile", Speed.self)
    faults = try Self.list(parsed.value("--faults") ?? "all")
    seconds = try parsed.integer("--seconds", in: 6...600)
    balance = try parsed.choice("--balance", Balance.self) ?? .sets
    timeline = parsed.value("--timeline")
    transcript = parsed.has("--transcript")
    json = parsed.has("--json")
    guard isOne || (timeline == nil && !transcript) else {
      throw CommandFailure(.usage, "--timeline and --transcript are for one run: --seed")
    }
  }

  private static func number(_ text: String, _ name: String) throws(CommandFailure) -> UInt64 {
    guard let number = UInt64(text) else {
      throw CommandFailure(.usage, "\(name) takes a whole number, not '\(text)'")
    }
    return number
  }

  private static func range(_ text: String) throws(CommandFailure) -> ClosedRange<UInt64> {
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count == 2, let first = UInt64(bounds[0]), let last = UInt64(bounds[1]), first <= last else {
      throw CommandFailure(.usage, "--seeds takes two numbers, as in 1-1000, not '\(text)'")
    }
    return first...last
  }

  private static func list(_ text: String) throws(CommandFailure) -> [Fault.Name]? {
    if text == "all" { return nil }
    if text == "none" { return [] }
    let names = Fault.Name.allCases.map(\.rawValue)
    var kinds: [Fault.Name] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard let kind = Fault.Name(rawValue: word) else {
        let hint = nearestName(to: word, among: names).map { "did you mean '\($0)'?" }
        throw CommandFailure(.usage, "there is no fault '\(word)': \(hint ?? "'hauberk help simulate' lists them")")
      }
      kinds.append(kind)
    }
    return kinds
  }

  /// The run with this seed. With nothing else said it is the tests'.
  package func scenario(_ seed: UInt64) -> Scenario {
    var scenario = Scenario.random(
      seed: seed, members: members, profile: profile.map { $0 == .fast ? .fast : .normal }, kinds: faults,
      length: seconds.map { UInt64($0) * .second })
    if balance == .packets { scenario.balanceByPackets() }
    scenario.measuredFrom = Scenario.settled
    return scenario
  }
}

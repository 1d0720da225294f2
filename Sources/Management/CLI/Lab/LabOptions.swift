/// What `hauberk lab` was asked to do.
package struct LabOptions: Sendable {
  package enum Method: String, CaseIterable, Sendable {
    case auto, xdp, packet
  }

  package enum Pace: String, CaseIterable, Sendable {
    case normal, fast
  }

  package var members: Int
  package var pace: Pace
  package var method: Method
  package var workers: Int
  package var rate: Int
  package var flows: Int
  package var seconds: Int?
  package var script: LabScript
  package var name: String
  package var json: Bool

  package static let mostMembers = 16
  package static let mostNameLetters = 12
  package static let mostRate = 20_000
  package static let mostFlows = 256

  package static let options: [Option] = [
    Option("--members", "COUNT", "machines in the cluster, 2 to \(mostMembers) (default 3)"),
    Option(
      "--pace", "NAME", "how soon silence is suspicious: normal (the default) or fast",
      values: Pace.allCases.map(\.rawValue)),
    Option(
      "--method", "NAME", "how they reach their devices: auto (the default), xdp or packet",
      values: Method.allCases.map(\.rawValue)),
    Option("--workers", "COUNT", "threads of each that work on packets, 1 to 8 (default 1)"),
    Option("--rate", "COUNT", "probes a second, 10 to \(mostRate) (default 2000)"),
    Option("--flows", "COUNT", "flows that they are of, 1 to \(mostFlows) (default 32)"),
    Option("--seconds", "COUNT", "end by itself after so long, 1 to \(LabScript.mostSeconds)"),
    Option("--do", "STEP", "an order at a time, as in 'at 3 kill 1'; as often as you like"),
    Option("--name", "NAME", "another lab beside the first, up to \(mostNameLetters) letters and digits (default lab)"),
    Option("--json", nil, "a line of JSON every second, and one at the end, instead of the screen"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    if let word = parsed.positionals.first {
      // What newcomers type first.
      let hint = Int(word) == nil ? "" : ": did you mean '--members \(word)'?"
      throw CommandFailure(.usage, "lab takes no '\(word)'\(hint)")
    }
    members = try parsed.integer("--members", in: 2...Self.mostMembers) ?? 3
    pace = try parsed.choice("--pace", Pace.self) ?? .normal
    method = try parsed.choice("--method", Method.self) ?? .auto
    workers = try parsed.integer("--workers", in: 1...8) ?? 1
    rate = try parsed.integer("--rate", in: 10...Self.mostRate) ?? 2000
    flows = try parsed.integer("--flows", in: 1...Self.mostFlows) ?? min(32, rate)
    seconds = try parsed.integer("--seconds", in: 1...LabScript.mostSeconds)
    name = parsed.value("--name") ?? "lab"
    json = parsed.has("--json")
    guard flows <= rate else {
      throw CommandFailure(.usage, "--flows is at most --rate: each of \(flows) flows has a probe a second at least")
    }
    guard (1...Self.mostNameLetters).contains(name.utf8.count), name.utf8.allSatisfy(Self.isLetterOrDigit) else {
      throw CommandFailure(.usage, "--name takes 1 to \(Self.mostNameLetters) letters and digits, not '\(name)'")
    }
    do throws(LabOrder.Refusal) {
      script = try LabScript(parsed.all("--do"), members: members)
    } catch {
      throw CommandFailure(.usage, "--do: \(error)")
    }
    if let seconds, let late = script.steps.last, late.second >= Double(seconds) {
      throw CommandFailure(
        .usage, "--do: `\(late.order.text)` would be at \(late.second) s, and --seconds ends the lab after \(seconds)")
    }
  }

  private static func isLetterOrDigit(_ octet: UInt8) -> Bool {
    switch octet {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}

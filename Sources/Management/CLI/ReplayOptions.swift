package import Contract

/// The pace of a replay as the command line says it.
package enum ReplayRate: Sendable, Equatable {
  case asFastAsPossible
  case original
  case packetsPerSecond(Double)
}

/// What `hauberk replay` was asked to do.
package struct ReplayOptions: Sendable {
  /// Nil: the capture that ships with the program.
  package var capture: String?
  package var generate: GeneratorDescription?
  package var faults = FaultDescription()
  package var out: String?
  package var config: String?
  package var workers: Int?
  package var members = 1
  package var member: Int?
  package var hash: HashKind?
  package var key: WorkSetKey?
  package var clusterAddresses: [String] = []
  package var filter: String?
  package var rate = ReplayRate.asFastAsPossible
  package var loops = 1
  package var trace = 0
  package var dealsInTurn = false
  package var isPlain = false
  package var wantsRoundTrip = false
  /// Nil: the fastest that is here.
  package var engine: String?
  package var keylog: String?
  package var json = false

  package static let options: [Option] = [
    Option("--out", "FILE", "write what was kept as pcap ('-': standard output)"),
    Option("--config", "FILE", "a configuration: addresses, MACs, key, tunnels, groups"),
    Option("--workers", "N", "worker threads, one core each (default: one fewer than cores)"),
    Option("--members", "N", "play a cluster of N members (default 1)"),
    Option("--member", "I", "keep only member I's packets, counted from 0"),
    Option("--hash", "KIND", "keyed (default) or compat", values: ["keyed", "compat"]),
    Option("--key", "HEX", "the keyed hash's key: 32 hexadecimal digits (default all zero)"),
    Option("--cluster-ip", "A", "an address of the cluster; may be repeated"),
    Option("--filter", "EXPR", "only packets that match, in the language of tcpdump"),
    Option("--rate", "R", "asap (default), original, or packets per second", values: ["asap", "original"]),
    Option("--loop", "N", "play the input N times (default 1)"),
    Option("--trace", "N", "tell what happens to the first N packets"),
    Option("--generate", "SPEC", "traffic of our own: packets=N,size=imix,flows=N,ipv6=%,seed=N"),
    Option("--faults", "SPEC", "spoil the input: truncate=,flip=,duplicate=,reorder=,drop=,seed="),
    Option("--round-trip", nil, "seal and open every packet (default without --config and --members)"),
    Option("--plain", nil, "neither seal nor open: only classify, own and pass on"),
    Option(
      "--engine", "NAME", "what computes ciphers: auto (default), ipsec-mb or openssl",
      values: ["auto", "ipsec-mb", "openssl"]),
    Option("--keylog", "FILE", "write the keys, for a protocol analyser to read the output with"),
    Option(
      "--deal", "HOW", "owner (default): straight to the owning worker; turn: by turns", values: ["owner", "turn"]),
    Option("--json", nil, "one JSON object on standard output"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    guard parsed.positionals.count <= 1 else {
      throw CommandFailure(
        .usage, "replay takes one capture, not \(parsed.positionals.count): \(parsed.positionals[1])")
    }
    capture = parsed.positionals.first
    out = parsed.value("--out")
    config = parsed.value("--config")
    workers = try parsed.integer("--workers", in: 1...OwnershipDescription.mostWorkers)
    members = try parsed.integer("--members", in: 1...OwnershipDescription.mostMembers) ?? 1
    member = try parsed.integer("--member", in: 0...OwnershipDescription.mostMembers - 1)
    hash = try parsed.choice("--hash", HashKind.self)
    key = try Self.key(parsed)
    clusterAddresses = parsed.all("--cluster-ip")
    filter = parsed.value("--filter")
    rate = try Self.rate(parsed)
    loops = try parsed.integer("--loop", in: 1...1_000_000_000) ?? 1
    trace = try parsed.integer("--trace", in: 0...1_000_000_000) ?? 0
    generate = try parsed.value("--generate").map { text throws(CommandFailure) in try GeneratorDescription(text) }
    if let text = parsed.value("--faults") { faults = try FaultDescription(text) }
    isPlain = parsed.has("--plain")
    wantsRoundTrip = parsed.has("--round-trip")
    engine = try Self.engine(parsed)
    keylog = parsed.value("--keylog")
    dealsInTurn = try Self.dealsInTurn(parsed)
    json = parsed.has("--json")
    try refuseContradictions()
  }

  static func key(_ parsed: ParsedArguments) throws(CommandFailure) -> WorkSetKey? {
    guard let text = parsed.value("--key") else { return nil }
    // The digits are a secret: the sentence does not repeat them.
    guard let key = WorkSetKey(text) else {
      throw CommandFailure(.usage, "--key takes 32 hexadecimal digits, not these \(text.count) characters")
    }
    return key
  }

  private static func rate(_ parsed: ParsedArguments) throws(CommandFailure) -> ReplayRate {
    switch parsed.value("--rate") {
    case nil, "asap": return .asFastAsPossible
    case "original": return .original
    case .some(let text):
      guard let rate = Double(text), rate.isFinite, rate > 0 else {
        throw CommandFailure(.usage, "--rate takes asap, original or packets per second, not '\(text)'")
      }
      return .packetsPerSecond(rate)
    }
  }

  private static func dealsInTurn(_ parsed: ParsedArguments) throws(CommandFailure) -> Bool {
    switch parsed.value("--deal") {
    case nil, "owner": return false
    case "turn": return true
    case .some(let text): throw CommandFailure(.usage, "--deal takes owner or turn, not '\(text)'")
    }
  }

  private static func engine(_ parsed: ParsedArguments) throws(CommandFailure) -> String? {
    switch parsed.value("--engine") {
    case nil, "auto": return nil
    case "ipsec-mb": return "ipsec-mb"
    case "openssl": return "openssl"
    case .some(let text): throw CommandFailure(.usage, "--engine takes auto, ipsec-mb or openssl, not '\(text)'")
    }
  }

  private func refuseContradictions() throws(CommandFailure) {
    if isPlain, wantsRoundTrip {
      throw CommandFailure(.usage, "--plain leaves packets as they are, and --round-trip does not: give one of the two")
    }
    if let member, member >= members {
      throw CommandFailure(
        .usage, "--member \(member) is not one of \(members) members, which are numbered from 0 (--members N)")
    }
    if json, out == "-" {
      throw CommandFailure(.usage, "--json and --out - both want standard output; write one of them to a file")
    }
    if capture == "-", loops > 1 {
      throw CommandFailure(.usage, "standard input cannot be read twice: --loop needs a file")
    }
    if generate != nil, capture != nil {
      throw CommandFailure(.usage, "--generate takes the place of a capture; give one of the two")
    }
    if let generate, generate.packets.multipliedReportingOverflow(by: loops).overflow {
      throw CommandFailure(.usage, "--generate packets=\(generate.packets) with --loop \(loops) is beyond counting")
    }
    if generate != nil, filter != nil {
      throw CommandFailure(.usage, "--filter works on captures, not on --generate")
    }
  }
}

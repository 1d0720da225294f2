package import Contract

/// What `hauberk classify` was asked to do.
package struct ClassifyOptions: Sendable {
  /// Nil: the capture that ships with the program.
  package var capture: String?
  package var config: String?
  package var hash: HashKind?
  package var key: WorkSetKey?
  package var clusterAddresses: [String] = []
  package var filter: String?
  package var hasHeaderLine = false

  package static let options: [Option] = [
    Option("--hash", "KIND", "keyed (default) or compat", values: ["keyed", "compat"]),
    Option("--key", "HEX", "the keyed hash's key: 32 hexadecimal digits (default all zero)"),
    Option("--cluster-ip", "A", "an address of the cluster; may be repeated"),
    Option("--config", "FILE", "a configuration: addresses, MACs, key, tunnels, groups"),
    Option("--filter", "EXPR", "only packets that match, in the language of tcpdump"),
    Option("--csv", nil, "begin with a header line"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    guard parsed.positionals.count <= 1 else {
      throw CommandFailure(
        .usage, "classify takes one capture, not \(parsed.positionals.count): \(parsed.positionals[1])")
    }
    capture = parsed.positionals.first
    config = parsed.value("--config")
    hash = try parsed.choice("--hash", HashKind.self)
    key = try ReplayOptions.key(parsed)
    clusterAddresses = parsed.all("--cluster-ip")
    filter = parsed.value("--filter")
    hasHeaderLine = parsed.has("--csv")
  }
}

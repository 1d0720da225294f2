/// What `hauberk check` was asked to do.
package struct CheckOptions: Sendable {
  package var config: String
  package var json: Bool

  package static let options: [Option] = [Option("--json", nil, "one JSON object on standard output")]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    config = try parsed.configuration("check")
    json = parsed.has("--json")
  }
}

/// What `hauberk keys` was asked to do.
package struct KeysOptions: Sendable {
  package var config: String
  package var begins: Bool
  package var json: Bool

  package static let options: [Option] = [
    Option("--begin", nil, "begin the nonce state of keys that never had any"),
    Option("--json", nil, "one JSON object on standard output"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    config = try parsed.configuration("keys")
    begins = parsed.has("--begin")
    json = parsed.has("--json")
  }
}

extension ParsedArguments {
  fileprivate func configuration(_ command: String) throws(CommandFailure) -> String {
    guard positionals.count == 1 else {
      let found = positionals.isEmpty ? "none" : "\(positionals.count)"
      throw CommandFailure(.usage, "\(command) takes one configuration, not \(found): hauberk \(command) CONFIG")
    }
    return positionals[0]
  }
}

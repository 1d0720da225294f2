/// What `hauberk check` was asked to do.
package struct CheckOptions: Sendable {
  package var config: String
  package var json: Bool
  /// Whom to trust; nil asks the machine.
  package var trust: String?

  package static let options: [Option] = [
    Option("--json", nil, "one JSON object on standard output"), TrustOption.option,
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    config = try parsed.configuration("check")
    json = parsed.has("--json")
    trust = parsed.value(TrustOption.option.name)
  }
}

/// Public keys, one of which has to have signed the configuration.
enum TrustOption {
  static let option = Option(
    "--trust", "FILE", "public keys (PEM): one has to have signed CONFIG (default /etc/hauberk/trust.pem, if there)")
}

/// What `hauberk sign` was asked to do.
package struct SignOptions: Sendable {
  package var file: String
  package var key: String

  package static let options: [Option] = [Option("--key", "FILE", "the Ed25519 private key, in PEM")]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    guard parsed.positionals.count == 1 else {
      throw CommandFailure(.usage, "sign takes one file: hauberk sign FILE --key KEY")
    }
    guard let key = parsed.value("--key") else {
      throw CommandFailure(.usage, "sign needs a private key: hauberk sign FILE --key KEY")
    }
    file = parsed.positionals[0]
    self.key = key
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

/// `hauberk run`.
package struct RunOptions: Sendable {
  package var config: String
  /// Begin the nonce records of keys that have none yet.
  package var begins: Bool
  /// Read and open everything, then end.
  package var isTrial: Bool
  /// Whom to trust; nil asks the machine.
  package var trust: String?

  static let begin = Option(
    "--begin", nil, "begin nonce records for keys that have none: only for keys that were never used")

  package static let options = [
    begin,
    Option("--trial", nil, "open everything, and end before the first packet"), TrustOption.option,
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    guard parsed.positionals.count == 1, let config = parsed.positionals.first else {
      throw CommandFailure(.usage, "run takes one configuration: hauberk run CONFIG")
    }
    self.config = config
    begins = parsed.has(Self.begin.name)
    isTrial = parsed.has("--trial")
    trust = parsed.value(TrustOption.option.name)
  }
}

/// What `hauberk audit` was asked to do.
package struct AuditOptions: Sendable {
  package var capture: String
  package var config: String?
  package var filter: String?
  package var json = false

  package static let options: [Option] = [
    Option("--config", "FILE", "a configuration: whose SPIs have sender ids, and how long IVs are"),
    Option("--filter", "EXPR", "only packets that match, in the language of tcpdump"),
    Option("--json", nil, "one JSON object on standard output"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    // No sample here: its answer would be taken for one about a network.
    guard let capture = parsed.positionals.first else {
      throw CommandFailure(.usage, "audit needs a capture: hauberk audit CAPTURE, '-' for standard input")
    }
    guard parsed.positionals.count == 1 else {
      throw CommandFailure(
        .usage, "audit takes one capture, not \(parsed.positionals.count): \(parsed.positionals[1])")
    }
    self.capture = capture
    config = parsed.value("--config")
    filter = parsed.value("--filter")
    json = parsed.has("--json")
  }
}

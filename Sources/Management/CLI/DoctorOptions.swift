/// What `hauberk doctor` was asked to look at.
package struct DoctorOptions: Sendable {
  /// Empty: the configuration's ports; without one, each device that is up.
  package var devices: [String]
  package var config: String?
  package var json: Bool
  package var all: Bool

  package static let options: [Option] = [
    Option(
      "--device", "NAME",
      "a device that is a port; may be repeated (default: the configuration's, else those that are up)"),
    Option("--all", nil, "also what is good"),
    Option("--json", nil, "one JSON object on standard output"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    guard parsed.positionals.count <= 1 else {
      throw CommandFailure(
        .usage, "doctor takes one configuration, not \(parsed.positionals.count): \(parsed.positionals[1])")
    }
    config = parsed.positionals.first
    devices = parsed.all("--device")
    json = parsed.has("--json")
    all = parsed.has("--all")
  }
}

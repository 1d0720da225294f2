import Config

/// One option of a command, as the parser and the help page know it.
package struct Option: Sendable {
  package let name: String
  /// What stands for the value in the help; nil for a switch.
  package let placeholder: String?
  package let help: String
  /// The words that are all it takes, or those worth offering.
  package let values: [String]

  package init(_ name: String, _ placeholder: String? = nil, _ help: String, values: [String] = []) {
    self.name = name
    self.placeholder = placeholder
    self.help = help
    self.values = values
  }

  /// `[SECONDS]`: a value may be left out.
  var isValueOptional: Bool { placeholder?.hasPrefix("[") == true }
  var takesFile: Bool { placeholder == "FILE" || placeholder == "PATH" }
}

/// The words of a command line, sorted into options and the rest.
package struct ParsedArguments: Sendable {
  private var values: [String: [String]] = [:]
  package private(set) var positionals: [String] = []

  /// Options may come before, between or behind the other words; `--` ends them; `-` alone is a word.
  package init(_ words: [String], _ options: [Option]) throws(CommandFailure) {
    var rest = words[...]
    var onlyWords = false
    while let word = rest.popFirst() {
      if onlyWords || word == "-" || !word.hasPrefix("-") {
        positionals.append(word)
      } else if word == "--" {
        onlyWords = true
      } else {
        try take(word, &rest, options)
      }
    }
  }

  private mutating func take(
    _ word: String, _ rest: inout ArraySlice<String>, _ options: [Option]
  ) throws(CommandFailure) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = options.first(where: { $0.name == name }) else {
      throw CommandFailure(.usage, "unknown option '\(name)'\(Self.suggestion(name, options))")
    }
    guard let placeholder = option.placeholder else {
      guard parts.count == 1 else { throw CommandFailure(.usage, "\(name) takes no value") }
      values[name, default: []].append("")
      return
    }
    if option.isValueOptional, parts.count == 1 {
      // Only what looks like a value is one: the next word may be something else.
      let isValue = rest.first?.first?.isNumber == true
      values[name, default: []].append(isValue ? rest.removeFirst() : "")
      return
    }
    guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
      throw CommandFailure(.usage, "\(name) needs a value: \(name) \(placeholder)")
    }
    values[name, default: []].append(value)
  }

  private static func suggestion(_ name: String, _ options: [Option]) -> String {
    nearestName(to: name, among: options.map(\.name)).map { ": did you mean '\($0)'?" }
      ?? "; 'hauberk help' lists them"
  }

  /// A question for help, wherever it stands before `--`, goes before everything that may be wrong.
  package static func askForHelp(_ words: [String]) -> Bool {
    words.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
  }

  package func has(_ name: String) -> Bool { values[name] != nil }

  /// The last value wins, as everywhere.
  package func value(_ name: String) -> String? { values[name]?.last }
  package func all(_ name: String) -> [String] { values[name] ?? [] }

  package func integer(_ name: String, in range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
    guard let text = value(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw CommandFailure(
        .usage, "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
    }
    return number
  }

  package func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ type: Value.Type
  ) throws(CommandFailure) -> Value? {
    guard let text = value(name) else { return nil }
    guard let value = Value(rawValue: text) else {
      let names = Value.allCases.map(\.rawValue).joined(separator: " or ")
      throw CommandFailure(.usage, "\(name) takes \(names), not '\(text)'")
    }
    return value
  }
}

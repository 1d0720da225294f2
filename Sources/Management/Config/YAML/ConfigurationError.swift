/// One thing that is wrong with a file, and where.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  package let file: String
  package let position: SourcePosition
  /// `cluster.addresses[2]`; empty where the error is not about a field.
  package let field: String
  /// What was found, and what was expected.
  package let message: String

  package var line: Int { position.line }
  package var column: Int { position.column }

  package var description: String {
    "\(file):\(line):\(column): " + (field.isEmpty ? "" : "\(field): ") + message
  }
}

/// All that is wrong with a file, in the order of its lines.
package struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
  package let errors: [ConfigurationError]
  /// How many there were beyond the limit.
  package let omitted: Int

  package var description: String {
    var lines = errors.map(\.description)
    if omitted > 0, let file = errors.first?.file {
      lines.append("\(file): \(omitted) more \(omitted == 1 ? "error" : "errors")")
    }
    return lines.joined(separator: "\n")
  }
}

/// Collects what is wrong while reading goes on.
package final class ErrorList {
  package let file: String
  private var errors: [ConfigurationError] = []
  private var omitted = 0

  package init(file: String) { self.file = file }

  package var count: Int { errors.count + omitted }

  /// The message is made only if it is kept: a file of unknown fields must not cost a search each.
  package func report(at position: SourcePosition, _ path: FieldPath, _ message: @autoclosure () -> String) {
    guard errors.count < YAMLLimits.maximumErrors else {
      omitted += 1
      return
    }
    errors.append(
      ConfigurationError(file: file, position: position, field: path.description, message: message()))
  }

  package func throwIfAny() throws(ConfigurationErrors) {
    guard !errors.isEmpty else { return }
    // Ties keep the order in which they were found.
    let sorted = errors.enumerated().sorted {
      ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
    }
    throw ConfigurationErrors(errors: sorted.map(\.element), omitted: omitted)
  }
}

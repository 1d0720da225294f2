/// Where a value stands, for whoever judges it.
package struct FieldContext {
  package let path: FieldPath
  let errors: ErrorList

  func reject(_ node: YAMLNode, expected: String, isSecret: Bool = false) {
    errors.report(at: node.position, path, "found \(node.summary(isSecret: isSecret)), expected \(expected)")
  }

  func inside(_ step: FieldPath.Step) -> FieldContext {
    FieldContext(path: path.appending(step), errors: errors)
  }
}

/// What a field may hold, and how it becomes a value. Formats nest: `.list(of: .integer(in: 0...7))`.
package struct FieldFormat<Value> {
  /// With its article, as it follows "expected": `an integer from 0 to 7`.
  let expected: String
  /// Errors do not repeat what was written.
  var isSecret = false
  /// The value; or nil, after an error in the context's list.
  let read: (YAMLNode, FieldContext) -> Value?
}

/// A value that remembers where it came from, for what can be judged only later.
package struct Located<Value> {
  package let value: Value
  package let location: FieldLocation
}

extension Located: Sendable where Value: Sendable {}

package struct FieldLocation: Hashable, Sendable {
  package let position: SourcePosition
  package let path: FieldPath
}

extension FieldFormat {
  /// `.located(.string)`: the value and where it stands.
  package static func located<Inner>(_ format: FieldFormat<Inner>) -> FieldFormat
  where Value == Located<Inner> {
    FieldFormat(expected: format.expected, isSecret: format.isSecret) { node, context in
      format.read(node, context).map {
        Located(value: $0, location: FieldLocation(position: node.position, path: context.path))
      }
    }
  }

  /// Narrows the format: `.integer(in: 1...4096).matching("a power of two") { $0 & ($0 - 1) == 0 }`.
  package func matching(_ expected: String, _ test: @escaping (Value) -> Bool) -> FieldFormat {
    let (read, isSecret) = (read, isSecret)
    return FieldFormat(expected: expected, isSecret: isSecret) { node, context in
      guard let value = read(node, context) else { return nil }
      guard test(value) else {
        context.reject(node, expected: expected, isSecret: isSecret)
        return nil
      }
      return value
    }
  }
}

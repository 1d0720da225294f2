/// Where something begins: both count from 1, the column in characters.
package struct SourcePosition: Hashable, Comparable, Sendable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package static let start = SourcePosition(line: 1, column: 1)

  package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// One value of a document. What a scalar means is up to who reads it: `no` and `1e3` are texts here.
package struct YAMLNode: Sendable {
  package enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  package let content: Content
  package let position: SourcePosition
}

package struct YAMLScalar: Sendable {
  package let text: String
  /// Written without quotes and without `|` or `>`.
  package let isPlain: Bool

  /// `name:` with nothing behind it.
  package var isAbsent: Bool { isPlain && text.isEmpty }
  /// One of YAML's spellings of no value. None is a value here.
  package var isNull: Bool {
    // Bytes, because comparing strings first sorts their combining marks: minutes for megabytes of them.
    isPlain && ["~", "null", "Null", "NULL"].contains { $0.utf8.elementsEqual(text.utf8) }
  }
}

/// A name and its value, in the order of the file. No two entries of a mapping share a name.
package struct YAMLEntry: Sendable {
  package let name: String
  package let namePosition: SourcePosition
  package let value: YAMLNode
}

extension YAMLNode {
  package var isAbsent: Bool {
    if case .scalar(let scalar) = content { scalar.isAbsent } else { false }
  }

  /// What an error says was found. A secret's text stays out of it.
  func summary(isSecret: Bool = false) -> String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let scalar) where scalar.isAbsent: "nothing"
    case .scalar(let scalar) where scalar.isNull: "null"
    case .scalar(let scalar) where isSecret: "a text of \(scalar.text.utf8.count) bytes"
    case .scalar(let scalar): (scalar.isPlain ? "" : "the quoted text ") + excerpt(of: scalar.text)
    }
  }
}

/// A file that is well-formed YAML, of the kind that is accepted here.
package struct YAMLDocument: Sendable {
  package let file: String
  package let root: YAMLNode

  /// Throws all that is wrong with the bytes as YAML. `file` is what errors call them.
  package init(
    _ bytes: [UInt8], file: String, mostNodes: Int = YAMLLimits.maximumNodes
  ) throws(ConfigurationErrors) {
    let errors = ErrorList(file: file)
    let root = Self.compose(bytes, errors, mostNodes)
    try errors.throwIfAny()
    self.file = file
    self.root = root
  }

  package init(_ text: String, file: String) throws(ConfigurationErrors) {
    try self.init(Array(text.utf8), file: file)
  }

  /// Reads the document as one section. Throws all that is wrong with its fields.
  package func read<Value>(
    _ body: @escaping (inout FieldReader) -> Value?
  ) throws(ConfigurationErrors) -> Value {
    let errors = ErrorList(file: file)
    let context = FieldContext(path: FieldPath(), errors: errors)
    let value = FieldFormat<Value>.section(body).read(root, context)
    try errors.throwIfAny()
    guard let value else { preconditionFailure("a section without a value has reported an error") }
    return value
  }

  /// An empty document is an empty mapping.
  private static func compose(_ bytes: [UInt8], _ errors: ErrorList, _ mostNodes: Int) -> YAMLNode {
    do {
      var composer = try YAMLComposer(bytes, errors: errors, mostNodes: mostNodes)
      let root = try composer.document()
      return root.isAbsent ? YAMLNode(content: .mapping([]), position: root.position) : root
    } catch {
      return YAMLNode(content: .mapping([]), position: .start)
    }
  }
}

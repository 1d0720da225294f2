/// The fields of one section, asked for by name. What is wrong is collected, so that one run shows it all.
///
///     try document.read { reader in
///       let port = reader.field("port", .integer(in: 1...65535), default: 7000)
///       let addresses = reader.field("addresses", .list(of: .text("an IPv4 address") { IPv4Address($0) }))
///       guard let addresses else { return nil }
///       return Settings(port: port, addresses: addresses)
///     }
package struct FieldReader: ~Copyable {
  private let entries: [YAMLEntry]
  private let indices: [String: Int]
  private let position: SourcePosition
  private let context: FieldContext
  private var known: [String] = []

  init(_ entries: [YAMLEntry], at position: SourcePosition, _ context: FieldContext) {
    self.entries = entries
    self.position = position
    self.context = context
    indices = Dictionary(entries.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
  }

  /// A field that has to be there. Nil only after an error.
  package mutating func field<Value>(_ name: String, _ format: FieldFormat<Value>) -> Value? {
    guard let node = node(name) else {
      context.errors.report(
        at: position, context.inside(.name(name)).path, "found no such field, expected \(format.expected)")
      return nil
    }
    return format.read(node, context.inside(.name(name)))
  }

  /// A field that may be left out. Nil if it is, and after an error.
  package mutating func optional<Value>(_ name: String, _ format: FieldFormat<Value>) -> Value? {
    node(name).flatMap { format.read($0, context.inside(.name(name))) }
  }

  /// A field that may be left out. After an error, the default too: reading goes on.
  package mutating func field<Value>(
    _ name: String, _ format: FieldFormat<Value>, default value: @autoclosure () -> Value
  ) -> Value {
    optional(name, format) ?? value()
  }

  /// Whether the file has the field. Asking does not make it a known one.
  package func contains(_ name: String) -> Bool { indices[name] != nil }

  /// Whether something is wrong already, here or elsewhere in the file.
  package var hasErrors: Bool { context.errors.count > 0 }

  /// Where the field stands: its value, or the section that lacks it.
  package func location(of name: String) -> FieldLocation {
    let value = indices[name].map { entries[$0].value }
    return FieldLocation(position: value?.position ?? position, path: context.inside(.name(name)).path)
  }

  /// An error that no single format can see: two fields that contradict each other.
  package func reject(_ location: FieldLocation, _ message: @autoclosure () -> String) {
    context.errors.report(at: location.position, location.path, message())
  }

  package func reject(_ name: String, _ message: @autoclosure () -> String) {
    reject(location(of: name), message())
  }

  private mutating func node(_ name: String) -> YAMLNode? {
    known.append(name)
    return indices[name].map { entries[$0].value }
  }

  /// Every field that nobody asked for is an error: a misspelt one must not pass for a default.
  consuming func finish() {
    let asked = Set(known)
    let missing = known.filter { indices[$0] == nil }
    for entry in entries where !asked.contains(entry.name) {
      context.errors.report(
        at: entry.namePosition, context.inside(.name(entry.name)).path,
        Self.unknown(entry.name, missing: missing, known: known))
    }
  }

  private static func unknown(_ name: String, missing: [String], known: [String]) -> String {
    let found = "unknown field \(excerpt(of: name))"
    // A field that is not there yet is the likelier one to be meant.
    if let nearest = nearestName(to: name, among: missing) ?? nearestName(to: name, among: known) {
      return "\(found): did you mean '\(nearest)'?"
    }
    guard !known.isEmpty else { return "\(found): no field is expected here" }
    return "\(found): expected \(known.count == 1 ? "" : "one of ")\(known.joined(separator: ", "))"
  }
}

import Config

/// What is wrong with a text as YAML, one line per error. Nothing if it is accepted.
func complaints(about text: String) -> [String] { complaints(about: Array(text.utf8)) }

func complaints(about bytes: [UInt8], mostNodes: Int = YAMLLimits.maximumNodes) -> [String] {
  do {
    _ = try YAMLDocument(bytes, file: "f", mostNodes: mostNodes)
    return []
  } catch {
    return error.errors.map(\.description)
  }
}

/// What is wrong with the fields of a text, one line per error.
func complaints(about text: String, _ body: @escaping (inout FieldReader) -> Void) -> [String] {
  do {
    let document = try YAMLDocument(text, file: "f")
    try document.read { reader -> Void? in
      body(&reader)
      return ()
    }
    return []
  } catch {
    return error.errors.map(\.description)
  }
}

/// The field `a` of a text by one format; errors as one line each.
func field<Value>(_ text: String, _ format: FieldFormat<Value>) throws(ConfigurationErrors) -> Value {
  try YAMLDocument(text, file: "f").read { $0.field("a", format) }
}

/// The one thing that is wrong with the field `a` of a text.
func complaint<Value>(_ text: String, _ format: FieldFormat<Value>) -> String? {
  do {
    _ = try field(text, format)
    return nil
  } catch {
    return error.description
  }
}

/// A tree as one line, positions left out.
func outline(_ node: YAMLNode) -> String {
  switch node.content {
  case .scalar(let scalar): scalar.isPlain ? scalar.text : "'\(scalar.text)'"
  case .sequence(let items): "[" + items.map(outline).joined(separator: ", ") + "]"
  case .mapping(let entries):
    "{" + entries.map { "\($0.name): \(outline($0.value))" }.joined(separator: ", ") + "}"
  }
}

/// For a fuzzer: reads any bytes as a document, then its fields with every kind of format. Whatever comes,
/// the answer is a value or errors that can be shown.
package func fuzzYAML(_ bytes: UnsafeRawBufferPointer) {
  do {
    let document = try YAMLDocument(unsafe Array(bytes), file: "fuzz")
    _ = try document.read { fuzzSection(&$0, depth: 0) }
  } catch {
    precondition(!error.errors.isEmpty && error.errors.count <= YAMLLimits.maximumErrors)
    precondition(error.errors.allSatisfy { $0.line >= 1 && $0.column >= 1 && !$0.message.isEmpty })
    precondition(!error.description.isEmpty)
  }
}

/// One-letter names, so that a fuzzer finds them.
private func fuzzSection(_ reader: inout FieldReader, depth: Int) -> Bool? {
  _ = reader.optional("s", .string)
  _ = reader.optional("b", .bool)
  _ = reader.optional("i", .integer(in: Int64.min...Int64.max))
  _ = reader.optional("u", .integer(in: UInt8(1)...9).matching("an odd integer") { $0 % 2 == 1 })
  _ = reader.optional("c", .choice(of: ["on": true, "off": false]))
  _ = reader.optional("k", .secret("two digits") { $0.utf8.count == 2 ? Int($0) : nil })
  _ = reader.optional("l", .list(of: .list(of: .string), count: 1...4))
  _ = reader.optional("e", .entries(of: .located(.string)))
  if depth < YAMLLimits.maximumDepth {
    _ = reader.optional("m", .section { fuzzSection(&$0, depth: depth + 1) })
  }
  return true
}

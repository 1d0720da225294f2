extension FieldFormat {
  /// `[1, 2]`, or lines that begin with `-`. An empty one is written `[]`.
  package static func list<Element>(
    of format: FieldFormat<Element>, count: ClosedRange<Int> = 0...YAMLLimits.maximumItems
  ) -> FieldFormat where Value == [Element] {
    let expected = "a list, each item \(format.expected)"
    return FieldFormat(expected: expected) { node, context in
      guard case .sequence(let nodes) = node.content else {
        context.reject(node, expected: expected)
        return nil
      }
      guard isCounted(nodes.count, in: count, "item", node, context) else { return nil }
      var values: [Element] = []
      for (index, item) in nodes.enumerated() {
        if let value = format.read(item, context.inside(.index(index))) { values.append(value) }
      }
      return values.count == nodes.count ? values : nil
    }
  }

  /// A mapping whose names are the file's own, in the order of the file.
  package static func entries<Element>(
    of format: FieldFormat<Element>, count: ClosedRange<Int> = 0...YAMLLimits.maximumItems
  ) -> FieldFormat where Value == [NamedEntry<Element>] {
    let expected = "a mapping of names, each to \(format.expected)"
    return FieldFormat(expected: expected) { node, context in
      guard let entries = node.section else {
        context.reject(node, expected: expected)
        return nil
      }
      guard isCounted(entries.count, in: count, "entry", node, context) else { return nil }
      var values: [NamedEntry<Element>] = []
      for entry in entries {
        let inside = context.inside(.name(entry.name))
        guard let value = format.read(entry.value, inside) else { continue }
        let location = FieldLocation(position: entry.namePosition, path: inside.path)
        values.append(NamedEntry(name: entry.name, location: location, value: value))
      }
      return values.count == entries.count ? values : nil
    }
  }

  /// A mapping of known fields. The body asks for every one of them before it gives up on any: what it has
  /// not asked for is an unknown field.
  package static func section(_ body: @escaping (inout FieldReader) -> Value?) -> FieldFormat {
    let expected = "a mapping"
    return FieldFormat(expected: expected) { node, context in
      guard let entries = node.section else {
        context.reject(node, expected: expected)
        return nil
      }
      let before = context.errors.count
      var reader = FieldReader(entries, at: node.position, context)
      let value = body(&reader)
      reader.finish()
      if value == nil, context.errors.count == before {
        context.errors.report(at: node.position, context.path, "found a section that is refused as a whole")
      }
      return value
    }
  }

  private static func isCounted(
    _ found: Int, in range: ClosedRange<Int>, _ noun: String, _ node: YAMLNode, _ context: FieldContext
  ) -> Bool {
    if range.contains(found) { return true }
    let expected =
      range.lowerBound == range.upperBound
      ? "\(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    let nouns = noun == "entry" ? "entries" : "items"
    let message = "found \(found) \(found == 1 ? noun : nouns), expected \(expected)"
    context.errors.report(at: node.position, context.path, message)
    return false
  }
}

/// One entry of a mapping whose names are the file's own. The location is the name's.
package struct NamedEntry<Value> {
  package let name: String
  package let location: FieldLocation
  package let value: Value
}

extension NamedEntry: Sendable where Value: Sendable {}

extension YAMLNode {
  /// The entries of a mapping. A name with nothing behind it is an empty section, whose own fields are missed.
  fileprivate var section: [YAMLEntry]? {
    if case .mapping(let entries) = content { entries } else { isAbsent ? [] : nil }
  }
}

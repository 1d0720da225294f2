extension FieldFormat where Value == String {
  /// A text as it stands, quoted or not.
  package static var string: FieldFormat { text("a text") { $0 } }
}

extension FieldFormat {
  /// A text with a meaning: `.text("an IPv4 address") { IPv4Address($0) }`.
  package static func text(
    _ expected: String, maximumBytes: Int = YAMLLimits.maximumTextBytes,
    _ parse: @escaping (String) -> Value?
  ) -> FieldFormat {
    text(expected, maximumBytes, isSecret: false, parse)
  }

  /// As `text`, but no error repeats what was written.
  package static func secret(
    _ expected: String, maximumBytes: Int = YAMLLimits.maximumTextBytes,
    _ parse: @escaping (String) -> Value?
  ) -> FieldFormat {
    text(expected, maximumBytes, isSecret: true, parse)
  }

  private static func text(
    _ expected: String, _ maximumBytes: Int, isSecret: Bool, _ parse: @escaping (String) -> Value?
  ) -> FieldFormat {
    FieldFormat(expected: expected, isSecret: isSecret) { node, context in
      guard case .scalar(let scalar) = node.content, !scalar.isAbsent, !scalar.isNull else {
        context.reject(node, expected: expected)
        return nil
      }
      let length = scalar.text.utf8.count
      guard length <= maximumBytes else {
        let message = "found \(length) bytes, expected \(expected) of at most \(maximumBytes)"
        context.errors.report(at: node.position, context.path, message)
        return nil
      }
      guard let value = parse(scalar.text) else {
        context.reject(node, expected: expected, isSecret: isSecret)
        return nil
      }
      return value
    }
  }

  /// A word without quotes. Quotes say that a text is meant, and here none is.
  private static func word(_ expected: String, _ parse: @escaping (String) -> Value?) -> FieldFormat {
    FieldFormat(expected: expected) { node, context in
      if case .scalar(let scalar) = node.content, scalar.isPlain,
        scalar.text.utf8.count <= YAMLLimits.maximumWordBytes, let value = parse(scalar.text)
      {
        return value
      }
      context.reject(node, expected: expected)
      return nil
    }
  }
}

extension FieldFormat where Value == Bool {
  /// `true` or `false`: none of YAML's other nine spellings.
  package static var bool: FieldFormat {
    word("true or false") { ["true": true, "false": false][$0] }
  }
}

extension FieldFormat where Value: FixedWidthInteger {
  /// Decimal, or hexadecimal after 0x.
  package static func integer(in range: ClosedRange<Value>) -> FieldFormat {
    let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
    return word(expected) { text in
      parseInteger(text, as: Value.self).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

/// No sign but `-`, and no leading zero: `010` is ten to some readers and eight to others.
private func parseInteger<Value: FixedWidthInteger>(_ text: String, as type: Value.Type) -> Value? {
  let digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
  let sign = digits.startIndex == text.startIndex ? "" : "-"
  if digits.hasPrefix("0x"), digits.utf8.dropFirst(2).first?.isHexDigit == true {
    return Value(sign + digits.dropFirst(2), radix: 16)
  }
  guard let first = digits.utf8.first, first.isDecimalDigit else { return nil }
  guard first != UInt8(ascii: "0") || digits.utf8.count == 1 else { return nil }
  return Value(text, radix: 10)
}

extension UInt8 {
  fileprivate var isDecimalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  fileprivate var isHexDigit: Bool {
    isDecimalDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20)
  }
}

extension FieldFormat {
  /// One of a few names, each with what it stands for.
  package static func choice(of names: KeyValuePairs<String, Value>) -> FieldFormat {
    choice(of: names.map { ($0.key, $0.value) })
  }

  private static func choice(of names: [(name: String, value: Value)]) -> FieldFormat {
    text(listing(names.map(\.name))) { text in names.first { $0.name == text }?.value }
  }

  private static func listing(_ names: [String]) -> String {
    guard names.count > 1, let last = names.last else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}

extension FieldFormat where Value: CaseIterable & RawRepresentable<String> {
  /// Any case of an enumeration, by its raw value.
  package static var choice: FieldFormat { choice(of: Value.allCases.map { ($0.rawValue, $0) }) }
}

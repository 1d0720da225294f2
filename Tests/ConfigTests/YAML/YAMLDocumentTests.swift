import Config
import Testing

@Suite("A document is a tree that keeps its positions")
struct YAMLDocumentTests {
  @Test("Order, quotes and nesting are kept")
  func tree() throws {
    let document = try YAMLDocument("b: [1, 'x', \"y\"]\na:\n  c: |\n    text\n  d:\n", file: "f")
    #expect(outline(document.root) == "{b: [1, 'x', 'y'], a: {c: 'text\n', d: }}")
  }

  @Test("Lines and columns count from one, columns in characters")
  func positions() throws {
    let document = try YAMLDocument("é: ö\nlist:\n  - x\n", file: "f")
    guard case .mapping(let entries) = document.root.content else { return #expect(Bool(false)) }
    #expect(entries[0].value.position == SourcePosition(line: 1, column: 4))
    #expect(entries[1].namePosition == SourcePosition(line: 2, column: 1))
    guard case .sequence(let items) = entries[1].value.content else { return #expect(Bool(false)) }
    #expect(items[0].position == SourcePosition(line: 3, column: 5))
  }

  @Test(
    "An empty document is an empty mapping", arguments: ["", "\n\n", "# remark\n", "---\n", "---\n...\n"])
  func empty(_ text: String) throws {
    #expect(try outline(YAMLDocument(text, file: "f").root) == "{}")
  }

  @Test("A byte-order mark is no part of the text, in any encoding")
  func encodings() throws {
    let units = Array("a: ö😀\nb: 1\n".utf16)
    let little: [UInt8] = units.reduce(into: [0xff, 0xfe]) { $0 += [UInt8($1 & 0xff), UInt8($1 >> 8)] }
    let big: [UInt8] = units.reduce(into: [0xfe, 0xff]) { $0 += [UInt8($1 >> 8), UInt8($1 & 0xff)] }
    let utf8 = [0xef, 0xbb, 0xbf] + Array("a: ö😀\nb: 1\n".utf8)
    for bytes in [little, big, utf8] {
      let root = try YAMLDocument(bytes, file: "f").root
      #expect(outline(root) == "{a: ö😀, b: 1}")
      guard case .mapping(let entries) = root.content else { return #expect(Bool(false)) }
      #expect(entries[0].namePosition == .start)
    }
  }
}

@Suite("What YAML has beyond plain trees is refused with a sentence")
struct YAMLRefusalTests {
  @Test("Anchors, aliases and tags are refused where they stand, all of them")
  func anchorsAndTags() {
    #expect(
      complaints(about: "a: &x 1\nb: *x\nc:\n  - !t 2\n") == [
        "f:1:4: a: found an anchor (&), expected a value without one",
        "f:2:4: b: found an alias (*), expected the value itself",
        "f:4:5: c[0]: found a tag (!), expected a value without one",
      ])
  }

  @Test("A second document is refused")
  func severalDocuments() {
    #expect(
      complaints(about: "a: 1\n---\nb: 2\n") == [
        "f:2:1: found a second document, expected one document in the file"
      ]
    )
  }

  @Test("A duplicate name is an error that names both lines, at every level")
  func duplicates() {
    #expect(
      complaints(about: "a: 1\nb: {c: 1,\n  c: 2}\na: 3\n") == [
        "f:3:3: b.c: duplicate field: found on line 2 and again on line 3, expected once",
        "f:4:1: a: duplicate field: found on line 1 and again on line 4, expected once",
      ])
  }

  @Test("A name has to be a text")
  func names() {
    #expect(complaints(about: "[1, 2]: x\n") == ["f:1:1: found a list, expected the name of a field"])
    #expect(complaints(about: "? {b: c}\n: x\n") == ["f:1:3: found a mapping, expected the name of a field"])
    #expect(complaints(about: "?\n: x\n") == ["f:1:2: found nothing, expected the name of a field"])
    #expect(
      complaints(about: "'': x\n") == ["f:1:1: found the quoted text '', expected the name of a field"])
    #expect(complaints(about: "~: x\n") == ["f:1:1: found null, expected the name of a field"])
  }

  @Test(
    "A directive is refused, whatever ends the line before it",
    arguments: ["", "\n", "\r", "\u{85}", "\u{2028}"])
  func directives(_ lead: String) {
    let line = lead.isEmpty ? 1 : 2
    #expect(
      complaints(about: lead + "%YAML 1.1\n---\na: 1\n") == [
        "f:\(line):1: found a line that begins with '%', a YAML directive, expected none"
      ])
  }

  @Test("A percent sign anywhere else is a character like another")
  func percent() {
    #expect(complaints(about: "a: 50%\nb: '%'\nc: |\n  %x\n") == [])
  }

  @Test("A NUL is refused, raw or escaped")
  func nul() {
    #expect(
      complaints(about: [0x61, 0x3a, 0x20, 0x00, 0x0a]) == [
        "f:1:4: not text: control characters are not allowed"
      ])
    #expect(
      complaints(about: "a:\n  b: \"x\\0y\"\n") == [
        "f:2:6: a.b: found a NUL character, expected a text without one"
      ])
  }
}

@Suite("What is not YAML is refused at its line and column")
struct YAMLSyntaxTests {
  @Test("A syntax error says what is missing and in which field")
  func syntax() {
    #expect(
      complaints(about: "a: [1,\nb: 2\n") == [
        "f:3:1: a: not YAML: did not find expected ',' or ']', while parsing a flow sequence that begins on line 1"
      ])
    #expect(
      complaints(about: "a: b: c\n") == ["f:1:5: not YAML: mapping values are not allowed in this context"])
  }

  @Test("A tab in place of spaces is called a tab")
  func tab() {
    #expect(complaints(about: "a:\n\tb: 1\n") == ["f:2:1: a: not YAML: found a tab, expected spaces"])
  }

  @Test("Bytes that are not text are found at their line, in every encoding")
  func invalidText() {
    let text = Array("a: b\nc: ö".utf8)
    #expect(
      complaints(about: text + [0xff]) == ["f:2:5: not text: invalid leading UTF-8 octet"])
    #expect(
      complaints(about: [0xff, 0xfe, 0x0a, 0x00, 0x61, 0x00, 0x00, 0xd8, 0x61, 0x00]) == [
        "f:2:3: not text: expected low surrogate area"
      ])
  }

  @Test("Every beginning of a document is accepted or refused")
  func prefixes() {
    let text = Array("\u{feff}a: \"x\\u00e9\"\nb: [1, {c: 'ö'}]\nd:\n  - |\n   e\n  - ? f\n    : g\n".utf8)
    for length in 0...text.count {
      for last in [0x00, 0x25, 0x7f, 0xc3, 0xff] as [UInt8] {
        _ = complaints(about: Array(text[..<length]) + [last])
      }
    }
  }
}

@Suite("Every limit of a file has a number, and one more is an error")
struct YAMLLimitTests {
  @Test("Bytes")
  func bytes() {
    let limit = YAMLLimits.maximumBytes
    let remark = [UInt8](repeating: UInt8(ascii: "#"), count: limit)
    #expect(complaints(about: remark) == [])
    #expect(
      complaints(about: remark + remark[..<1]) == [
        "f:1:1: found \(limit + 1) bytes, expected at most \(limit)"
      ])
  }

  @Test("Depth, however deep it goes on")
  func depth() {
    let limit = YAMLLimits.maximumDepth
    func nested(_ depth: Int) -> String {
      "a: " + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
    }
    #expect(complaints(about: nested(limit)) == [])
    for text in [
      nested(limit + 1), String(repeating: "[", count: 1 << 20), String(repeating: "- ", count: 1 << 20),
    ] {
      let found = complaints(about: text)
      #expect(found.count == 1)
      #expect(found.first?.hasSuffix("found more than 32 levels, expected at most 32") == true)
    }
  }

  @Test("Values")
  func nodes() {
    // The real limit takes a debug build too long.
    let limit = 1 << 16
    // The mapping, the name and the list are values too.
    func list(_ count: Int) -> [UInt8] { Array(("a: [" + String(repeating: "x,", count: count - 3) + "]").utf8) }
    #expect(complaints(about: list(limit), mostNodes: limit) == [])
    let found = complaints(about: list(limit + 1), mostNodes: limit)
    #expect(found.count == 1)
    #expect(found.first?.contains("found more than \(limit) values") == true)
  }

  @Test("Length of a name")
  func names() {
    let name = String(repeating: "n", count: YAMLLimits.maximumNameBytes)
    #expect(complaints(about: name + ": 1") == [])
    #expect(complaints(about: name + "n: 1") == ["f:1:1: found a name of 129 bytes, expected at most 128"])
  }

  @Test("A megabyte of combining marks takes no longer than other text")
  func combiningMarks() {
    let marks = String(repeating: "\u{301}\u{323}", count: 1 << 18)
    #expect(complaints(about: "? \(marks)\n: 1").count == 1)
    for format in ["i", "b", "s", "n"] {
      let found = complaints(about: "\(format): \(marks)") { reader in
        _ = reader.optional("i", .integer(in: 0...9))
        _ = reader.optional("b", .bool)
        _ = reader.optional("s", .string)
        _ = reader.optional("n", .choice(of: ["x": 1]))
      }
      #expect(found.count == 1)
    }
  }

  @Test("Errors: twenty are shown, the others are counted")
  func errors() {
    let text = (0..<25).map { "a\($0): &x 1\n" }.joined()
    do {
      _ = try YAMLDocument(text, file: "f")
      Issue.record("accepted")
    } catch {
      #expect(error.errors.count == YAMLLimits.maximumErrors)
      #expect(error.omitted == 5)
      #expect(error.description.hasSuffix("\nf: 5 more errors"))
    }
  }
}

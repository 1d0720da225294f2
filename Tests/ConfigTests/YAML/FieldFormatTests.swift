import Config
import Testing

private enum Role: String, CaseIterable {
  case active
  case standby
  case witness
}

@Suite("A format accepts what it names and says what it expected")
struct FieldFormatTests {
  @Test("An integer is decimal or hexadecimal, within its range")
  func integers() throws {
    let format = FieldFormat<Int>.integer(in: -16...255)
    for (text, value) in [("0", 0), ("255", 255), ("-16", -16), ("0xff", 255), ("0xFF", 255), ("-0x10", -16)] {
      #expect(try field("a: \(text)", format) == value)
    }
    for text in [
      "256", "-17", "+1", "010", "00", "0x", "-x", "1_000", "1e2", "1.0", "0o7", "0x-1", "0x+1", "--1",
    ] {
      #expect(
        complaint("a: \(text)", format)
          == "f:1:4: a: found '\(text)', expected an integer from -16 to 255")
    }
    #expect(
      complaint("a: '1'", format)
        == "f:1:4: a: found the quoted text '1', expected an integer from -16 to 255")
  }

  @Test("An integer beyond every word is out of range, not a crash")
  func hugeIntegers() throws {
    let format = FieldFormat<UInt64>.integer(in: 0...UInt64.max)
    #expect(try field("a: 18446744073709551615", format) == UInt64.max)
    #expect(try field("a: 0xffffffffffffffff", format) == UInt64.max)
    #expect(complaint("a: 18446744073709551616", format) != nil)
    #expect(complaint("a: \(String(repeating: "9", count: 100_000))", format) != nil)
    #expect(complaint("a: -1", FieldFormat<UInt8>.integer(in: 0...255)) != nil)
    #expect(try field("a: -128", FieldFormat<Int8>.integer(in: -128...127)) == -128)
  }

  @Test("Only true and false are truth values")
  func bools() throws {
    #expect(try field("a: true", .bool))
    #expect(try !field("a: false", .bool))
    for text in ["yes", "no", "on", "off", "True", "1", "y"] {
      #expect(complaint("a: \(text)", .bool) == "f:1:4: a: found '\(text)', expected true or false")
    }
  }

  @Test("A text is a text with or without quotes, and null is none")
  func strings() throws {
    #expect(try field("a: no", .string) == "no")
    #expect(try field("a: ''", .string) == "")
    #expect(try field("a: 'null'", .string) == "null")
    #expect(complaint("a:", .string) == "f:1:3: a: found nothing, expected a text")
    #expect(complaint("a: ~", .string) == "f:1:4: a: found null, expected a text")
    #expect(complaint("a: [x]", .string) == "f:1:4: a: found a list, expected a text")
    #expect(complaint("a: {b: c}", .string) == "f:1:4: a: found a mapping, expected a text")
    let long = String(repeating: "x", count: YAMLLimits.maximumTextBytes + 1)
    #expect(complaint("a: \(long)", .string) == "f:1:4: a: found 4097 bytes, expected a text of at most 4096")
  }

  @Test("A choice lists its names")
  func choices() throws {
    #expect(try field("a: standby", FieldFormat<Role>.choice) == .standby)
    #expect(
      complaint("a: master", FieldFormat<Role>.choice)
        == "f:1:4: a: found 'master', expected active, standby or witness")
    #expect(try field("a: high", FieldFormat<Int>.choice(of: ["low": 1, "high": 9])) == 9)
  }

  @Test("A parser of one's own says what it expected")
  func parsers() throws {
    let format = FieldFormat<[UInt8]>.text("three numbers") { text in
      let parts = text.split(separator: ".").compactMap { UInt8($0) }
      return parts.count == 3 ? parts : nil
    }
    #expect(try field("a: 1.2.3", format) == [1, 2, 3])
    #expect(complaint("a: 1.2", format) == "f:1:4: a: found '1.2', expected three numbers")
    let even = FieldFormat<Int>.integer(in: 0...9).matching("an even number") { $0 % 2 == 0 }
    #expect(complaint("a: 3", even) == "f:1:4: a: found '3', expected an even number")
  }

  @Test("An error does not repeat a secret")
  func secrets() {
    let format = FieldFormat<String>.secret("64 hexadecimal digits") { _ in nil }
    #expect(
      complaint("a: deadbeef", format) == "f:1:4: a: found a text of 8 bytes, expected 64 hexadecimal digits")
    let narrowed = FieldFormat<String>.secret("a key") { $0 }.matching("a strong key") { _ in false }
    #expect(complaint("a: deadbeef", narrowed) == "f:1:4: a: found a text of 8 bytes, expected a strong key")
  }

  @Test("A long text is shown by its beginning")
  func excerpts() {
    let text = String(repeating: "x", count: 1000)
    let shown = String(repeating: "x", count: 40) + "…"
    #expect(complaint("a: \(text)", .bool) == "f:1:4: a: found '\(shown)', expected true or false")
  }

  @Test("A list says which items and how many")
  func lists() throws {
    let format = FieldFormat<[Int]>.list(of: .integer(in: 0...7), count: 1...3)
    #expect(try field("a: [1, 2]", format) == [1, 2])
    #expect(complaint("a: []", format) == "f:1:4: a: found 0 items, expected from 1 to 3")
    #expect(complaint("a: [1,2,3,4]", format) == "f:1:4: a: found 4 items, expected from 1 to 3")
    #expect(
      complaint("a: 1", format) == "f:1:4: a: found '1', expected a list, each item an integer from 0 to 7")
    #expect(
      complaint("a:\n - 1\n - 8\n", format) == "f:3:4: a[1]: found '8', expected an integer from 0 to 7")
    let nested = FieldFormat<[[Int]]>.list(of: .list(of: .integer(in: 0...7)))
    #expect(complaint("a: [[1], [2, x]]", nested)?.hasPrefix("f:1:14: a[1][1]: ") == true)
  }

  @Test("A mapping of free names keeps their order and quotes odd ones in paths")
  func entries() throws {
    let format = FieldFormat<[NamedEntry<Int>]>.entries(of: .integer(in: 0...7))
    #expect(try field("a: {y: 1, x: 2}", format).map { "\($0.name)\($0.value)" } == ["y1", "x2"])
    #expect(try field("a: {}", format).isEmpty)
    #expect(complaint("a: {b.c: 8}", format) == "f:1:10: a.'b.c': found '8', expected an integer from 0 to 7")
    #expect(
      complaint("a: [1]", format)?.hasPrefix("f:1:4: a: found a list, expected a mapping of names") == true)
  }

  @Test("A list of sections reads each with the same body")
  func sections() {
    let format = FieldFormat<[String]>.list(of: .section { $0.field("name", .string) })
    #expect(
      complaint("a:\n- name: x\n- nam: y\n", format)?.contains("f:3:3: a[1].name: found no such field")
        == true)
  }
}

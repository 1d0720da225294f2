import Config
import Testing

extension FieldFormat where Value == UInt16 {
  fileprivate static var port: FieldFormat { .integer(in: 1...65535) }
}

@Suite("A section is read field by field, and every error is collected")
struct FieldReaderTests {
  @Test("What is there is read, what is not has its default")
  func fields() throws {
    let document = try YAMLDocument("name: x\nport: 0x1F\n", file: "f")
    let read = try document.read { reader in
      let name = reader.field("name", .string)
      let port = reader.field("port", .port)
      let mtu = reader.field("mtu", .integer(in: 576...9000), default: 1500)
      let remark = reader.optional("remark", .string)
      return name.map { "\($0) \(port ?? 0) \(mtu) \(remark ?? "none")" }
    }
    #expect(read == "x 31 1500 none")
  }

  @Test("Errors come together, in the order of the lines, each with file, line, column and field")
  func collected() {
    let text = "port: 70000\ncluster:\n  adresses: [1]\n  units: [1, x, 2, 9]\n"
    let found = complaints(about: text) { reader in
      _ = reader.field(
        "cluster",
        .section { cluster in
          _ = cluster.field("addresses", .list(of: .string))
          _ = cluster.field("units", .list(of: .integer(in: 0...7)))
          return ()
        })
      _ = reader.field("port", .port)
      _ = reader.field("name", .string)
    }
    #expect(
      found == [
        "f:1:1: name: found no such field, expected a text",
        "f:1:7: port: found '70000', expected an integer from 1 to 65535",
        "f:3:3: cluster.addresses: found no such field, expected a list, each item a text",
        "f:3:3: cluster.adresses: unknown field 'adresses': did you mean 'addresses'?",
        "f:4:14: cluster.units[1]: found 'x', expected an integer from 0 to 7",
        "f:4:20: cluster.units[3]: found '9', expected an integer from 0 to 7",
      ])
  }

  @Test("A document that is not a mapping is an error, not a crash", arguments: ["[1]", "x", "'quoted'"])
  func notAMapping(_ text: String) {
    let found = complaints(about: text) { _ in }
    #expect(found.count == 1)
    #expect(found.first?.hasSuffix("expected a mapping") == true)
  }

  @Test("A name with nothing behind it is an empty section, whose fields are missed")
  func emptySection() {
    let format = FieldFormat<String>.section { $0.field("b", .string) }
    #expect(complaint("a:\n", format) == "f:1:3: a.b: found no such field, expected a text")
  }

  @Test("A section that gives no value and no reason is still an error")
  func refusedSection() {
    let format = FieldFormat<Int>.section { _ in nil }
    #expect(complaint("a: {}\n", format) == "f:1:4: a: found a section that is refused as a whole")
  }

  @Test("The reader of a section can refuse what only it can see")
  func contradiction() {
    let found = complaints(about: "low: 9\nhigh: 3\n") { reader in
      let low = reader.field("low", .located(.integer(in: 0...9)))
      let high = reader.field("high", .integer(in: 0...9))
      guard let low, let high, low.value > high else { return }
      reader.reject(low.location, "found \(low.value), expected at most \(high), the value of high")
      reader.reject("other", "expected when low is above high")
    }
    #expect(
      found == [
        "f:1:1: other: expected when low is above high",
        "f:1:6: low: found 9, expected at most 3, the value of high",
      ])
  }
}

@Suite("An unknown field is an error that knows what was meant")
struct UnknownFieldTests {
  private func suggestion(for name: String, among names: [String]) -> String? {
    complaints(about: "\(name): 1\n") { reader in
      for name in names { _ = reader.optional(name, .string) }
    }.first
  }

  @Test(
    "Two edits, a swap, a change of case or an abbreviation are understood",
    arguments: [
      ("adresses", "addresses"), ("addreses", "addresses"), ("pirority", "priority"), ("mut", "mtu"),
      ("listen-port", "listenPort"), ("Port", "port"), ("prio", "priority"), ("nameservers", "name"),
    ])
  func understood(_ written: String, _ meant: String) {
    #expect(
      suggestion(for: written, among: ["other", "somethingElse", meant])
        == "f:1:1: \(written): unknown field '\(written)': did you mean '\(meant)'?")
  }

  @Test("What resembles nothing gets the list of what is known")
  func resemblesNothing() {
    #expect(
      suggestion(for: "xyz", among: ["mtu", "port"])
        == "f:1:1: xyz: unknown field 'xyz': expected one of mtu, port")
    #expect(suggestion(for: "xyz", among: ["port"]) == "f:1:1: xyz: unknown field 'xyz': expected port")
    #expect(suggestion(for: "xyz", among: []) == "f:1:1: xyz: unknown field 'xyz': no field is expected here")
  }

  @Test("A field that is missing is likelier meant than one that is there")
  func missingFirst() {
    let found = complaints(about: "unit1: 1\nunit3: 1\n") { reader in
      _ = reader.optional("unit1", .string)
      _ = reader.optional("unit2", .string)
    }
    #expect(found == ["f:2:1: unit3: unknown field 'unit3': did you mean 'unit2'?"])
  }

  @Test("A name cannot command the terminal that shows the error")
  func controlCharacters() {
    let found = complaints(about: "\"a\\e[2J\\u202Eb\": 1\n") { _ in }
    #expect(
      found == [
        "f:1:1: 'a\\u{1b}[2J\\u{202e}b': unknown field 'a\\u{1b}[2J\\u{202e}b': no field is expected here"
      ])
  }
}

@testable import CLI
import Contract
import Testing

/// What goes wrong, as its sentence; nil when nothing does.
func complaint<Value>(_ body: () throws(CommandFailure) -> Value) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return error.code == .usage ? error.description : "code \(error.code): \(error.description)"
  }
}

@Suite struct ArgumentTests {
  static let options = [
    Option("--out", "FILE", "where to"), Option("--member", "N", "which"), Option("--json", nil, "how"),
  ]

  private func parse(_ words: String...) throws(CommandFailure) -> ParsedArguments {
    try ParsedArguments(words, Self.options)
  }

  @Test func `options and words come in any order`() throws {
    for words in [["--out", "x", "in"], ["in", "--out", "x"], ["--out=x", "in"], ["--out=y", "in", "--out", "x"]] {
      let parsed = try ParsedArguments(words, Self.options)
      #expect(parsed.positionals == ["in"])
      #expect(parsed.value("--out") == "x")
      #expect(!parsed.has("--json") && parsed.value("--member") == nil)
    }
  }

  @Test func `values may be empty, begin with a dash, and hold equals signs`() throws {
    #expect(try parse("--out=").value("--out") == "")
    #expect(try parse("--out", "-").value("--out") == "-")
    #expect(try parse("--out", "--json").value("--out") == "--json")
    #expect(try parse("--out=a=b=c").value("--out") == "a=b=c")
    #expect(try parse("--out", "a", "--out", "b").all("--out") == ["a", "b"])
  }

  @Test func `a dash alone is a word, and two end the options`() throws {
    #expect(try parse("-").positionals == ["-"])
    #expect(try parse("--", "--json", "-h").positionals == ["--json", "-h"])
    #expect(try parse("--json", "--", "--").positionals == ["--"])
  }

  @Test(arguments: [
    (["-h"], true), (["in", "--help"], true), (["--out", "x", "--frobnicate", "-h"], true), ([], false),
    (["--", "-h"], false), (["--out", "help"], false),
  ])
  func `help is asked for anywhere before two dashes`(_ words: [String], _ asks: Bool) {
    #expect(ParsedArguments.askForHelp(words) == asks)
  }

  @Test func `what is wrong is said with a way out`() {
    #expect(
      complaint { () throws(CommandFailure) in try parse("--mebmer", "1") }?.contains("did you mean '--member'?")
        == true)
    #expect(
      complaint { () throws(CommandFailure) in try parse("--mem", "1") }?.contains("did you mean '--member'?") == true)
    #expect(
      complaint { () throws(CommandFailure) in try parse("--frobnicate") }?.contains(
        "unknown option '--frobnicate'; 'hauberk help'") == true)
    #expect(complaint { () throws(CommandFailure) in try parse("-x") }?.contains("unknown option '-x'") == true)
    #expect(complaint { () throws(CommandFailure) in try parse("--out") } == "--out needs a value: --out FILE")
    #expect(complaint { () throws(CommandFailure) in try parse("--json=yes") } == "--json takes no value")
    #expect(complaint { () throws(CommandFailure) in try parse("--json=") } == "--json takes no value")
  }

  @Test(arguments: ["0", "1", "7", "12", "+5"])
  func `whole numbers in range are taken`(_ text: String) throws {
    #expect(try parse("--member", text).integer("--member", in: 0...12) == Int(text))
  }

  @Test(arguments: ["", "-1", "13", "x", "1.0", "1e1", " 1", "99999999999999999999", "0x1", "١"])
  func `everything else is refused with the range`(_ text: String) {
    let sentence = complaint { () throws(CommandFailure) in
      try parse("--member", text).integer("--member", in: 0...12)
    }
    #expect(sentence == "--member takes a whole number from 0 to 12, not '\(text)'")
  }

  @Test func `a choice is one of its words`() throws {
    #expect(try parse("--out", "compat").choice("--out", HashKind.self) == .compat)
    #expect(try parse().choice("--out", HashKind.self) == nil)
    for word in ["", "Compat", "xor"] {
      let sentence = complaint { () throws(CommandFailure) in try parse("--out", word).choice("--out", HashKind.self) }
      #expect(sentence == "--out takes keyed or compat, not '\(word)'")
    }
  }
}

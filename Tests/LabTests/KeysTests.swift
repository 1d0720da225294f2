import Testing

@testable import Lab

@Suite struct KeysTests {
  private func type(_ text: String, _ keys: inout LabKeys) -> [LabKeys.Outcome] { keys.type(text.utf8) }

  @Test func `a line is complete with return, and can be mended before`() {
    var keys = LabKeys()
    #expect(type("kll", &keys).isEmpty && keys.text == "kll")
    #expect(type("\u{7f}\u{7f}ill 12\u{8}\r", &keys) == [.line("kill 1")] && keys.text.isEmpty)
    #expect(type("kill 1\u{15}stop me\u{17}2\n", &keys) == [.line("stop 2")])
    #expect(type("a\nb\n", &keys) == [.line("a"), .line("b")])
  }

  @Test func `arrows bring lines back, and other keys do nothing`() {
    var keys = LabKeys()
    _ = type("kill 1\rstart 1\rstart 1\r", &keys)
    _ = type("\u{1b}[A", &keys)
    #expect(keys.text == "start 1")
    _ = type("\u{1b}OA\u{1b}[A", &keys)
    #expect(keys.text == "kill 1")
    _ = type("\u{1b}[B\u{1b}[B\u{1b}[B", &keys)
    #expect(keys.text.isEmpty)
    _ = type("x\u{1b}[3~\u{1b}[1;5C\t\u{1}", &keys)
    #expect(keys.text == "x")
    _ = keys.type([0xc3, 0xa4, 0x80])
    #expect(keys.text == "x")
  }

  @Test func `end of input counts on an empty line alone, and a line has an end`() {
    var keys = LabKeys()
    #expect(type("x\u{4}", &keys).isEmpty && type("\u{7f}\u{4}", &keys) == [.end])
    _ = type(String(repeating: "k", count: 1000), &keys)
    #expect(keys.text.count == LabKeys.mostLetters)
  }
}

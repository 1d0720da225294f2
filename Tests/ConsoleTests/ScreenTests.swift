@testable import Console
import Testing

@Suite struct ScreenTests {
  @Test func `a picture is cut to the terminal, and leaves nothing of the one before`() {
    let text = Screen.fitted("one\ntwo\nlong line\n", "footer", rows: 24, columns: 6)
    #expect(text == "\u{1b}[Hone\u{1b}[K\r\ntwo\u{1b}[K\r\nlong l\u{1b}[K\r\n\u{1b}[K\r\nfooter\u{1b}[K\u{1b}[J")
    let low = Screen.fitted((1...10).map { "\($0)\n" }.joined(), "f", rows: 5, columns: 80).split(separator: "\r\n")
    #expect(low.count == 5 && low[1] == "2\u{1b}[K" && low[2].contains("8 more lines") && low[4] == "f\u{1b}[K\u{1b}[J")
    #expect(Screen.fitted("1\n2\n3", "f", rows: 5, columns: 80).contains("3\u{1b}[K"))
    #expect(!Screen.fitted("", "f", rows: 1, columns: 1).isEmpty)
  }
}

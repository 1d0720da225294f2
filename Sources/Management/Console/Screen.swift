internal import CConsole
package import CLI

/// Pictures that replace each other: in place on a terminal, one after the other elsewhere.
package struct Screen {
  private let isTerminal: Bool
  private var last: String?

  package init() { isTerminal = Console.outputIsTerminal }

  package mutating func draw(_ picture: String, footer: String) throws(CommandFailure) {
    guard isTerminal else {
      try Console.output(last == nil ? picture : "\n" + picture)
      last = picture
      return try Console.flush()
    }
    var rows: Int32 = 24
    var columns: Int32 = 80
    unsafe _ = hauberk_terminal_size(&rows, &columns)
    // The other screen of the terminal, so that what was on this one comes back.
    let start = last == nil ? "\u{1b}[?1049h\u{1b}[?25l" : ""
    last = picture
    try Console.output(start + Self.fitted(picture, footer, rows: Int(rows), columns: Int(columns)))
    try Console.flush()
  }

  /// From the upper left corner, every line cut to the width, and nothing of the picture before left over.
  static func fitted(_ picture: String, _ footer: String, rows: Int, columns: Int) -> String {
    var lines = picture.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    // An empty line and the footer are below.
    let room = max(1, rows - 2)
    if lines.count > room {
      let hidden = lines.count - room + 1
      lines = lines.prefix(room - 1) + ["… \(hidden) more lines, for which this terminal is too low"]
    }
    let drawn = (lines + ["", Substring(footer)]).map { $0.prefix(columns) + "\u{1b}[K" }
    return "\u{1b}[H" + drawn.joined(separator: "\r\n") + "\u{1b}[J"
  }

  /// Gives the terminal back, and leaves the last picture on it.
  package func leave() throws(CommandFailure) {
    guard isTerminal, let last else { return }
    try Console.output("\u{1b}[?25h\u{1b}[?1049l" + last)
    try Console.flush()
  }
}

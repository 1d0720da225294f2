internal import CConsole
internal import CLI
internal import CLab
internal import Glibc

/// The terminal while a lab has it.
struct LabScreen {
  private let isColoured: Bool

  static var isToBeHad: Bool { isatty(0) == 1 && isatty(1) == 1 }

  /// Nil: there is no terminal to be had.
  init?() {
    guard Self.isToBeHad, hauberk_lab_raw_terminal() else { return nil }
    isColoured = unsafe getenv("NO_COLOR") == nil
    // The other screen of the terminal, so that what was on this one comes back.
    Self.write("\u{1b}[?1049h\u{1b}[2J")
  }

  func draw(_ view: LabView, _ typed: String) {
    var rows: Int32 = 24
    var columns: Int32 = 80
    unsafe _ = hauberk_terminal_size(&rows, &columns)
    // A terminal that takes nothing now, of a connection that stands still, gets the next picture.
    guard Self.isReady(0) else { return }
    Self.write(Self.frame(view, typed, rows: Int(rows), columns: Int(columns), isColoured: isColoured))
  }

  func leave() {
    if Self.isReady(500) { Self.write("\u{1b}[?25h\u{1b}[?1049l") }
    hauberk_lab_plain_terminal()
  }

  /// The picture, and at the bottom what is typed, where the cursor stays.
  static func frame(_ view: LabView, _ typed: String, rows: Int, columns: Int, isColoured: Bool) -> String {
    let lines = LabPicture(view: view, rows: max(1, rows - 2), columns: columns, isColoured: isColoured).lines
    let drawn = lines.map { LabPicture.text($0, isColoured: isColoured) + "\u{1b}[K" }
    let hint = "kill, stop, continue, start, drain, cut, mend and a number; help; quit"
    let prompt = "> " + typed.suffix(max(1, columns - 3))
    let faint = typed.isEmpty ? "\u{1b}7  \u{1b}[2m\(hint.prefix(max(0, columns - 5)))\u{1b}[0m\u{1b}[K\u{1b}8" : ""
    return "\u{1b}[?25l\u{1b}[H" + drawn.joined(separator: "\r\n") + "\u{1b}[J\u{1b}[\(rows);1H" + prompt + "\u{1b}[K"
      + faint + "\u{1b}[?25h"
  }

  private static func isReady(_ milliseconds: Int32) -> Bool {
    var terminal = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&terminal, 1, milliseconds) != 0
  }

  private static func write(_ text: String) {
    var octets = Array(text.utf8)[...]
    while !octets.isEmpty {
      let count = unsafe octets.withUnsafeBytes { unsafe Glibc.write(1, $0.baseAddress, $0.count) }
      // Whoever is to end does not wait for a terminal.
      if count < 0, errno == EINTR, hauberk_lab_caught() != 0 { return }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { return }
      octets = octets.dropFirst(count)
    }
  }
}

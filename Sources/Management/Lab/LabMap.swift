internal import CLI

/// Whose each work set is: a character each where there is room; else, where there are colours, two in one.
struct LabMap {
  typealias Piece = LabPicture.Piece

  let lines: [LabPicture.Line]

  private static let margin = 6
  private static let width = 64

  init(_ view: LabView, _ columns: Int, _ rows: Int, isColoured: Bool) {
    let count = view.work.count
    if count == 0 {
      lines = rows > 0 ? [[Piece(text: "no work is shared out yet", ink: .dim)]] : []
    } else if columns >= Self.margin + Self.width, rows > count / Self.width {
      lines = Self.lines(view, Self.width, rowsOfLine: 1) + [Self.legend]
    } else if columns >= Self.margin + 2 * Self.width, rows > count / (2 * Self.width) {
      lines = Self.lines(view, 2 * Self.width, rowsOfLine: 1) + [Self.legend]
    } else if columns >= Self.margin + Self.width, rows >= count / (2 * Self.width), isColoured {
      lines = Self.lines(view, Self.width, rowsOfLine: 2)
    } else {
      lines = rows > 0 ? [[Piece(text: "a larger terminal has room for a map of all work sets", ink: .dim)]] : []
    }
  }

  private static func lines(_ view: LabView, _ width: Int, rowsOfLine: Int) -> [LabPicture.Line] {
    stride(from: 0, to: view.work.count, by: width * rowsOfLine).map { first in
      var line = [Piece(text: Format.right("\(first)", margin - 2) + "  ", ink: .dim)]
      for set in first..<min(first + width, view.work.count) {
        let cell = rowsOfLine == 1 ? one(view, set) : two(view, set, set + width)
        if line.count > 1, line[line.count - 1].ink == cell.ink {
          line[line.count - 1].text += cell.text
        } else {
          line.append(cell)
        }
      }
      return line
    }
  }

  private static func one(_ view: LabView, _ set: Int) -> Piece {
    if view.pending.contains(set) { return Piece(text: "~", ink: .bold) }
    guard let owner = view.work[set] else { return Piece(text: ".", ink: .alarm) }
    return Piece(text: String(ClusterStatus.mark(owner)), ink: .member(owner))
  }

  private static func two(_ view: LabView, _ upper: Int, _ lower: Int) -> Piece {
    let owners = [upper, lower].map { set in
      set < view.work.count && !view.pending.contains(set) ? view.work[set] ?? 0 : 0
    }
    return Piece(text: "▀", ink: .pair(owners[0], owners[1]))
  }

  private static let legend = [
    Piece(
      text: String(repeating: " ", count: margin)
        + "a character is a work set, and says whose it is; ~ is on its way, . is nobody's", ink: .dim)
  ]
}

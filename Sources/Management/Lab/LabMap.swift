internal import CLI

/// Whose each work set is: a character each where there is room, else one for a few that lie side by side.
struct LabMap {
  let lines: [LabPicture.Line]

  init(_ view: LabView, columns: Int, rows: Int) {
    guard !view.work.isEmpty else {
      lines = rows > 0 ? [[LabPicture.Piece(text: "no work is shared out yet", ink: .dim)]] : []
      return
    }
    // Two lines are the legend and the one above it.
    let width = columns >= 2 * Self.margin + 128 && rows < 18 ? 128 : 64
    var each = 1
    while view.work.count / each / width > rows - 1, each < 16 { each *= 2 }
    guard rows > 1, view.work.count / each / width <= rows - 1, columns >= Self.margin + width else {
      lines =
        rows > 0 ? [[LabPicture.Piece(text: "this terminal has no room for the map of all work sets", ink: .dim)]] : []
      return
    }
    var lines: [LabPicture.Line] = []
    for first in stride(from: 0, to: view.work.count, by: width * each) {
      var line = [LabPicture.Piece(text: Format.right("\(first)", Self.margin - 2) + "  ", ink: .dim)]
      for place in stride(from: first, to: min(first + width * each, view.work.count), by: each) {
        let cell = Self.cell(view, place..<min(place + each, view.work.count))
        if line[line.count - 1].ink == cell.ink, line.count > 1 {
          line[line.count - 1].text += cell.text
        } else {
          line.append(cell)
        }
      }
      lines.append(line)
    }
    self.lines = lines + [Self.legend(view, each)]
  }

  private static let margin = 6

  private static func cell(_ view: LabView, _ sets: Range<Int>) -> LabPicture.Piece {
    if sets.contains(where: view.pending.contains) { return LabPicture.Piece(text: "~", ink: .bold) }
    let owner = view.work[sets.lowerBound]
    guard sets.allSatisfy({ view.work[$0] == owner }) else { return LabPicture.Piece(text: ":") }
    guard let owner else { return LabPicture.Piece(text: ".", ink: .alarm) }
    return LabPicture.Piece(text: String(ClusterStatus.mark(owner)), ink: .member(owner))
  }

  private static func legend(_ view: LabView, _ each: Int) -> LabPicture.Line {
    let what = each == 1 ? "a character is a work set" : "a character is \(each) work sets, : of several members"
    return [
      LabPicture.Piece(
        text: String(repeating: " ", count: margin) + what + ", and says whose it is; ~ is on its way, . is nobody's",
        ink: .dim)
    ]
  }
}

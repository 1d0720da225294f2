/// Rows in columns. Words stand left, numbers right.
struct Table {
  enum Side { case left, right }

  private let titles: [(String, Side)]
  private var rows: [[String]] = []

  init(_ titles: [(String, Side)]) { self.titles = titles }

  mutating func add(_ cells: [String]) { rows.append(cells) }
  var isEmpty: Bool { rows.isEmpty }

  func lines(indent: String = "  ") -> [String] {
    let all = [titles.map(\.0)] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let cells = row.indices.map { column in
        titles[column].1 == .left ? Format.left(row[column], widths[column]) : Format.right(row[column], widths[column])
      }
      let line = indent + cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}

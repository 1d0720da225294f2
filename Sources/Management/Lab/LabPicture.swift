internal import CLI

/// One screen of a lab, line by line.
struct LabPicture {
  /// A piece of a line; `ink` is a member's colour, or a meaning's.
  struct Piece: Equatable {
    enum Ink: Equatable {
      case plain, dim, bold, alarm
      case member(Int)
      /// Two work sets' owners, one above the other.
      case pair(Int, Int)
    }
    var text: String
    var ink = Ink.plain
  }

  typealias Line = [Piece]

  let view: LabView
  let rows: Int
  let columns: Int
  let isColoured: Bool

  private static let fewestEvents = 2, mostBar = 20

  /// At most `rows` lines, none longer than `columns`.
  var lines: [Line] {
    var lines = [title, []] + members + [[]] + probes + [[]]
    let room = rows - lines.count
    let roomOfMap = room - Self.fewestEvents
    let map = view.isHelping ? help : LabMap(view, columns, roomOfMap, isColoured: isColoured).lines
    lines += map + (map.isEmpty || roomOfMap <= map.count ? [] : [[]])
    if view.events.isEmpty {
      lines.append([Piece(text: "nothing has happened yet; `kill 1` is a good beginning", ink: .dim)])
    }
    lines += view.events.suffix(max(0, rows - lines.count)).map { event in
      [Piece(text: Format.right(LabView.clock(event.second), 9) + "  ", ink: .dim), Piece(text: event.text)]
    }
    return lines.prefix(max(1, rows)).map { Self.cut($0, columns) }
  }

  private var title: Line {
    let office = view.master.map { "member \($0) is master, term \(view.term)" } ?? "no master"
    return [
      Piece(text: "hauberk lab", ink: .bold),
      Piece(text: "  \(LabView.clock(view.second))  \(office)  "),
      Piece(
        text: "\(view.options.rate)/s in \(view.options.flows) flows, pace \(view.options.pace.rawValue)",
        ink: .dim),
    ]
  }

  private var members: [Line] {
    let head = "member  state      role      sets     lease    loss"
    return [[Piece(text: head, ink: .dim)]] + view.members.map(row)
  }

  private func row(_ member: LabView.Member) -> Line {
    let lease = member.leaseMilliseconds.map { "\(Format.fixed($0, 0)) ms" } ?? "-"
    let loss = member.loss.map { "\(Format.fixed($0 * 100, 1)) %" } ?? "-"
    let cut =
      member.cut.isEmpty
      ? "" : member.cut.count == 2 ? "   both cables pulled" : "   \(member.cut[0].rawValue) cable pulled"
    let isFenced = member.isAlive && member.isFenced && ["master", "member"].contains(member.role)
    let note = cut.isEmpty && isFenced ? "   fenced: no lease, no work" : cut
    let share = Double(member.sets) / Double(max(1, view.work.count))
    return [
      Piece(text: Format.right("\(member.number)", 6), ink: .member(member.number)), Piece(text: "  "),
      Piece(text: Format.left(member.state, 10) + " ", ink: member.isAlive ? .plain : .alarm),
      Piece(
        text: Format.left(member.role.isEmpty ? "-" : member.role, 8) + Format.right("\(member.sets)", 6)
          + Format.right(lease, 10) + Format.right(loss, 8)),
      note.isEmpty
        ? Piece(text: "   " + Format.bar(share, width: Self.mostBar), ink: .member(member.number))
        : Piece(text: note, ink: .alarm),
    ]
  }

  private var probes: [Line] {
    var lines = [[Piece(text: Format.left("probes", 30) + "     sent    lost   twice   outage", ink: .dim)]]
    lines.append(row("last second", view.lastSecond))
    if let since = view.since {
      lines.append(row("since \(since.label), \(Format.fixed(since.secondsAgo, 0)) s", since.tally))
    }
    lines.append(row("all", view.total))
    if view.flowsAway > 0 {
      lines[1].append(Piece(text: "   \(view.flowsAway) of \(view.options.flows) flows are away", ink: .alarm))
    }
    return lines
  }

  private func row(_ name: String, _ tally: ProbeTally) -> Line {
    let flows = tally.flows > 0 ? "  in \(tally.flows) flows" : ""
    return [
      Piece(
        text: Format.left(String(name.prefix(30)), 30) + Format.right(Format.grouped(tally.sent), 9)
          + Format.right(Format.grouped(tally.lost), 8) + Format.right(Format.grouped(tally.twice), 8)),
      Piece(text: Format.right(LabView.outage(tally), 9) + flows, ink: tally.lost > 0 ? .alarm : .plain),
    ]
  }

  private var help: [Line] {
    LabOrder.Deed.allCases.map { deed in
      [Piece(text: Format.left("\(deed.rawValue) N", 12), ink: .bold), Piece(text: deed.meaning)]
    } + [
      [Piece(text: Format.left("quit", 12), ink: .bold), Piece(text: "take everything away, and end")],
      [Piece(text: "N is a member's number or `master`. A beginning is enough: `k 1` kills.", ink: .dim)],
    ]
  }

  private static func cut(_ line: Line, _ columns: Int) -> Line {
    var room = columns
    var cut: Line = []
    for piece in line where room > 0 {
      cut.append(Piece(text: String(piece.text.prefix(room)), ink: piece.ink))
      room -= min(room, piece.text.count)
    }
    return cut
  }

  // On a terminal

  /// Colours that differ for most eyes, and on dark and light ground.
  private static let palette = [33, 208, 34, 199, 142, 93, 37, 160, 67, 130, 64, 171, 25, 202, 29, 102]

  static func text(_ line: Line, isColoured: Bool) -> String {
    guard isColoured else { return line.map(\.text).joined() }
    return line.map { piece in
      guard let code = code(piece.ink), !piece.text.isEmpty else { return piece.text }
      return "\u{1b}[\(code)m\(piece.text)\u{1b}[0m"
    }.joined()
  }

  private static func code(_ ink: Piece.Ink) -> String? {
    switch ink {
    case .plain: nil
    case .dim: "2"
    case .bold: "1"
    case .alarm: "1;31"
    case .member(let number): "1;38;5;\(colour(number))"
    case .pair(let upper, let lower): "38;5;\(colour(upper));48;5;\(colour(lower))"
    }
  }

  /// Nobody's is white.
  private static func colour(_ number: Int) -> Int {
    (1...palette.count).contains(number) ? palette[number - 1] : 15
  }
}

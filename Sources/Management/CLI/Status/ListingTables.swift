/// A row of a long list, as a person reads it.
package protocol TableRow: JSONMembers {
  /// What the list is of, in the plural.
  static var noun: String { get }
  static var titles: [(String, isNumber: Bool)] { get }
  var cells: [String] { get }
}

extension Listing where Row: TableRow {
  package var text: String {
    guard total > 0 else { return "there are no \(Row.noun)\n" }
    var table = Table(Row.titles.map { ($0.0, $0.isNumber ? .right : .left) })
    for row in rows { table.add(row.cells) }
    var lines = table.lines(indent: "")
    let end = from + UInt64(rows.count)
    if end < total {
      lines.append("… and \(Format.grouped(total - end)) more: --most shows more of the \(Format.grouped(total))")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension AssociationStatus: TableRow {
  package static var noun: String { "SAs" }

  package static var titles: [(String, isNumber: Bool)] {
    [
      ("SA", false), ("SPI", false), ("", false), ("peer", false), ("suite", false), ("state", false),
      ("packets", true),
      ("bytes", true), ("sequence", true), ("window", true), ("lost", true), ("drops", true), ("left", true),
    ]
  }

  package var cells: [String] {
    [
      name, "0x" + Format.hex(UInt64(spi), digits: 8), direction, peer, suite, stateText,
      Format.grouped(packets), Format.grouped(bytes), "\(sequence)", window == 0 ? "-" : "\(window)",
      Format.grouped(lost),
      Format.grouped(drops.total), left.text,
    ]
  }
}

extension AssociationStatus {
  private var stateText: String {
    switch state {
    case .alive: lostSets == 0 ? "alive" : "alive, lost in \(lostSets) sets"
    case .ending: "ending"
    case .stateLost: "numbers lost"
    }
  }
}

extension LifetimeLeft {
  /// What there are limits of.
  var text: String {
    let words = [
      seconds.map { Format.duration(Double($0)) }, packets.map { "\(Format.grouped($0)) packets" },
      bytes.map { "\(Format.grouped($0)) bytes" },
    ].compactMap { $0 }
    return words.isEmpty ? "-" : words.joined(separator: ", ")
  }
}

extension RouteStatus: TableRow {
  package static var noun: String { "routes" }

  package static var titles: [(String, isNumber: Bool)] {
    [("network", false), ("via", false), ("interface", false), ("origin", false)]
  }

  package var cells: [String] { [network, gateway ?? "-", interface ?? "nowhere: dropped", origin] }
}

extension NeighbourStatus: TableRow {
  package static var noun: String { "neighbours" }

  package static var titles: [(String, isNumber: Bool)] {
    [("address", false), ("interface", false), ("MAC", false), ("state", false), ("age", true)]
  }

  package var cells: [String] { [address, interface, mac ?? "-", state, Format.duration(ageSeconds)] }
}

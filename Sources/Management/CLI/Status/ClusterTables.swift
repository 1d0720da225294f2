/// A cluster as a person reads it.
extension ClusterStatus {
  /// One line, for the overview.
  package var line: String {
    let members = units.filter { $0.role != "away" }.count
    let office = role == "master" ? "master" : master.map { "\(role) of unit \($0)" } ?? role
    // What keepalives get lost is known to the master alone.
    let loss = units.compactMap(\.loss).max().map { ", \(Format.fixed($0 * 100, 1)) % of keepalives lost" } ?? ""
    let work =
      isFenced
      ? "fenced: no lease"
      : "\(running) of \(self.work.count) work sets, lease \(Format.fixed(leaseMilliseconds, 0)) ms, n \(n)\(loss)"
    return "\(name), unit \(unit), \(office), term \(term), \(members) of \(units.count) units, \(work)"
  }

  package var text: String {
    let fence = isFenced ? ", fenced: it has no lease and works on nothing" : ""
    var rows = [
      ("cluster", name), ("this unit", "\(unit), \(role)\(fence)"),
      ("term", "\(term), master \(Self.word(master)), deputy \(Self.word(deputy))"),
      ("delivery", delivery == "master" ? "to the master, which forwards what is others'" : "\(delivery), to all"),
      ("lease", "\(Format.fixed(leaseMilliseconds, 0)) ms left"),
      ("detection", "\(Format.fixed(detectionMilliseconds, 0)) ms of silence; \(n) keepalives within it"),
      ("newcomers", asksNewcomers ? "wait: somebody is missing, and new hosts may be with him" : "pass"),
      ("work", "\(running) of \(work.count) sets; table \(tableVersion); shared out by \(balance)"),
      (
        "messages",
        "\(Format.grouped(passed)) taken, \(Format.grouped(sent)) sent, \(Format.grouped(unsent)) not taken by the kernel"
      ),
    ]
    if refused.total > 0 {
      let words = refused.list.filter { $0.count > 0 }.map { "\($0.name) \(Format.grouped($0.count))" }
      rows.append(("refused", words.joined(separator: ", ")))
    }
    if oneSided > 0 { rows.append(("one-sided", "\(Format.grouped(oneSided)) of units heard by one side only")) }
    rows.append(("latest", "\(Format.fixed(latestMilliseconds, 2)) ms is the most that this thread came late"))
    let lines = rows.map { Format.left($0.0, 11) + $0.1 }
    return lines.joined(separator: "\n") + "\n\n" + membersText + "\n" + eventsText
  }

  private static func word(_ unit: Int?) -> String { unit.map { "unit \($0)" } ?? "unknown" }

  package var membersText: String {
    var table = Table([
      ("unit", .right), ("inside", .left), ("outside", .left), ("role", .left), ("sets", .right),
      ("packets/s", .right), ("loss", .right), ("", .left),
    ])
    for unit in units {
      let notes = [
        unit.isOwn ? "this one" : nil, unit.isDeputy ? "deputy" : nil, unit.isSuspected ? "silent" : nil,
        unit.isDraining ? "draining" : nil,
      ].compactMap { $0 }
      table.add([
        "\(unit.unit)", unit.inside, unit.outside, unit.role, "\(unit.sets)",
        unit.packetsPerSecond.map { Format.grouped(UInt64($0)) } ?? "-",
        unit.loss.map { "\(Format.fixed($0 * 100, 1)) %" } ?? "-", notes.joined(separator: ", "),
      ])
    }
    return table.lines(indent: "").joined(separator: "\n") + "\n"
  }

  /// 64 sets a line, a character each.
  package var workText: String {
    guard !work.isEmpty else { return "there is no table yet\n" }
    let moving = Set(pending)
    let all = work.indices.map { moving.contains($0) ? "~" : Self.mark(work[$0]) }
    var lines = stride(from: 0, to: all.count, by: 64).map { first in
      Format.right("\(first)", 4) + "  " + String(all[first..<min(first + 64, all.count)])
    }
    var legend = units.filter { $0.sets > 0 }.map { "\(Self.mark($0.unit)) is unit \($0.unit), \($0.sets) sets" }
    if all.contains(".") { legend.append(". is nobody's") }
    if !moving.isEmpty { legend.append("~ is on its way") }
    lines += ["", legend.joined(separator: "; ")]
    return lines.joined(separator: "\n") + "\n"
  }

  private static let marks = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/")

  package static func mark(_ owner: Int?) -> Character { owner.map { marks[$0 % marks.count] } ?? "." }

  package var eventsText: String {
    guard !events.isEmpty else { return "nothing has happened yet\n" }
    return events.suffix(20).map { event in
      "\(Format.duration(event.secondsAgo)) ago  \(event.event)"
    }.joined(separator: "\n") + "\n"
  }
}

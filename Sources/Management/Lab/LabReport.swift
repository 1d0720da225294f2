internal import CLI

/// What a lab says where there is no screen, and at its end.
enum LabReport {
  /// Once a second: what became of the probes of a second that is judged, and who has how much.
  static func line(_ view: LabView, second: Int, _ tally: ProbeTally) -> String {
    let shares = view.members.map { member in
      let mark = view.master == member.number ? "*" : ""
      return "\(member.number)\(mark) \(member.isAlive && member.state == "running" ? "\(member.sets)" : member.state)"
    }
    return Format.right("\(second)", 5) + " s  sent " + Format.right("\(tally.sent)", 6) + "  lost "
      + Format.right("\(tally.lost)", 5) + "  twice " + Format.right("\(tally.twice)", 3) + "  outage "
      + Format.left(LabView.outage(tally), 8) + " | " + shares.joined(separator: ", ")
  }

  static func event(_ event: LabView.Event) -> String {
    Format.right(LabView.clock(event.second), 9) + "  " + event.text
  }

  static func summary(_ view: LabView, _ marks: [ProbeAccount.Mark], began: UInt64) -> String {
    var lines = ["\(LabView.clock(view.second)): \(words(view.total))"]
    if !marks.isEmpty { lines.append("       at  what was done            sent    lost   twice   outage") }
    for mark in marks {
      let tally = mark.tally
      lines.append(
        Format.right(seconds(mark, began), 9) + "  " + Format.left(String(mark.label.prefix(20)), 20)
          + Format.right(Format.grouped(tally.sent), 9) + Format.right(Format.grouped(tally.lost), 8)
          + Format.right(Format.grouped(tally.twice), 8) + Format.right(LabView.outage(tally), 9)
          + (tally.flows > 0 ? "  in \(tally.flows) flows" : ""))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ tally: ProbeTally) -> String {
    let late = tally.late > 0 ? " (\(Format.grouped(tally.late)) of them came late)" : ""
    let twice = tally.twice == 0 ? "none came twice" : "\(Format.grouped(tally.twice)) came twice"
    guard tally.lost > 0 else { return "\(Format.grouped(tally.sent)) probes, none was lost, \(twice)" }
    return "\(Format.grouped(tally.sent)) probes, \(Format.grouped(tally.lost)) lost\(late) in \(tally.flows) flows, "
      + "the longest outage \(LabView.outage(tally)); \(twice)"
  }

  private static func seconds(_ mark: ProbeAccount.Mark, _ began: UInt64) -> String {
    LabView.clock(Double(mark.at > began ? mark.at - began : 0) / 1e9)
  }

  // JSON

  static func json(_ view: LabView, second: Int, _ tally: ProbeTally, _ events: [LabView.Event]) -> JSON {
    .object(
      [("kind", .string("second")), ("second", .integer(UInt64(second)))] + members(tally) + [
        ("flowsAway", .integer(UInt64(view.flowsAway))), ("master", view.master.map { .integer(UInt64($0)) } ?? .null),
        ("term", .integer(view.term)), ("members", .array(view.members.map(json))),
        ("events", .array(events.map { .object([("second", .number($0.second)), ("event", .string($0.text))]) })),
      ])
  }

  static func json(_ view: LabView, _ marks: [ProbeAccount.Mark], began: UInt64) -> JSON {
    .object(
      [("kind", .string("summary")), ("seconds", .number(view.second))] + members(view.total) + [
        (
          "orders",
          .array(
            marks.map { mark in
              .object(
                [
                  ("order", .string(mark.label)),
                  ("second", .number(Double(mark.at > began ? mark.at - began : 0) / 1e9)),
                ] + members(mark.tally))
            })
        )
      ])
  }

  private static func members(_ tally: ProbeTally) -> [(String, JSON)] {
    [
      ("sent", .integer(tally.sent)), ("lost", .integer(tally.lost)), ("twice", .integer(tally.twice)),
      ("late", .integer(tally.late)), ("flowsHit", .integer(UInt64(tally.flows))),
      ("outageMilliseconds", .number(Double(tally.outageNanoseconds) / 1e6)),
    ]
  }

  private static func json(_ member: LabView.Member) -> JSON {
    .object([
      ("unit", .integer(UInt64(member.number))), ("state", .string(member.state)), ("role", .string(member.role)),
      ("sets", .integer(UInt64(member.sets))), ("isFenced", .bool(member.isFenced)),
      ("cut", .array(member.cut.map { .string($0.rawValue) })),
      ("leaseMilliseconds", member.leaseMilliseconds.map { .number($0) } ?? .null),
      ("loss", member.loss.map { .number($0) } ?? .null),
    ])
  }
}

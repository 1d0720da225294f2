import Contract

/// The summary of a replay, as a person reads it.
package struct ReplaySummary {
  private let result: ReplayResult
  private var lines: [String] = []

  package init(_ result: ReplayResult) {
    self.result = result
    head()
    roundTrip()
    associations()
    members()
    drops()
    faults()
    stages()
    dealer()
  }

  package var text: String { lines.joined(separator: "\n") + "\n" }

  private mutating func head() {
    lines.append("\(result.source) (\(result.link))")
    lines.append("")
    let rate = Format.scaled(result.packetsPerSecond, "packet/s")
    let bits = Format.scaled(result.seconds > 0 ? Double(result.bytesIn) * 8 / result.seconds : 0, "bit/s")
    lines.append(row("in", result.packetsIn, result.bytesIn))
    lines.append(row("out", result.packetsOut, result.bytesOut) + (result.out.map { "   \($0)" } ?? ""))
    if result.packetsMade > 0 { lines.append(row("made", result.packetsMade, nil)) }
    if result.unanswered > 0 {
      lines.append(
        "  \(Format.grouped(result.unanswered)) senders of packets too big were not told: enough others were")
    }
    if result.packetsConsumed > 0 { lines.append(row("consumed", result.packetsConsumed, nil)) }
    if result.unfinishedFragments > 0 {
      lines.append(
        "  \(Format.grouped(result.unfinishedFragments)) of them fragments of packets that never became whole")
    }
    lines.append("  rate      \(rate), \(bits), in \(Format.seconds(result.seconds))")
    lines.append(
      "  work sets \(result.workSetsUsed) of 1024 used, hash \(result.hash.rawValue)"
        + (result.keyIsZero && result.hash == .keyed ? ", key all zero" : ""))
    lines.append(
      "  memory    \(result.pages)" + (result.node.map { ", node \($0)" } ?? ""))
    if result.acceptsEveryMAC { lines.append("  accept    every MAC address: no configuration restricts them") }
    if let truncation = result.truncation { lines.append("  warning   \(truncation)") }
  }

  private func row(_ name: String, _ packets: UInt64, _ bytes: UInt64?) -> String {
    "  \(Format.left(name, 9)) \(Format.right(Format.grouped(packets), 13)) packets"
      + (bytes.map { " \(Format.right(Format.grouped($0), 16)) bytes" } ?? "")
  }

  private mutating func roundTrip() {
    guard let trip = result.roundTrip else { return }
    let skipped = trip.skipped.reduce(0) { $0 + $1.count }
    lines += ["", "round trip: sealed by one gateway, opened by another (\(result.engine ?? ""))"]
    lines.append(
      "  \(Format.grouped(trip.compared)) packets compared, "
        + (trip.mismatched == 0
          ? "every one came back as it went in" : "\(Format.grouped(trip.mismatched)) came back CHANGED")
        + (skipped > 0 ? "; \(Format.grouped(skipped)) not sealed, for the reasons below" : ""))
  }

  private mutating func associations() {
    guard !result.associations.isEmpty else { return }
    lines += ["", "security associations" + (result.roundTrip == nil ? " (\(result.engine ?? ""))" : "")]
    for sa in result.associations {
      lines.append(
        "  \(Format.left(sa.name, 14)) \(Format.left(sa.direction, 4)) 0x"
          + "\(Format.left(String(sa.spi, radix: 16), 9)) \(Format.left(sa.suite, 24)) "
          + "\(Format.right(Format.grouped(sa.packets), 13)) packets, sequence \(sa.sequence)"
          + (sa.senders > 0 ? ", \(sa.senders) sender\(sa.senders == 1 ? "" : "s")" : "")
          + (sa.isEnding ? ", near its end or over" : "")
          + (sa.lost > 0 ? ", \(Format.grouped(sa.lost)) never came" : "")
          + sa.drops.map { ", \(Format.grouped($0.count)) \($0.name)" }.joined())
    }
  }

  private mutating func members() {
    guard result.members.count > 1 else { return }
    let total = result.members.reduce(0) { $0 + $1.packets }
    let most = result.members.map(\.packets).max() ?? 0
    lines += ["", "members"]
    for (number, member) in result.members.enumerated() {
      let bar = Format.bar(most > 0 ? Double(member.packets) / Double(most) : 0, width: 32)
      lines.append(
        "  \(Format.right("\(number)", 2))\(number == result.member ? "*" : " ") \(Format.left(bar, 32)) "
          + "\(Format.right(Format.percent(member.packets, of: total), 7)) "
          + "\(Format.right(Format.grouped(member.packets), 12)) packets, \(member.workSets) work sets used")
    }
    if let member = result.member { lines.append("   * only member \(member)'s packets were kept") }
  }

  private mutating func drops() {
    guard !result.drops.isEmpty else { return }
    lines += ["", "dropped"]
    for drop in result.drops.sorted(by: { ($1.count, $0.reason.name) < ($0.count, $1.reason.name) }) {
      lines.append(
        "  \(Format.right(Format.grouped(drop.count), 13)) \(Format.left(drop.reason.name, 21)) "
          + drop.reason.meaning)
    }
  }

  private mutating func faults() {
    guard !result.faults.isEmpty else { return }
    let list = result.faults.map { "\(Format.grouped($0.count)) \($0.name)" }.joined(separator: ", ")
    lines += ["", "injected faults: \(list)"]
  }

  private mutating func stages() {
    guard let first = result.workers.first else { return }
    lines += [
      "", "workers, in ticks of the time-stamp counter per packet (\(Format.scaled(result.ticksPerSecond, "Hz")))",
    ]
    let names = first.stages.map(\.name)
    lines.append(
      "  " + Format.left("", 18) + Format.right("packets", 13)
        + names.map { Format.right($0, 10) }.joined() + Format.right("sum", 10) + Format.right("busy", 8))
    for (number, worker) in result.workers.enumerated() {
      let place = "worker \(number)" + (worker.processor.map { ", cpu \($0)" } ?? "")
      let sum = worker.stages.reduce(0) { $0 + $1.ticks }
      let all = result.seconds * result.ticksPerSecond
      lines.append(
        "  " + Format.left(place, 18) + Format.right(Format.grouped(worker.packets), 13)
          + worker.stages.map { Format.right(perPacket($0.ticks, worker.packets), 10) }.joined()
          + Format.right(perPacket(sum, worker.packets), 10)
          + Format.right(all > 0 ? Format.fixed(Double(sum) / all * 100, 0) + " %" : "-", 8))
      if worker.crossedIn > 0 {
        lines.append("    of which \(Format.grouped(worker.crossedIn)) came from other workers")
      }
    }
  }

  private func perPacket(_ ticks: UInt64, _ packets: UInt64) -> String {
    packets == 0 ? "-" : Format.fixed(Double(ticks) / Double(packets), 1)
  }

  /// The thread around the workers: if its reading and writing fill the time, the pipeline was not the bottleneck.
  private mutating func dealer() {
    let total = result.dealer.reduce(0) { $0 + $1.ticks }
    guard total > 0 else { return }
    lines += ["", "the thread between the files and the workers"]
    for part in result.dealer {
      let share = Double(part.ticks) / Double(total)
      lines.append(
        "  \(Format.left(part.name, 10)) \(Format.left(Format.bar(share, width: 32), 32)) "
          + Format.right(Format.percent(part.ticks, of: total), 7)
          + Format.right(perPacket(part.ticks, result.packetsIn), 10) + " ticks per packet")
    }
  }
}

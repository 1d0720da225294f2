/// The summary of an audit, as a person reads it.
package struct AuditSummary {
  private let result: AuditResult
  private var lines: [String] = []

  package init(_ result: AuditResult) {
    self.result = result
    head()
    streams()
    repeats()
    notAudited()
  }

  package var text: String { lines.joined(separator: "\n") + "\n" }

  private mutating func head() {
    lines.append("\(result.source) (\(result.link))")
    lines.append("")
    lines.append("  packets   \(Format.grouped(result.packets)), of which \(Format.grouped(result.audited)) audited")
    let assumed = result.streams.filter(\.isAssumed).count
    if !result.hasConfiguration {
      lines.append("  assumed   an IV of 8 bytes that is a counter, and no sender ids: no --config says otherwise")
    } else if assumed > 0 {
      lines.append(
        "  assumed   an IV of 8 bytes that is a counter, and no sender ids, where the configuration has no such SPI: "
          + "\(Format.grouped(UInt64(assumed))) of the rows")
    }
    if let truncation = result.truncation { lines.append("  warning   \(truncation)") }
  }

  private mutating func streams() {
    guard !result.streams.isEmpty else {
      lines += ["", "  there is no ESP to audit"]
      return
    }
    // A column of zeros that concerns nobody is left out.
    let hasSameIVs = result.streams.contains { $0.sameIVs > 0 }
    var rows = [["destination", "SPI", "sender", "packets", "from", "to", "missing", "holes", "duplicates", "repeats"]]
    if hasSameIVs { rows[0].append("same IV") }
    for stream in result.streams {
      let counts = [stream.missing, stream.holes, stream.duplicates, stream.repeats]
      // Sequence numbers are names: written as other tools write them.
      rows.append(
        [stream.destination, stream.spiText, stream.senderText, Format.grouped(stream.packets)]
          + ["\(stream.lowest)", "\(stream.highest)"]
          + (hasSameIVs ? counts + [stream.sameIVs] : counts).map(Format.grouped))
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    lines.append("")
    for row in rows {
      let cells = row.enumerated().map { column, cell in
        column < 2 ? Format.left(cell, widths[column]) : Format.right(cell, widths[column])
      }
      lines.append("  " + cells.joined(separator: "  "))
    }
    if hasSameIVs {
      lines += ["", "  same IV: came again where it is no counter; it should not, but the key survives it"]
    }
  }

  private mutating func repeats() {
    guard !result.firstRepeats.isEmpty else { return }
    let shown = UInt64(result.firstRepeats.count)
    lines += [
      "",
      "repeats: an IV used for two packets opens both, and lets others forge more"
        + (shown < result.repeats ? "; the first \(shown) of \(Format.grouped(result.repeats))" : ""),
    ]
    if result.firstRepeats.contains(where: \.stream.isAssumed) {
      lines.append("  (with AES-CBC they give away less; that these are counters is assumed, see above)")
    }
    for again in result.firstRepeats {
      let sender = again.stream.senderID.map { ", sender \($0)" } ?? ""
      lines.append(
        "  IV \(again.ivText), SPI \(again.stream.spiText)\(sender), to \(again.stream.destination)")
      lines.append(
        "    packet \(again.firstPacket), sequence number \(again.firstSequence); "
          + "again packet \(again.packet), sequence number \(again.sequence)")
    }
  }

  private mutating func notAudited() {
    guard !result.notAudited.isEmpty else { return }
    lines += ["", "not audited"]
    for what in result.notAudited {
      lines.append("  \(Format.right(Format.grouped(what.count), 13)) \(Format.left(what.name, 12)) \(what.meaning)")
    }
  }
}

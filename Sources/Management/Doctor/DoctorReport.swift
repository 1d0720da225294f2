package import CLI

/// What was found out, for a person or a program.
package struct DoctorReport: Sendable {
  package let findings: [Finding]
  /// Whether what is good is told, too.
  let showsAll: Bool

  package init(_ findings: [Finding], showsAll: Bool = false) {
    self.findings = findings
    self.showsAll = showsAll
  }

  package func count(_ level: Finding.Level) -> Int { findings.count { $0.level == level } }
  package var isWrong: Bool { count(.wrong) > 0 }

  /// What is wrong comes first; then by subject.
  package var text: String {
    var lines: [String] = []
    for level in [Finding.Level.wrong, .better] {
      for finding in findings where finding.level == level { lines += Self.paragraph(finding) + [""] }
    }
    if showsAll {
      let good = findings.filter { $0.level == .good }
      let width = good.map { $0.topic.count }.max() ?? 0
      lines += good.map { "good    " + Format.left($0.topic, width) + "  " + $0.seen } + [""]
    }
    return lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n") + summary + "\n"
  }

  private var summary: String {
    let counts = "\(count(.wrong)) wrong, \(count(.better)) could be better, \(count(.good)) good"
    return showsAll || count(.good) == 0 ? counts : counts + " (--all lists them)"
  }

  private static func paragraph(_ finding: Finding) -> [String] {
    let head = (finding.level == .wrong ? "wrong   " : "better  ") + finding.topic + ": " + finding.seen
    let why = wrapped(finding.why, width: 104).map { "        " + $0 }
    let remedy = (finding.remedy ?? "").split(separator: "\n").map { "          $ " + $0 }
    return [head] + why + remedy
  }

  private static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  package var json: JSON {
    .object([
      ("wrong", .integer(UInt64(count(.wrong)))), ("better", .integer(UInt64(count(.better)))),
      ("good", .integer(UInt64(count(.good)))), ("findings", .array(findings.map(\.json))),
    ])
  }
}

/// One key, as far as it can be shown: never an octet of it.
package struct KeyRow: Sendable {
  package enum Standing: Sendable {
    /// What comes in is sealed by the peer, with nonces of his.
    case peers
    /// The suite has no counter.
    case uncounted
    case notBegun
    case begun(KeyUse)
    /// Why it cannot be used any more, in a sentence with the remedy.
    case refused(String)
  }

  package var owner: String
  package var direction: String
  package var suite: String
  package var fingerprint: String
  package var standing: Standing
  /// Begun just now.
  package var isFresh = false

  package init(owner: String, direction: String, suite: String, fingerprint: String, standing: Standing) {
    self.owner = owner
    self.direction = direction
    self.suite = suite
    self.fingerprint = fingerprint
    self.standing = standing
  }
}

/// What this unit has used of a key.
package struct KeyUse: Sendable {
  package var incarnation: UInt64
  package var marks: [(id: UInt32, mark: UInt64)]
  package var used: UInt64
  package var left: UInt64

  package init(incarnation: UInt64, marks: [(id: UInt32, mark: UInt64)], used: UInt64, left: UInt64) {
    self.incarnation = incarnation
    self.marks = marks
    self.used = used
    self.left = left
  }
}

/// The answer of `hauberk keys`.
package struct KeysReport {
  package let folder: String?
  package let rows: [KeyRow]

  package init(folder: String?, rows: [KeyRow]) {
    self.folder = folder
    self.rows = rows
  }

  package var hasRefusals: Bool {
    rows.contains { if case .refused = $0.standing { true } else { false } }
  }

  private var waiting: Int {
    rows.count { if case .notBegun = $0.standing { true } else { false } }
  }

  package var text: String {
    var lines = folder.map { ["nonce state in \($0)"] } ?? []
    if rows.isEmpty { lines.append("no keys") }
    for row in rows {
      lines += ["", "\(row.owner), \(row.direction): \(row.suite)", "  fingerprint \(row.fingerprint)"]
      lines += Self.lines(row).map { "  " + $0 }
    }
    if waiting > 0 {
      lines += [
        "",
        "\(waiting) \(waiting == 1 ? "key is" : "keys are") not begun and cannot seal: if new, `hauberk keys --begin`",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ row: KeyRow) -> [String] {
    switch row.standing {
    case .peers: return ["the nonces are the peer's"]
    case .uncounted: return ["no counter, so nothing to record"]
    case .notBegun: return ["not begun: no nonce state"]
    case .refused(let sentence): return ["refused: \(sentence)"]
    case .begun(let use):
      let whole = Double(use.used) + Double(use.left)
      let share = whole > 0 ? Format.fixed(Double(use.left) / whole * 100, 3) : "-"
      let start = row.isFresh ? "begun now" : "started \(use.incarnation) \(use.incarnation == 1 ? "time" : "times")"
      return [
        "\(start); \(Format.grouped(use.used)) nonces given out, \(Format.grouped(use.left)) left (\(share) %)"
      ] + use.marks.map { "sender id \($0.id): goes on at \(Format.grouped($0.mark))" }
    }
  }

  package var json: JSON {
    .object([
      ("stateDirectory", folder.map { .string($0) } ?? .null), ("keys", .array(rows.map(Self.json))),
    ])
  }

  private static func json(_ row: KeyRow) -> JSON {
    var members: [(String, JSON)] = [
      ("owner", .string(row.owner)), ("direction", .string(row.direction)), ("suite", .string(row.suite)),
      ("fingerprint", .string(row.fingerprint)),
    ]
    switch row.standing {
    case .peers: members.append(("state", .string("peer")))
    case .uncounted: members.append(("state", .string("none needed")))
    case .notBegun: members.append(("state", .string("not begun")))
    case .refused(let sentence): members += [("state", .string("refused")), ("reason", .string(sentence))]
    case .begun(let use):
      members += [
        ("state", .string("begun")), ("fresh", .bool(row.isFresh)), ("incarnation", .integer(use.incarnation)),
        ("used", .integer(use.used)), ("left", .integer(use.left)),
        (
          "marks",
          .array(use.marks.map { .object([("id", .integer(UInt64($0.id))), ("mark", .integer($0.mark))]) })
        ),
      ]
    }
    return .object(members)
  }
}

import CLI
import Identity
import Wire

/// What lies in a file, as `hauberk identity show` tells it.
struct IdentityReport {
  let papers: [IdentityPaper]
  /// What an authority says against it; nil where none was asked.
  let refusals: [IdentityRefusal]?

  var text: String {
    var lines: [String] = []
    for paper in papers {
      if !lines.isEmpty { lines.append("") }
      switch paper {
      case .authority(let authority):
        lines += ["authority of cluster \(authority.cluster)"]
        lines += Self.lines(authority.serial, authority.notBefore, authority.notAfter, authority.fingerprint)
      case .unit(let unit):
        lines += ["unit \(unit.number) of cluster \(unit.cluster)"]
        lines.append("  addresses     \(unit.addresses.map(\.description).joined(separator: ", "))")
        lines += Self.lines(unit.serial, unit.notBefore, unit.notAfter, unit.fingerprint)
      case .revocations(let list):
        lines.append("\(list.count) revoked certificate\(list.count == 1 ? "" : "s")")
        lines += list.map { "  \($0.serial)  \(UnitCertificate.text($0.when))" }
      }
    }
    if let refusals {
      lines.append("")
      lines += refusals.isEmpty ? ["the authority vouches for it"] : refusals.map(\.description)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ serial: String, _ from: Int64, _ until: Int64, _ fingerprint: String) -> [String] {
    [
      "  serial        \(serial)", "  counts from   \(UnitCertificate.text(from))",
      "  until         \(UnitCertificate.text(until))", "  fingerprint   \(fingerprint)",
    ]
  }

  var json: JSON {
    var members: [(String, JSON)] = [("papers", .array(papers.map(Self.json)))]
    if let refusals {
      members.append(("holds", .bool(refusals.isEmpty)))
      members.append(
        (
          "refusals",
          .array(
            refusals.map { .object([("kind", .string($0.kind.rawValue)), ("what", .string($0.description))]) })
        ))
    }
    return .object(members)
  }

  private static func json(_ paper: IdentityPaper) -> JSON {
    switch paper {
    case .authority(let authority):
      .object([
        ("kind", .string("authority")), ("cluster", .string(authority.cluster)),
        ("serial", .string(authority.serial)), ("notBefore", moment(authority.notBefore)),
        ("notAfter", moment(authority.notAfter)), ("fingerprint", .string(authority.fingerprint)),
      ])
    case .unit(let unit):
      .object([
        ("kind", .string("unit")), ("cluster", .string(unit.cluster)), ("number", .integer(UInt64(unit.number))),
        ("addresses", .array(unit.addresses.map { .string($0.description) })), ("serial", .string(unit.serial)),
        ("notBefore", moment(unit.notBefore)), ("notAfter", moment(unit.notAfter)),
        ("fingerprint", .string(unit.fingerprint)),
      ])
    case .revocations(let list):
      .object([
        ("kind", .string("revocations")),
        (
          "revoked",
          .array(list.map { .object([("serial", .string($0.serial)), ("when", moment($0.when))]) })
        ),
      ])
    }
  }

  /// Seconds since 1970. What lies before has no place in a certificate of ours.
  private static func moment(_ seconds: Int64) -> JSON { .integer(UInt64(max(0, seconds))) }
}

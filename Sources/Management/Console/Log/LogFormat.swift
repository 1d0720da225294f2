internal import CLI

/// How a line of the log looks.
package enum LogFormat: String, CaseIterable, Sendable {
  /// For a terminal or a file: with time and level.
  case text
  /// For the journal, which has both of its own.
  case journal
  case json

  /// One line, whatever is in the event.
  func line(_ event: LogEvent, _ time: LogTime) -> String {
    switch self {
    case .text:
      "\(Self.timestamp(time.wall)) \(Format.left(event.level.name, 7)) \(Self.words(event))\n"
    case .journal: "<\(event.level.priority)>\(Self.words(event))\n"
    case .json:
      JSON.object([
        ("time", .string(Self.timestamp(time.wall))), ("monotonic", .number(Double(time.monotonic) / 1e9)),
        ("level", .string(event.level.name)), ("event", .string(event.name)), ("message", .string(event.text)),
        ("fields", .object(event.fields.map { ($0.name, .string($0.value)) })),
      ]).line + "\n"
    }
  }

  private static func words(_ event: LogEvent) -> String {
    clean("\(event.name): \(event.text)")
      + event.fields.map { field in
        let isPlain = !field.value.isEmpty && field.value.allSatisfy { !" \"=".contains($0) }
        return " \(clean(field.name))=" + (isPlain ? clean(field.value) : JSON.string(field.value).line)
      }.joined()
  }

  /// What is written may come from a peer: no line of its own making, and nothing for a terminal to obey.
  private static func clean(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return text.unicodeScalars.map { isControl($0) ? "\\u{\(String($0.value, radix: 16))}" : "\($0)" }.joined()
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || 0x7f..<0xa0 ~= scalar.value || scalar.value == 0x2028 || scalar.value == 0x2029
  }

  /// `2026-11-21T10:05:04.123Z`
  static func timestamp(_ wall: Int64) -> String {
    func padded(_ number: Int64, _ digits: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    let milliseconds = floored(wall, 1_000_000).quotient
    let (days, rest) = floored(milliseconds, 86_400_000)
    // Years that begin in March have their odd day at the end.
    let (era, dayOfEra) = floored(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let number = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (number <= 2 ? 1 : 0)
    let date = "\(padded(year, 4))-\(padded(number, 2))-\(padded(day, 2))"
    let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }.joined(separator: ":")
    return "\(date)T\(clock).\(padded(rest % 1000, 3))Z"
  }

  private static func floored(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, rest: Int64) {
    let rest = (number % divisor + divisor) % divisor
    return ((number - rest) / divisor, rest)
  }
}

/// How much an event matters.
package enum LogLevel: Int, CaseIterable, Comparable, Sendable {
  case debug, info, notice, warning, error

  package var name: String { "\(self)" }

  package init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }

  /// As syslog counts.
  var priority: Int {
    switch self {
    case .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    }
  }

  package static func < (one: LogLevel, other: LogLevel) -> Bool { one.rawValue < other.rawValue }
}

/// When: for counting, and for people.
package struct LogTime: Sendable, Equatable {
  /// Nanoseconds that never jump.
  package var monotonic: UInt64
  /// Nanoseconds since 1970, UTC.
  package var wall: Int64

  package init(monotonic: UInt64, wall: Int64) {
    self.monotonic = monotonic
    self.wall = wall
  }
}

/// One thing that happened.
package struct LogEvent: Sendable {
  package var level: LogLevel
  /// What kind it is of, for programs: `link.down`.
  package var name: String
  /// A sentence for people.
  package var text: String
  package var fields: [(name: String, value: String)]

  package init(_ level: LogLevel, _ name: String, _ text: String, _ fields: [(name: String, value: String)] = []) {
    self.level = level
    self.name = name
    self.text = text
    self.fields = fields
  }
}

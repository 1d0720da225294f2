package import CLI

/// One thing that was looked at.
package struct Finding: Sendable {
  package enum Level: String, CaseIterable, Sendable {
    case good
    case better = "could be better"
    case wrong
  }

  package enum Subject: String, CaseIterable, Sendable {
    case processors, memory, rights, kernel, crypto, clock, devices
  }

  package let level: Level
  package let subject: Subject
  /// What it is about: a device's name, or a word.
  package let topic: String
  package let seen: String
  /// Empty where all is well.
  package let why: String
  /// Commands, one a line; nil where no command helps.
  package let remedy: String?

  init(_ level: Level, _ subject: Subject, _ topic: String, _ seen: String, why: String = "", remedy: String? = nil) {
    self.level = level
    self.subject = subject
    self.topic = topic
    self.seen = seen
    self.why = why
    self.remedy = remedy
  }

  package var json: JSON {
    .object([
      ("level", .string(level.word)), ("subject", .string(subject.rawValue)), ("topic", .string(topic)),
      ("seen", .string(seen)), ("why", why.isEmpty ? .null : .string(why)),
      ("remedy", remedy.map { .string($0) } ?? .null),
    ])
  }
}

extension Finding.Level {
  /// For programs.
  var word: String { self == .better ? "better" : rawValue }
}

/// All that is found out about a machine: judged, not asked.
package enum Diagnosis {
  package static func of(_ facts: MachineFacts) -> [Finding] {
    processors(facts) + memory(facts) + rights(facts) + kernel(facts) + crypto(facts) + clock(facts)
      + facts.devices.flatMap { device($0, facts) } + links(facts)
  }
}

/// Folds what is repeated: the first of equal events is written at once, the others are counted until their time is up.
/// Of one name there are no more than a few in that time either, whatever they say. It knows no clock.
struct LogFolder {
  static let windowNanoseconds: UInt64 = 10_000_000_000
  static let mostRemembered = 64
  static let mostOfAName = 20

  private struct Key: Hashable {
    var level: LogLevel
    var name: String
    var text: String
    var fields: [String]
  }

  private struct Entry {
    var event: LogEvent
    var start: UInt64
    var written: Int
    var folded: UInt64
  }

  private var same: [Key: Entry] = [:]
  private var named: [String: Entry] = [:]

  /// What is to be written now.
  mutating func take(_ event: LogEvent, at now: UInt64) -> [LogEvent] {
    var out = due(at: now)
    let key = Key(
      level: event.level, name: event.name, text: event.text, fields: event.fields.flatMap { [$0.name, $0.value] })
    if same[key] != nil {
      same[key]?.folded += 1
      return out
    }
    if let entry = named[event.name], entry.written >= Self.mostOfAName {
      named[event.name]?.event = event
      named[event.name]?.folded += 1
      return out
    }
    out += makeRoom(at: now)
    same[key] = Entry(event: event, start: now, written: 1, folded: 0)
    named[event.name, default: Entry(event: event, start: now, written: 0, folded: 0)].written += 1
    return out + [event]
  }

  /// Those whose time is up.
  mutating func due(at now: UInt64) -> [LogEvent] { close(at: now) { now >= $0.start + Self.windowNanoseconds } }

  /// Everything, at the end.
  mutating func finish(at now: UInt64) -> [LogEvent] {
    defer { same = [:] }
    return close(at: now) { _ in true }
  }

  /// When `due` has something to do.
  var nextDue: UInt64? {
    let first = (same.values.map(\.start) + named.values.map(\.start)).min()
    return first.map { $0 + Self.windowNanoseconds }
  }

  private mutating func close(at now: UInt64, _ isOver: (Entry) -> Bool) -> [LogEvent] {
    var out: [(start: UInt64, event: LogEvent)] = []
    for (key, entry) in same where isOver(entry) {
      // What goes on is not written again, only counted again.
      if entry.folded > 0 {
        out.append((entry.start, Self.summary(of: entry, "\(entry.event.text) ...", at: now)))
        same[key] = Entry(event: entry.event, start: now, written: 1, folded: 0)
      } else {
        same[key] = nil
      }
    }
    for (name, entry) in named where isOver(entry) {
      if entry.folded > 0 {
        var last = entry
        last.event.fields = []
        out.append((entry.start, Self.summary(of: last, "... and others of this kind,", at: now)))
      }
      named[name] = nil
    }
    // A dictionary has no order, a log has.
    return out.sorted { ($0.start, $0.event.name, $0.event.text) < ($1.start, $1.event.name, $1.event.text) }.map(
      \.event)
  }

  /// The one that began first gives way.
  private mutating func makeRoom(at now: UInt64) -> [LogEvent] {
    if named.count >= Self.mostRemembered, let first = named.min(by: { $0.value.start < $1.value.start }) {
      named[first.key] = nil
    }
    guard same.count >= Self.mostRemembered, let first = same.min(by: { $0.value.start < $1.value.start }) else {
      return []
    }
    same[first.key] = nil
    guard first.value.folded > 0 else { return [] }
    return [Self.summary(of: first.value, "\(first.value.event.text) ...", at: now)]
  }

  private static func summary(of entry: Entry, _ words: String, at now: UInt64) -> LogEvent {
    var event = entry.event
    let times = entry.folded == 1 ? "once" : "\(entry.folded) times"
    event.text = "\(words) \(times) more in \((now - min(now, entry.start)) / 1_000_000_000) s"
    return event
  }
}

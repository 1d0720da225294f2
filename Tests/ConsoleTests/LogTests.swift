@testable import Console
import Foundation
import Glibc
import Testing

@Suite struct LogFolderTests {
  private static let second: UInt64 = 1_000_000_000

  private func event(_ text: String, _ name: String = "link.down", _ level: LogLevel = .warning) -> LogEvent {
    LogEvent(level, name, text, [("side", "inside")])
  }

  @Test func `the first is written, the others are counted, and that is told once`() {
    var folder = LogFolder()
    #expect(folder.take(event("gone"), at: 5 * Self.second).map(\.text) == ["gone"])
    for number in 1...37 { #expect(folder.take(event("gone"), at: 5 * Self.second + UInt64(number)).isEmpty) }
    #expect(folder.nextDue == 15 * Self.second && folder.due(at: 15 * Self.second - 1).isEmpty)
    let told = folder.due(at: 15 * Self.second)
    #expect(told.map(\.text) == ["gone ... 37 times more in 10 s"])
    #expect(told.first?.name == "link.down" && told.first?.level == .warning)
    #expect(told.first?.fields.map(\.value) == ["inside"])
    // It goes on: only counted. It ends: forgotten, and the next is news.
    #expect(folder.take(event("gone"), at: 16 * Self.second).isEmpty)
    #expect(folder.due(at: 25 * Self.second).map(\.text) == ["gone ... once more in 10 s"])
    #expect(folder.due(at: 35 * Self.second).isEmpty && folder.nextDue == nil)
    #expect(folder.take(event("gone"), at: 35 * Self.second).map(\.text) == ["gone"])
  }

  @Test func `what differs in anything is not the same`() {
    var folder = LogFolder()
    var other = event("gone")
    other.fields = [("side", "outside")]
    for event in [event("gone"), event("back"), event("gone", "link.up"), event("gone", "link.down", .error), other] {
      #expect(folder.take(event, at: 0).count == 1)
    }
  }

  @Test func `an event that comes late brings the summary of those before it`() {
    var folder = LogFolder()
    _ = folder.take(event("a"), at: 0)
    _ = folder.take(event("a"), at: 1)
    #expect(folder.take(event("b"), at: 60 * Self.second).map(\.text) == ["a ... once more in 60 s", "b"])
    #expect(folder.take(event("a"), at: 61 * Self.second).isEmpty, "what goes on is counted")
    #expect(folder.finish(at: 62 * Self.second).map(\.text) == ["a ... once more in 2 s"])
  }

  @Test func `one name does not fill the log, whatever it says`() {
    var folder = LogFolder()
    var written = 0
    for number in 0..<1000 { written += folder.take(event("from \(number)"), at: UInt64(number)).count }
    #expect(written == LogFolder.mostOfAName)
    #expect(folder.take(event("else", "other"), at: 2000).count == 1)
    let told = folder.due(at: 10 * Self.second + 2000)
    #expect(told.map(\.text) == ["... and others of this kind, 980 times more in 10 s"])
    #expect(told.first?.fields.isEmpty == true)
    #expect(folder.take(event("from 5"), at: 11 * Self.second).count == 1)
  }

  @Test func `its memory has an end, and nothing that was counted is lost`() {
    var folder = LogFolder()
    var written: [LogEvent] = []
    for number in 0..<500 {
      for _ in 0..<3 { written += folder.take(event("x", "name \(number)"), at: UInt64(number)) }
    }
    written += folder.finish(at: Self.second)
    #expect(written.count { $0.text == "x" } == 500 && written.count { $0.text.hasPrefix("x ... 2 times") } == 500)
    #expect(folder.nextDue == nil)
  }
}

@Suite struct LogFormatTests {
  private let time = LogTime(monotonic: 1_500_000_000, wall: 1_795_255_504_123_999_999)

  @Test func `one line an event, for each reader`() {
    let event = LogEvent(.warning, "link.down", "inside is gone", [("device", "eth1"), ("why", "a \"b\""), ("n", "")])
    #expect(
      LogFormat.text.line(event, time)
        == "2026-11-21T10:05:04.123Z warning link.down: inside is gone device=eth1 why=\"a \\\"b\\\"\" n=\"\"\n")
    #expect(LogFormat.journal.line(event, time).hasPrefix("<4>link.down: inside is gone device=eth1"))
    let json = LogFormat.json.line(event, time)
    let parsed = (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any]
    #expect(parsed?["level"] as? String == "warning" && parsed?["monotonic"] as? Double == 1.5)
    #expect((parsed?["fields"] as? [String: String])?["why"] == "a \"b\"")
    #expect(LogLevel.allCases.map(\.priority) == [7, 6, 5, 4, 3] && LogLevel(name: "notice") == .notice)
  }

  @Test(arguments: LogFormat.allCases) func `nothing in an event makes a line or a command`(_ format: LogFormat) {
    let bad = "a\nb\r\u{1b}[2J\u{85}\u{2028}\0\u{7f}"
    let line = format.line(LogEvent(.error, bad, bad, [(bad, bad), ("x", "\u{1b}")]), time)
    #expect(line.hasSuffix("\n") && line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    #expect(format == .json || !line.contains("\u{2028}"))
  }

  @Test func `time stamps are those of the calendar`() {
    for (seconds, text) in [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
      (4_107_542_399, "2100-02-28T23:59:59.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
    ] as [(Int64, String)] { #expect(LogFormat.timestamp(seconds * 1_000_000_000) == text) }
    let formatter = ISO8601DateFormatter()
    for day in stride(from: Int64(0), through: 60_000, by: 97) {
      let seconds = day * 86_400 + day % 86_400
      let theirs = formatter.string(from: Date(timeIntervalSince1970: Double(seconds))).dropLast() + ".000Z"
      if LogFormat.timestamp(seconds * 1_000_000_000) != theirs { Issue.record("day \(day)") }
    }
  }

  @Test func `the journal is known by what it says of itself`() {
    #expect(Log.isJournal("8:1234", 8, 1234) && !Log.isJournal("8:1234", 8, 1235) && !Log.isJournal("", 0, 0))
  }
}

@Suite struct LogTests {
  /// Both ends of a pipe.
  private func pipe() -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    #expect(Glibc.pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  private func text(_ descriptor: Int32) -> String {
    var octets: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &piece, piece.count), count > 0 { octets += piece.prefix(count) }
    return String(decoding: octets, as: UTF8.self)
  }

  @Test func `lines arrive in order, folded, from the level that was asked for`() throws {
    let ends = pipe()
    let log = try #require(Log(format: .journal, least: .notice, descriptor: ends.write))
    for number in 0..<10 { log.write(.notice, "number", "it is \(number)") }
    log.write(.info, "quiet", "not this")
    for _ in 0..<5 { log.write(.error, "loud", "again") }
    #expect(log.finish())
    close(ends.write)
    let lines = text(ends.read).split(separator: "\n")
    close(ends.read)
    try #require(lines.count == 12)
    #expect(lines[0] == "<5>number: it is 0" && lines[9] == "<5>number: it is 9")
    #expect(lines[10] == "<3>loud: again" && lines[11].hasPrefix("<3>loud: again ... 4 times more in 0 s"))
  }

  @Test func `who writes does not wait for who reads, and losses are told`() throws {
    let ends = pipe()
    let log = try #require(Log(format: .text, descriptor: ends.write))
    // Far more than the pipe and the queue hold, and nobody reads. Each has a name of its own.
    let long = String(repeating: "x", count: 1000)
    for number in 0..<1000 { log.write(.info, "name \(number)", long) }
    #expect(log.finish(milliseconds: 50) == false, "the pipe is full")
    // Now somebody reads: what waited comes, then how much did not.
    var octets: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while !log.finish(milliseconds: 5) {
      let count = read(ends.read, &piece, piece.count)
      if count > 0 { octets += piece.prefix(count) }
    }
    close(ends.write)
    octets += Array(text(ends.read).utf8)
    close(ends.read)
    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n")
    let written = lines.count { $0.hasSuffix(long) }
    let lost = lines.compactMap { line in
      line.firstRange(of: "log.lost: ").flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
    }.reduce(0, +)
    #expect(written > 200 && lost > 0 && written + lost == 1000)
  }

  @Test func `a reader who goes away takes nothing down`() throws {
    signal(SIGPIPE, SIG_IGN)
    let ends = pipe()
    let log = try #require(Log(format: .text, descriptor: ends.write))
    close(ends.read)
    for number in 0..<10 { log.write(.info, "name", "text \(number)") }
    #expect(log.finish())
    close(ends.write)
  }
}

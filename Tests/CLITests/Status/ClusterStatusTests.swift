@testable import CLI
import Testing

/// A member's view of its cluster, as it is sent and as a person reads it.
@Suite struct ClusterStatusTests {
  /// Three units: the first is master, the second this one, the third away. Every member has another value than its first.
  private static let status: ClusterStatus = {
    var status = ClusterStatus()
    (status.name, status.unit, status.role, status.term) = ("north", 2, "client", 7)
    status.delivery = "multicast"
    (status.master, status.deputy, status.isFenced, status.asksNewcomers) = (1, 2, false, true)
    (status.leaseMilliseconds, status.detectionMilliseconds, status.n, status.tableVersion) = (151.5, 100, 3, 42)
    (status.sent, status.unsent, status.passed, status.oneSided) = (12_345, 6, 1_234_567, 8)
    status.balance = "packets"
    status.refused = NamedCounts([("signature", 1500), ("repeated", 0)])
    status.latestMilliseconds = 0.756
    status.units = [1, 2, 3].map { number in
      var unit = MemberStatus()
      (unit.unit, unit.inside, unit.outside) = (number, "10.1.0.\(number)", "10.2.0.\(number)")
      unit.role = ["master", "member", "away"][number - 1]
      (unit.isOwn, unit.isDeputy, unit.sets) = (number == 2, number == 2, [600, 400, 0][number - 1])
      return unit
    }
    (status.units[0].packetsPerSecond, status.units[1].packetsPerSecond) = (1_234_567, 0)
    (status.units[0].loss, status.units[0].isSuspected, status.units[1].isDraining) = (0.0125, true, true)
    status.work = (0..<1024).map { $0 < 600 ? 1 : $0 < 1000 ? 2 : nil }
    status.pending = [0, 599, 600]
    (status.running, status.runs, status.ageMilliseconds) = (399, [600, 601], 12.5)
    status.events = [
      ClusterEventStatus(secondsAgo: 75, event: "unit 1 is master", isWarning: false),
      ClusterEventStatus(secondsAgo: 0.5, event: "unit 3 is silent", isWarning: true),
    ]
    return status
  }()

  private func sent<Value: JSONCoded>(_ value: Value) throws -> Value {
    try Value(json: JSONReader.read(Array(value.json.line.utf8)))
  }

  @Test func `whatever is sent arrives`() throws {
    let arrived = try sent(Self.status)
    #expect((arrived.json.text == Self.status.json.text) as Bool)
    #expect((arrived.work == Self.status.work) as Bool && arrived.pending == [0, 599, 600])
    #expect(arrived.units[0].loss == 0.0125 && arrived.units[2].loss == nil && arrived.units[1].isOwn)
    #expect(arrived.text == Self.status.text && arrived.workText == Self.status.workText)
    // None has its first value, or it might not have been sent.
    for (value, first) in [
      (Self.status.json, ClusterStatus().json), (Self.status.events[1].json, ClusterEventStatus().json),
    ] {
      guard case .object(let members) = value else {
        Issue.record("no object")
        return
      }
      for (name, member) in members { #expect((member.line != first[name]?.line) as Bool, "\(name)") }
    }
    var unit = MemberStatus()
    (unit.unit, unit.inside, unit.outside, unit.role) = (5, "a", "b", "joining")
    unit.packetsPerSecond = 77
    (unit.isOwn, unit.isDeputy, unit.sets, unit.loss, unit.isSuspected, unit.isDraining) = (
      true, true, 9, 0.5, true, true
    )
    guard case .object(let members) = try sent(unit).json else {
      Issue.record("no object")
      return
    }
    for (name, member) in members { #expect(member.line != MemberStatus().json[name]?.line, "\(name)") }
    #expect(members.map(\.0) == MemberStatus.members.map(\.name) && members.count == 11)
  }

  @Test func `the most that there may be fits into what a client reads`() throws {
    var status = Self.status
    var unit = status.units[1]
    unit.loss = 1 / 3
    status.units = (0..<64).map { number in
      unit.unit = number
      return unit
    }
    status.work = (0..<1024).map { $0 % 64 }
    status.pending = Array(0..<1024)
    status.events = (0..<256).map {
      ClusterEventStatus(secondsAgo: Double($0) / 7, event: String(repeating: "é", count: 300), isWarning: true)
    }
    #expect((try sent(status).json.line == status.json.line) as Bool)
  }

  @Test func `what there is not yet is not there, and nonsense is met by name`() throws {
    let nothing = try ClusterStatus(json: JSONReader.read(Array("{}".utf8)))
    #expect(nothing.isFenced && nothing.master == nil && nothing.work.isEmpty)
    #expect(nothing.workText == "there is no table yet\n" && nothing.eventsText == "nothing has happened yet\n")
    #expect(nothing.line == ", unit 0, , term 0, 0 of 0 units, fenced: no lease")
    for (text, words) in [
      (#"{"work":[0,null,"1"]}"#, "work: no whole number"), (#"{"units":[{"loss":"x"}]}"#, "units: loss: no number"),
      (#"{"pending":[-1]}"#, "pending: no whole number"), (#"{"isFenced":0}"#, "isFenced: neither true nor false"),
    ] {
      do {
        _ = try ClusterStatus(json: JSONReader.read(Array(text.utf8)))
        Issue.record("\(text) was taken")
      } catch let mismatch as JSONMismatch { #expect(mismatch.description.hasPrefix(words), "\(mismatch)") }
    }
  }

  @Test func `one line tells whose it is and whether it works`() {
    var status = Self.status
    let work = "399 of 1024 work sets, lease 152 ms, n 3, 1.3 % of keepalives lost"
    #expect(status.line == "north, unit 2, client of unit 1, term 7, 2 of 3 units, \(work)")
    status.isFenced = true
    #expect(status.line.hasSuffix("2 of 3 units, fenced: no lease"))
    (status.role, status.master, status.isFenced) = ("master", 2, false)
    #expect(status.line.hasPrefix("north, unit 2, master, term 7,"))
    (status.role, status.master) = ("joining", nil)
    #expect(status.line.hasPrefix("north, unit 2, joining, term 7,"))
  }

  @Test func `the overview tells what a person wants to know`() {
    var status = Self.status
    let text = status.text
    for line in [
      "cluster    north", "this unit  2, client", "term       7, master unit 1, deputy unit 2",
      "delivery   multicast, to all", "lease      152 ms left",
      "newcomers  wait: somebody is missing, and new hosts may be with him",
      "detection  100 ms of silence; 3 keepalives within it",
      "work       399 of 1024 sets; table 42; shared out by packets",
      "messages   1 234 567 taken, 12 345 sent, 6 not taken by the kernel",
      "refused    signature 1 500", "one-sided  8 of units heard by one side only",
      "latest     0.76 ms is the most that this thread came late", "1 min 15 s ago  unit 1 is master",
      "0 s ago  unit 3 is silent",
    ] { #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)") }
    (status.isFenced, status.delivery) = (true, "master")
    #expect(status.text.contains("delivery   to the master, which forwards what is others'\n"))
    (status.master, status.refused, status.oneSided) = (nil, NamedCounts([("signature", 0)]), 0)
    #expect(status.text.contains("2, client, fenced: it has no lease and works on nothing\n"))
    #expect(
      status.text.contains("master unknown") && !status.text.contains("refused") && !status.text.contains("one-sided"))
  }

  @Test func `members stand in columns, with what is to be known of each`() {
    #expect(
      Self.status.membersText == """
        unit  inside    outside   role    sets  packets/s   loss
           1  10.1.0.1  10.2.0.1  master   600  1 234 567  1.3 %  silent
           2  10.1.0.2  10.2.0.2  member   400          0      -  this one, deputy, draining
           3  10.1.0.3  10.2.0.3  away       0          -      -

        """)
  }

  @Test func `the map has a character for each of the 1024 sets`() {
    let lines = Self.status.workText.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 19 && lines[16].isEmpty && lines[18].isEmpty)
    #expect(lines[0] == "   0  ~" + String(repeating: "1", count: 63))
    #expect(lines[1] == "  64  " + String(repeating: "1", count: 64))
    // 576 to 639: the border, and two sets that are on their way.
    #expect(lines[9] == " 576  " + String(repeating: "1", count: 23) + "~~" + String(repeating: "2", count: 39))
    #expect(lines[15] == " 960  " + String(repeating: "2", count: 40) + String(repeating: ".", count: 24))
    #expect(lines[17] == "1 is unit 1, 600 sets; 2 is unit 2, 400 sets; . is nobody's; ~ is on its way")
    var settled = Self.status
    (settled.pending, settled.work) = ([], Array(repeating: 2, count: 1024))
    settled.units[0].sets = 0
    #expect(settled.workText.hasSuffix("\n\n2 is unit 2, 400 sets\n"))
  }

  @Test func `64 units have 64 characters`() {
    var status = ClusterStatus()
    status.work = (0..<1024).map { $0 % 64 }
    let lines = status.workText.split(separator: "\n").prefix(16).map { $0.dropFirst(6) }
    #expect(lines.allSatisfy { Set($0).count == 64 && $0 == lines[0] } && lines.count == 16)
    #expect(!lines[0].contains(".") && !lines[0].contains("~"))
  }

  @Test func `of many events, the last ones are shown`() {
    var status = ClusterStatus()
    status.events = (1...30).map {
      ClusterEventStatus(secondsAgo: Double(31 - $0), event: "event \($0)", isWarning: false)
    }
    let lines = status.eventsText.split(separator: "\n")
    #expect(lines.count == 20 && lines.first == "20 s ago  event 11" && lines.last == "1 s ago  event 30")
  }
}

import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("A unit sees its own link go, and does not wait until others miss it")
struct LinkTests {
  private static let term = Bench.term(1, of: 1)
  private static let doubt = Directive.doubt(learning: 50 * .millisecond, waiting: 20 * .millisecond)

  private func table(of members: [MemberNumber]) -> OwnershipTable {
    var table = OwnershipTable(term: Self.term, version: 1)
    for set in 0..<1024 { table[set] = OwnershipEntry(state: .assigned, member: members[set % members.count]) }
    return table
  }

  private func isRequest(_ message: Message) -> Bool { if case .joinRequest = message { true } else { false } }
  private func isLeave(_ message: Message) -> Bool { if case .leave = message { true } else { false } }

  private func place(_ directives: [Directive], _ isWanted: (Message) -> Bool) -> Int? {
    directives.firstIndex { if case .send(let message, _, _) = $0 { isWanted(message) } else { false } }
  }

  // Who goes

  @Test("A client fences itself first, then says to its master that it goes, more than once", arguments: Side.allCases)
  func client(_ side: Side) throws {
    var bench = Bench.client()
    _ = bench.receive(.table(table(of: [1, 2])), from: 1, term: Self.term)
    let all = bench.unit.receive(.unplugged(side), now: bench.now)
    let fence = try #require(all.firstIndex(of: .fence)), word = try #require(place(all, isLeave))
    #expect(fence < word && all.stopped.count == 512 && all.messages(to: 1).count(where: isLeave) == 3)
    #expect(all.events.contains(.linkLost(side)) && all.events.contains(.gaveUp(.linkLost)))
    #expect(bench.role == .joining && bench.unit.receive(.unplugged(side), now: bench.now).isEmpty)
  }

  @Test("A master fences itself first, then leaves its office to its deputy (X18)", arguments: Side.allCases)
  func master(_ side: Side) throws {
    var bench = Bench.master()
    _ = bench.admit(3)
    let all = bench.unit.receive(.unplugged(side), now: bench.now)
    let fence = try #require(all.firstIndex(of: .fence)), word = try #require(place(all) { $0 == .succeed })
    #expect(fence < word && all.contains(.retire) && all.messages().count { $0 == .succeed } == 3)
    #expect(bench.role == .joining && all.events.contains(.gaveUp(.linkLost)))
  }

  @Test("The last of all stays in office as long as it hears hosts, for nobody could do more")
  func last() {
    var bench = Bench.master()
    var all = bench.unit.receive(.unplugged(.inside), now: bench.now)
    all += bench.pass(2 * .second)
    #expect(bench.unit.isMaster && !all.contains(.fence) && all.events.contains(.linkLost(.inside)))
    #expect(bench.unit.receive(.plugged(.inside), now: bench.now).events == [.linkBack(.inside)])
    #expect(!bench.pass(.second).contains(.fence) && bench.unit.isMaster)
    // Who hears nobody may be alone with that (X19).
    _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
    bench.isQuiet = true
    #expect(bench.pass(150 * .millisecond).events.contains(.gaveUp(.deaf)))
  }

  @Test("It makes way for whoever could do more, be he heard by one side alone, and not for what is left of the past")
  func makesWay() {
    let request = Message.joinRequest(JoinRequest(stamp: 1, configuration: 0, certificate: [3]))
    for word in [request, .offer, .otherMaster(live: 1, stamp: 1, echo: 0)] as [Message] {
      for isOverheard in [false, true] {
        var bench = Bench.master()
        _ = bench.unit.receive(.unplugged(.outside), now: bench.now)
        #expect(bench.receive(.leave(stamp: 5), from: 3, term: bench.unit.term).isEmpty && bench.unit.isMaster)
        let envelope = Envelope(type: word.type, sender: 3, cluster: 1, term: 0, incarnation: 7, sequence: 1)
        let all =
          isOverheard
          ? bench.unit.overhear(word, in: envelope, now: bench.now)
          : bench.unit.receive(word, in: envelope, now: bench.now)
        #expect(all.contains(.fence) && bench.role == .joining && all.messages(to: 3).isEmpty, "\(word)")
      }
    }
    var whole = Bench.master()
    #expect(!whole.receive(request, from: 3).contains(.fence) && whole.unit.isMaster)
  }

  @Test("One that was about to lead does not")
  func offering() {
    for milliseconds in stride(from: UInt64(0), through: 800, by: 20) {
      var bench = Bench()
      _ = bench.pass(milliseconds * .millisecond)
      guard !bench.unit.isMaster else { continue }
      _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
      #expect(bench.unit.isFenced)
      let all = bench.pass(3 * .second)
      #expect(bench.role == .joining && bench.unit.isFenced && all.messages().isEmpty, "\(milliseconds)")
    }
  }

  // Who comes back

  @Test("Without a link it asks nobody and is let in by nobody; with it, it is as a unit that has just begun")
  func back() {
    var bench = Bench.client()
    let asked = bench.now
    _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
    _ = bench.unit.receive(.unplugged(.outside), now: bench.now)
    #expect(bench.pass(2 * .second).messages().isEmpty)
    let welcome = Message.joinAnswer(JoinAnswer(echo: asked, verdict: .welcome(roster: 3, table: 0)))
    _ = bench.receive(welcome, from: 1, term: Self.term)
    _ = bench.unit.receive(.plugged(.inside), now: bench.now)
    _ = bench.receive(welcome, from: 1, term: Self.term)
    #expect(bench.role == .joining && bench.pass(2 * .second).messages().isEmpty)
    _ = bench.unit.receive(.plugged(.outside), now: bench.now)
    #expect(bench.pass(.second).messages().contains(where: isRequest))
    _ = bench.pass(.second)
    #expect(bench.unit.isMaster)
  }

  /// How long after the link's return it asks the master that it hears.
  private func patience(_ bench: inout Bench) -> Nanoseconds? {
    _ = bench.unit.receive(.plugged(.inside), now: bench.now)
    let back = bench.now
    while bench.now < back + 40 * .second {
      let said = bench.masterKeepalive(from: 1, term: Self.term, members: []) + bench.pass(10 * .millisecond)
      let requests = said.messages() + said.messages(to: 1)
      if requests.contains(where: isRequest) { return bench.now - back }
    }
    return nil
  }

  @Test("A link that comes and goes moves nobody's work each time: it is waited for twice as long, up to half a minute")
  func flaps() throws {
    var bench = Bench.client()
    var waited: [Nanoseconds] = []
    for _ in 0..<11 {
      _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
      waited.append(try #require(patience(&bench)) / .millisecond)
    }
    for (time, least) in zip(waited, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000] as [UInt64]) {
      #expect(time >= least && time <= least + 100, "\(waited)")
    }
    for _ in 0..<600 {
      _ = bench.masterKeepalive(from: 1, term: Self.term, members: []) + bench.pass(100 * .millisecond)
    }
    _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
    #expect(try #require(patience(&bench)) <= 200 * .millisecond)
  }

  /// Its link has come and gone so often that it waits for half a minute.
  private func flapped() -> Bench {
    var bench = Bench.client()
    for _ in 0..<11 {
      _ = bench.unit.receive(.unplugged(.inside), now: bench.now)
      bench.now += 100 * .millisecond
      _ = bench.unit.receive(.plugged(.inside), now: bench.now)
    }
    return bench
  }

  @Test("Its master dies while it waits: it leads as soon as ever")
  func diesMeanwhile() {
    var bench = flapped()
    for _ in 0..<100 {
      let said = bench.masterKeepalive(from: 1, term: Self.term, members: []) + bench.pass(10 * .millisecond)
      #expect(!(said.messages() + said.messages(to: 1)).contains(where: isRequest))
    }
    _ = bench.pass(1500 * .millisecond)
    #expect(bench.unit.isMaster)
  }

  @Test("Where no master is heard there is nobody to be spared: it leads as soon as ever")
  func flapsAlone() {
    var bench = flapped()
    let said = bench.pass(1200 * .millisecond).messages()
    #expect(bench.unit.isMaster)
    #expect(!said.contains(where: isRequest), "a master that is there, and not heard yet, would deal to it at once")
  }

  // Who stays

  @Test("A master deals the work of one that goes at once, and misses it: it may come back with others (X19)")
  func leaves() {
    var bench = Bench.master()
    _ = bench.admit(3)
    _ = bench.admit(4)
    for _ in 0..<60 {
      _ = bench.pass(50 * .millisecond)
      for member in [3, 4] as [MemberNumber] { _ = bench.keepalive(from: member) }
      bench.workersStop()
    }
    #expect(!bench.table.sets(of: 3).isEmpty)
    bench.now += 1
    let all = bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term)
    #expect(all.events.contains(.left(3, .linkLost)) && all.contains(Self.doubt))
    #expect(bench.table.sets(of: 3).isEmpty && !all.tables.isEmpty)
    // What it says once more is not another half's word.
    #expect(bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term).isEmpty)
    let other = bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term + 256)
    #expect(other.contains { if case .stranger = $0 { true } else { false } })
  }

  @Test("Its word from before it was let in is late, and so is one of another term")
  func late() {
    var bench = Bench.master()
    _ = bench.admit(3)
    let before = bench.now
    _ = bench.pass(50 * .millisecond)
    _ = bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term)
    _ = bench.pass(50 * .millisecond)
    _ = bench.admit(3)
    for stamp in [before, before + 50 * .millisecond] {
      #expect(bench.receive(.leave(stamp: stamp), from: 3, term: bench.unit.term).events.isEmpty)
    }
    #expect(bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term - 256).events.isEmpty)
    #expect(bench.receive(.leave(stamp: bench.now), from: 3, term: bench.unit.term).events == [.left(3, .linkLost)])
  }

  @Test("A deputy follows at once, and misses a master who has handed over nothing")
  func deputy() {
    var bench = Bench.client()
    _ = bench.receive(.table(table(of: [1, 2])), from: 1, term: Self.term)
    let all = bench.receive(.succeed, from: 1, term: Self.term)
    #expect(bench.unit.isMaster && all.contains(Self.doubt) && !all.contains(.fence))
    #expect(bench.receive(.succeed, from: 1, term: Self.term).isEmpty)
    #expect(all.events.contains(.becameMaster(term: Bench.term(2, of: 2), .masterUnable)))
    var other = Bench.client()
    _ = other.receive(.table(table(of: [2, 3])), from: 1, term: Self.term)
    let handed = other.receive(.succeed, from: 1, term: Self.term)
    #expect(handed.events.contains(.becameMaster(term: Bench.term(2, of: 2), .masterWent)))
    #expect(!handed.contains(Self.doubt))
  }
}

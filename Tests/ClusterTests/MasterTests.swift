import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("A master keeps the roster, and works only as long as it may")
struct MasterTests {
  /// Member 3 does as it is told, for so long.
  private func live(_ bench: inout Bench, _ duration: Nanoseconds) -> [Directive] {
    var all: [Directive] = []
    let end = bench.now + duration
    while bench.now < end {
      all += bench.pass(20 * .millisecond)
      all += bench.keepalive(from: 3, running: bench.table.sets(of: 3))
      all += bench.workersStop()
    }
    return all
  }

  @Test("Its word goes out twice in a detection time, and oftener where more is lost (C15, C32)")
  func period() {
    var bench = Bench.master()
    func words(_ directives: [Directive]) -> Int {
      directives.messages().count { if case .masterKeepalive = $0 { true } else { false } }
    }
    #expect((19...21).contains(words(bench.pass(.second))))
    _ = bench.admit(3)
    for _ in 0..<200 {
      _ = bench.nextNumber(of: 3)
      _ = bench.keepalive(from: 3)
    }
    _ = bench.pass(60 * .millisecond)
    #expect(bench.unit.snapshot(now: bench.now).n >= 10)
  }

  @Test("A member gets work when every member knows of it, and only by moves (C16, X17)")
  func moves() {
    var bench = Bench.master()
    _ = bench.admit(3)
    // Without waiting for the next round of every two seconds.
    let all = live(&bench, .second)
    #expect(all.tables.first.map { $0.sets(of: 3).isEmpty } == true)
    #expect(all.events.contains(.moved(sets: 64)))
    #expect(bench.table.sets(of: 3).count == 512)
  }

  @Test("One that does not hear of a new member keeps work from it")
  func unknownMember() {
    var bench = Bench.master()
    _ = bench.admit(3)
    let roster = bench.rosterVersion
    _ = bench.admit(4)
    for _ in 0..<300 {
      _ = bench.pass(10 * .millisecond)
      _ = bench.keepalive(from: 3, roster: roster, running: bench.table.sets(of: 3))
      _ = bench.keepalive(from: 4, running: bench.table.sets(of: 4))
      bench.workersStop()
    }
    #expect(!bench.table.sets(of: 3).isEmpty && bench.table.sets(of: 4).isEmpty)
  }

  @Test("Silence is suspected after 100 ms, asked about, and a verdict when the lease has surely ended (C17, C31, X11)")
  func watchdog() {
    var bench = Bench.master()
    _ = bench.admit(3)
    _ = live(&bench, 2200 * .millisecond)
    let had = bench.table.sets(of: 3)
    #expect(!had.isEmpty)
    let silent = bench.now
    var suspected: Nanoseconds?, left: Nanoseconds?
    var questions = 0, probes = 0
    while left == nil, bench.now < silent + .second {
      let directives = bench.pass(.millisecond)
      if directives.events.contains(.suspected(3)) { suspected = bench.now - silent }
      questions += directives.messages(to: 3).count { if case .question = $0 { true } else { false } }
      probes += directives.count { $0 == .probe(3) }
      if directives.events.contains(.left(3, .lapsed)) {
        left = bench.now - silent
        #expect(directives.started == had)
      } else {
        #expect(directives.started.isEmpty)
      }
    }
    #expect(suspected == 100 * .millisecond)
    #expect(left.map { $0 >= 187 * .millisecond && $0 <= 189 * .millisecond } == true)
    #expect(questions >= 7 && probes >= 7)
  }

  @Test("The deputy is the lowest address that lives (X18), and never one that leaves")
  func deputy() {
    var bench = Bench.master()
    _ = bench.admit(4)
    _ = bench.admit(3)
    #expect(bench.unit.snapshot(now: bench.now).deputy == 3)
    _ = bench.keepalive(from: 3, isDraining: true)
    #expect(bench.unit.snapshot(now: bench.now).deputy == 4)
  }

  @Test("Where all are silent at once somebody is the deputy all the same, and hears of it when the master goes")
  func silentDeputy() {
    var bench = Bench.master()
    _ = bench.admit(4)
    _ = bench.admit(3)
    _ = bench.pass(60 * .millisecond)
    _ = bench.keepalive(from: 4)
    _ = bench.pass(60 * .millisecond)
    #expect(bench.unit.snapshot(now: bench.now).deputy == 4)
    bench.isQuiet = true
    var directives: [Directive] = []
    var steps = 0
    while bench.unit.isMaster, steps < 300 {
      #expect(bench.unit.snapshot(now: bench.now).deputy != nil)
      directives = bench.pass(.millisecond)
      steps += 1
    }
    #expect(bench.role == .joining)
    let fence = directives.firstIndex(of: .fence), last = directives.messages().firstIndex(of: .succeed)
    #expect(fence != nil && last != nil)
  }

  @Test("One that stood still gives up before it does anything else (X17)")
  func stall() {
    var bench = Bench.master()
    _ = bench.admit(3)
    bench.standStill(81 * .millisecond)
    let directives = bench.keepalive(from: 3)
    #expect(directives.contains(.fence) && directives.contains(.retire))
    #expect(directives.messages(to: 3).isEmpty && bench.role == .joining)
  }

  @Test("One that hears nothing of anybody gives up: it may be the one that is cut off")
  func deaf() {
    var bench = Bench.master()
    bench.isQuiet = true
    #expect(bench.pass(99 * .millisecond).contains(.listen))
    #expect(bench.unit.isMaster)
    #expect(bench.pass(2 * .millisecond).events.contains(.gaveUp(.deaf)))
  }

  @Test("One that drains, and stands still for longer than its lease, passes nothing on any more")
  func stallsDraining() {
    var bench = Bench.master()
    _ = bench.admit(3)
    _ = bench.unit.receive(.drain, now: bench.now)
    bench.standStill(81 * .millisecond)
    let directives = bench.keepalive(from: 3)
    #expect(directives.contains(.fence) && directives.contains(.retire) && directives.contains(.drained))
    #expect(!directives.contains(.linger))
  }

  @Test("Drained, it gives its work to the members, then its office to the deputy")
  func drain() {
    var bench = Bench.master()
    _ = bench.admit(3)
    _ = live(&bench, 100 * .millisecond)
    _ = bench.unit.receive(.drain, now: bench.now)
    var all: [Directive] = []
    for _ in 0..<20 where bench.unit.isMaster { all += live(&bench, 20 * .millisecond) }
    #expect(all.contains(.send(.succeed, to: nil, term: bench.unit.term)))
    #expect(all.contains(.drained) && all.contains(.linger) && bench.role == .outside)
    let stopped = all.firstIndex { if case .stop = $0 { true } else { false } }
    let fenced = all.firstIndex(of: .fence)
    #expect(stopped != nil && fenced != nil && stopped! < fenced!)
  }
}

@Suite("Of two masters one goes (C12, X16)")
struct MergeTests {
  private func meet(live: UInt8, term: UInt64, from unit: MemberNumber, members: [MemberNumber] = []) -> (
    Bench, [Directive]
  ) {
    var bench = Bench.master()
    for member in members { _ = bench.admit(member) }
    let directives = bench.masterKeepalive(from: unit, term: Bench.term(term, of: unit), members: [], live: live)
    return (bench, directives)
  }

  @Test("More members win: believed at once from a later term")
  func more() {
    let (bench, directives) = meet(live: 2, term: 5, from: 4)
    #expect(bench.role == .joining && directives.contains(.retire))
    // C6: its members are sent to the other one.
    #expect(directives.messages().contains(.exit(echo: 0)))
  }

  @Test("From an earlier term it may be late: he is asked, and believed when he answers")
  func earlier() {
    var (bench, directives) = meet(live: 3, term: 0, from: 4)
    #expect(bench.role == .master)
    guard case .otherMaster(_, let stamp, _)? = directives.messages(to: 4).first else {
      Issue.record("not asked")
      return
    }
    _ = bench.receive(.otherMaster(live: 3, stamp: 1, echo: stamp - .second), from: 4, term: Bench.term(0, of: 4))
    #expect(bench.role == .master)
    directives = bench.receive(.otherMaster(live: 3, stamp: 1, echo: stamp), from: 4, term: Bench.term(0, of: 4))
    #expect(bench.role == .joining)
  }

  @Test("The winner says so; where the other has answered, it takes a later term and announces the addresses anew")
  func winner() {
    var (bench, directives) = meet(live: 1, term: 9, from: 4, members: [3])
    #expect(bench.role == .master && bench.unit.term == Bench.term(1, of: Bench.own))
    #expect(directives.messages(to: 4).contains { $0.type == 4 })
    directives = bench.receive(.otherMaster(live: 1, stamp: 1, echo: bench.now), from: 4, term: Bench.term(9, of: 4))
    #expect(bench.role == .master && bench.unit.term == Bench.term(10, of: Bench.own))
    #expect(directives.contains(.announce))
  }

  @Test("The other one's hosts are told where the cluster is when he goes, which he says thrice")
  func yielding() {
    var (bench, directives) = meet(live: 1, term: 0, from: 4, members: [3])
    #expect(bench.role == .master && !directives.contains(.announce))
    // An answer to somebody whom it does not know is another word.
    #expect(!bench.receive(.exit(echo: 7), from: 4, term: Bench.term(0, of: 4)).contains(.announce))
    let words = (0..<3).map { _ in bench.receive(.exit(echo: 0), from: 4, term: Bench.term(0, of: 4)) }
    #expect(words.map { $0.contains(.announce) } == [true, false, false])
    _ = bench.keepalive(from: 3)
    _ = bench.pass(150 * .millisecond)
    directives = bench.receive(.exit(echo: 0), from: 4, term: Bench.term(0, of: 4))
    #expect(bench.role == .master && directives.contains(.announce))
  }

  @Test("A first term is as old as its master's life: what was recorded before everybody ended is of an earlier one")
  func recorded() {
    let began: UInt64 = 1_800_000_000
    var bench = Bench(incarnation: began << 20 | 5)
    _ = bench.pass(2 * .second)
    #expect(bench.role == .master && bench.unit.term == Bench.term(began + 1, of: Bench.own))
    // A master of that time with more members, and a member of that time who asks to be let in and says what it runs.
    _ = bench.masterKeepalive(from: 4, term: Bench.term(began - 60, of: 4), members: [], live: 3)
    #expect(bench.role == .master)
    _ = bench.receive(
      .joinRequest(JoinRequest(stamp: bench.now, configuration: 0, certificate: [])), from: 3, incarnation: 6)
    for number in UInt64(1)...20 {
      _ = bench.pass(20 * .millisecond)
      let old = Keepalive(
        number: number, stamp: bench.now, roster: 2, tableTerm: Bench.term(began - 60, of: Bench.own), tableVersion: 1,
        loss: 0, isDraining: false, running: WorkSetBitmap())
      _ = bench.receive(.keepalive(old), from: 3, term: Bench.term(began - 60, of: Bench.own), incarnation: 6)
    }
    #expect(bench.table.sets(of: 3).isEmpty && bench.table.sets(of: Bench.own).count == 1024)
  }

  @Test("Whose certificate does not hold any more leaves, whatever it is and has")
  func disowned() {
    var master = Bench.master()
    _ = master.admit(3)
    let last = master.unit.receive(.disowned, now: master.now)
    #expect(last.contains(.retire) && last.contains(.fence) && last.contains(.drained) && master.role == .outside)
    var client = Bench.client()
    #expect(client.unit.receive(.disowned, now: client.now).contains(.drained) && client.role == .outside)
    #expect(client.unit.receive(.disowned, now: client.now).isEmpty)
  }

  @Test("Who is alone, and whom the other does not hear, is the one that is cut off")
  func unheard() {
    var bench = Bench.master()
    for _ in 0..<30 where bench.role == .master {
      _ = bench.masterKeepalive(from: 4, term: Bench.term(0, of: 4), members: [], live: 1)
      _ = bench.pass(10 * .millisecond)
    }
    #expect(bench.role == .joining)
  }

  @Test("What was heard long ago is no silence of somebody who is heard now")
  func heardLongAgo() {
    var bench = Bench.master()
    _ = bench.masterKeepalive(from: 4, term: Bench.term(0, of: 4), members: [], live: 1)
    _ = bench.pass(.second)
    _ = bench.masterKeepalive(from: 4, term: Bench.term(0, of: 4), members: [], live: 1)
    #expect(bench.role == .master)
  }

  @Test("Who misses somebody speaks often to whoever leads him now, for ten minutes, and who misses nobody does not")
  func seeking() {
    func words(_ directives: [Directive]) -> Int {
      directives.messages().count { if case .otherMaster(_, _, echo: 0) = $0 { true } else { false } }
    }
    var bench = Bench.master()
    #expect((18...21).contains(words(bench.pass(100 * .millisecond))))
    for unit in [1, 3, 4] as [MemberNumber] { _ = bench.admit(unit) }
    #expect(words(bench.pass(50 * .millisecond)) == 0)
    // All of them fall silent.
    _ = bench.pass(400 * .millisecond)
    #expect(bench.role == .master && words(bench.pass(100 * .millisecond)) >= 18)
    _ = bench.pass(600 * .second)
    #expect(bench.role == .master && words(bench.pass(.second)) == 0)
  }

  @Test("Such a word is as good as a keepalive")
  func sought() {
    var bench = Bench.master()
    _ = bench.admit(3)
    let directives = bench.receive(.otherMaster(live: 3, stamp: 1, echo: 0), from: 4, term: Bench.term(5, of: 4))
    #expect(bench.role == .joining && directives.contains(.retire))
  }

  @Test("Equal: the later term, then the lower address")
  func equal() {
    #expect(meet(live: 1, term: 5, from: 4).0.role == .joining)
    #expect(meet(live: 1, term: 1, from: 4).0.role == .master)
    #expect(meet(live: 1, term: 1, from: 1).1.messages(to: 1).contains { $0.type == 4 })
  }

  @Test("A master ignores its own keepalive (C11)")
  func own() {
    var bench = Bench.master()
    #expect(bench.masterKeepalive(from: Bench.own, term: 99 << 8, members: [], live: 9).isEmpty)
    #expect(bench.role == .master)
  }
}

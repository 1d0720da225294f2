import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("A dead master is followed by his deputy, and no other master is (X18, X19)")
struct SuccessionTests {
  private static let term = Bench.term(1, of: 1)

  /// How long after the master's last word the deputy leads; nil where it has not before a unit alone could.
  private func succession(_ bench: inout Bench, _ each: (inout Bench) -> Void = { _ in }) -> Nanoseconds? {
    let silent = bench.now
    while bench.now < silent + 450 * .millisecond {
      _ = bench.pass(.millisecond)
      if bench.unit.isMaster { return bench.now - silent }
      each(&bench)
    }
    return nil
  }

  @Test("After one detection time, in which nobody has answered the probes: 100 ms, in the next term")
  func dead() throws {
    var bench = Bench.client()
    let after = try #require(succession(&bench))
    #expect(after >= 100 * .millisecond && after <= 102 * .millisecond)
    #expect(bench.unit.term == Bench.term(2, of: Bench.own))
  }

  @Test("It works all the while: its own lease is longer")
  func noGap() {
    var bench = Bench.client()
    let directives = bench.pass(160 * .millisecond)
    #expect(bench.unit.isMaster && !directives.contains(.fence))
  }

  @Test("It asks the master's worker all the time, and an answer means a cut, not a death")
  func cut() {
    var bench = Bench.client()
    let probes = bench.pass(100 * .millisecond).count { $0 == .probe(1) }
    #expect(probes >= 9)
    var cut = Bench.client()
    #expect(succession(&cut) { _ = $0.unit.receive(.answered(1), now: $0.now) } == nil)
    #expect(cut.role == .joining && cut.unit.isFenced)
  }

  @Test("Who is not the deputy does not follow, who hears nothing does not, who hears another master does not")
  func others() {
    var other = Bench.client(deputy: 3)
    #expect(succession(&other) == nil)
    var deaf = Bench.client()
    deaf.isQuiet = true
    #expect(succession(&deaf) == nil)
    var rival = Bench.client()
    #expect(
      succession(&rival) { _ = $0.masterKeepalive(from: 3, term: Bench.term(1, of: 3), members: []) } == nil)
  }

  @Test("Who stood still himself does not take his own silence for the master's")
  func ownStall() {
    var bench = Bench.client()
    _ = bench.pass(20 * .millisecond)
    bench.standStill(100 * .millisecond)
    _ = bench.unit.receive(.heard, now: bench.now)
    _ = bench.unit.tick(now: bench.now)
    #expect(!bench.unit.isMaster)
    _ = bench.pass(90 * .millisecond)
    #expect(!bench.unit.isMaster)
    _ = bench.pass(10 * .millisecond)
    #expect(bench.unit.isMaster)
  }

  @Test("Nor does who was deaf, and hears again")
  func ownDeafness() {
    var bench = Bench.client()
    _ = bench.pass(20 * .millisecond)
    bench.isQuiet = true
    #expect(bench.pass(140 * .millisecond).contains(.listen))
    bench.isQuiet = false
    _ = bench.pass(90 * .millisecond)
    #expect(!bench.unit.isMaster)
    _ = bench.pass(20 * .millisecond)
    #expect(bench.unit.isMaster)
  }

  @Test("Whose lease is over does not follow a master that goes or begins anew: it may be no member any more")
  func fenced() {
    for message in [Message.succeed, .joinRequest(JoinRequest(stamp: 1, configuration: 0, certificate: [1]))] {
      var bench = Bench.client()
      bench.standStill(190 * .millisecond)
      _ = bench.receive(message, from: 1, term: Self.term, incarnation: message == .succeed ? 7 : 8)
      #expect(bench.unit.isFenced && !bench.unit.isMaster)
    }
  }

  @Test("A later life of the master is the end of the one before, at once")
  func restarted() {
    var bench = Bench.client()
    let request = Message.joinRequest(JoinRequest(stamp: 1, configuration: 0, certificate: [1]))
    _ = bench.receive(request, from: 1, incarnation: 7)
    #expect(!bench.unit.isMaster)
    _ = bench.receive(request, from: 1, incarnation: 8)
    #expect(bench.unit.isMaster)
  }

  @Test("A master that goes hands over at once")
  func succeed() {
    var bench = Bench.client()
    _ = bench.receive(.succeed, from: 3, term: Self.term)
    #expect(!bench.unit.isMaster)
    _ = bench.receive(.succeed, from: 1, term: Self.term)
    #expect(bench.unit.isMaster)
  }

  @Test("Who was taken over, and has not said what it runs, is put out by no request that may be late (X17)")
  func lateRequest() {
    var bench = Bench.client()
    _ = bench.masterKeepalive(from: 1, term: Self.term, members: [Bench.own, 3], deputy: Bench.own)
    _ = bench.receive(.succeed, from: 1, term: Self.term)
    #expect(bench.unit.isMaster)
    // The one by which it became a member, of which the master's last word that came here knew nothing.
    let asked = bench.receive(.joinRequest(JoinRequest(stamp: 2, configuration: 0, certificate: [3])), from: 3)
    #expect(asked.messages(to: 3) == [.joinAnswer(JoinAnswer(echo: 2, verdict: .inProgress))])
    #expect(!asked.contains { if case .event(.left) = $0 { true } else { false } })
    // Whoever has given up indeed is let in when its lease has surely ended.
    _ = bench.pass(bench.unit.profile.surelyEnded + 20 * .millisecond)
    let again = bench.receive(.joinRequest(JoinRequest(stamp: 3, configuration: 0, certificate: [3])), from: 3)
    let isLetIn = again.messages(to: 3).contains {
      if case .joinAnswer(let answer) = $0, case .welcome = answer.verdict { answer.echo == 3 } else { false }
    }
    #expect(isLetIn)
  }

  @Test("Nor do the others wait then, to follow his deputy")
  func followAtOnce() {
    var bench = Bench.client(deputy: 3)
    _ = bench.receive(.succeed, from: 1, term: Self.term)
    #expect(!bench.unit.isMaster)
    _ = bench.masterKeepalive(from: 3, term: Bench.term(2, of: 3), echo: 0)
    #expect(bench.unit.term == Bench.term(2, of: 3))
  }

  @Test("Others follow the deputy without joining anew, and keep what they run (X18)")
  func follow() {
    var bench = Bench.client(deputy: 3)
    var table = OwnershipTable(term: Self.term, version: 1)
    table[7] = .init(state: .assigned, member: Bench.own)
    _ = bench.receive(.table(table), from: 1, term: Self.term)
    let next = Bench.term(2, of: 3)
    // As long as the old one is heard, it is for the two to agree.
    _ = bench.masterKeepalive(from: 3, term: next, echo: 0)
    #expect(bench.unit.term == Self.term)
    _ = bench.pass(155 * .millisecond)
    let directives = bench.masterKeepalive(from: 3, term: next, echo: 0)
    #expect(bench.unit.term == next && bench.role == .client && !directives.contains(.fence))
    let words = directives.messages(to: 3).compactMap { if case .keepalive(let word) = $0 { word } else { nil } }
    #expect(words.first?.running == WorkSetBitmap([7]) && words.first?.tableTerm == next)
    // X12: the old master's word is refused.
    table.version = 2
    table[8] = .init(state: .assigned, member: Bench.own)
    #expect(bench.receive(.table(table), from: 1, term: Self.term).started.isEmpty)
  }

  @Test("A new master deals nothing before all have said what they run, or their leases have ended (X17)")
  func collects() {
    var bench = Bench.client()
    _ = bench.masterKeepalive(from: 1, term: Self.term, members: [2, 3, 4], deputy: 2, roster: 3)
    var all = bench.pass(102 * .millisecond)
    #expect(bench.unit.isMaster && all.tables.isEmpty && all.started.isEmpty)
    all = bench.keepalive(from: 3, running: WorkSetBitmap(0..<300), version: 0)
    #expect(all.tables.isEmpty)
    // Unit 4 died with the master. Its lease ends 188 ms after the term's begin at the latest.
    var waited: Nanoseconds = 0
    while bench.table.version == 0, waited < .second {
      all = bench.pass(10 * .millisecond)
      _ = bench.keepalive(from: 3, running: WorkSetBitmap(0..<300), version: 0)
      waited += 10 * .millisecond
    }
    #expect(waited >= 180 * .millisecond && waited <= 200 * .millisecond)
    #expect(bench.table.sets(of: 3).intersection(WorkSetBitmap(0..<300)).count == 300)
    #expect(bench.table.sets(of: Bench.own).count == 512)
  }
}

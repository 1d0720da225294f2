import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("A client works by its master's word")
struct ClientTests {
  private static let term = Bench.term(1, of: 1)

  private func table(_ version: UInt64, term: UInt64 = ClientTests.term, own sets: Range<Int>) -> OwnershipTable {
    var table = OwnershipTable(term: term, version: version)
    for set in 0..<1024 { table[set] = OwnershipEntry(state: .assigned, member: sets.contains(set) ? Bench.own : 1) }
    return table
  }

  @Test("Its keepalives are numbered, and as many as the master says fit into the detection time (C19, C20, X2)")
  func interval() {
    for n in [2, 4, 10] as [UInt8] {
      var bench = Bench.client()
      var numbers: [UInt64] = []
      for _ in 0..<Int(n) * 10 {
        _ = bench.masterKeepalive(from: 1, term: Self.term, n: n)
        let directives = bench.pass(100 * .millisecond / UInt64(n))
        numbers += directives.messages(to: 1).compactMap {
          if case .keepalive(let word) = $0 { word.number } else { nil }
        }
      }
      #expect(abs(numbers.count - Int(n) * 10) <= 1)
      #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
    }
  }

  @Test("A lease is counted from its own stamp as it comes back, and ends in a fence (X17)")
  func lease() {
    var bench = Bench.client()
    let asked = bench.now
    bench.now += 20 * .millisecond
    #expect(bench.masterKeepalive(from: 1, term: Self.term, echo: asked).leases.isEmpty)
    bench.now += 10 * .millisecond
    let answered = bench.masterKeepalive(from: 1, term: Self.term, echo: asked + 15 * .millisecond)
    #expect(answered.leases == [asked + 200 * .millisecond])
    bench.now = asked + 200 * .millisecond
    #expect(!bench.unit.tick(now: bench.now).contains(.fence))
    #expect(bench.unit.tick(now: bench.now + 1).contains(.fence))
  }

  @Test("One that stood still is fenced before it looks at what waits, and begins with a flush (X17)")
  func stall() {
    var bench = Bench.client()
    bench.standStill(300 * .millisecond)
    let directives = bench.masterKeepalive(from: 1, term: Self.term, echo: bench.now - 10 * .millisecond)
    let fence = directives.firstIndex(of: .fence), unfence = directives.firstIndex(of: .unfence)
    #expect(fence != nil && unfence != nil && fence! < unfence!)
  }

  @Test("One that was fenced works again by the table in force alone: its sets may be others' by now (X12, X17)")
  func resumes() {
    var bench = Bench.client()
    _ = bench.receive(.table(table(1, own: 0..<10)), from: 1, term: Self.term)
    bench.standStill(300 * .millisecond)
    #expect(!bench.masterKeepalive(from: 1, term: Self.term, echo: bench.now, table: 2).contains(.unfence))
    #expect(!bench.receive(.answer(echo: bench.now), from: 1, term: Self.term).contains(.unfence))
    let told = bench.receive(.table(table(2, own: 0..<4)), from: 1, term: Self.term)
    #expect(told.contains(.stop(WorkSetBitmap(4..<10))) && !told.contains(.unfence))
    #expect(bench.masterKeepalive(from: 1, term: Self.term, echo: bench.now, table: 2).contains(.unfence))
  }

  @Test("It asks at once for what it may soon lack, and a direct answer prolongs its lease")
  func question() throws {
    var bench = Bench.client(deputy: 3)
    let directives = bench.pass(130 * .millisecond)
    let questions = directives.messages(to: 1).compactMap { if case .question(let stamp) = $0 { stamp } else { nil } }
    try #require(questions.count >= 2)
    let answered = bench.receive(.answer(echo: questions.last!), from: 1, term: Self.term)
    #expect(answered.leases == [questions.last! + 185 * .millisecond])
  }

  @Test("A table is taken over whole; an older one, an older term's, and anybody else's are refused (X12)")
  func tables() {
    var bench = Bench.client()
    let first = bench.receive(.table(table(5, own: 0..<10)), from: 1, term: Self.term)
    #expect(first.started.count == 10)
    #expect(bench.receive(.table(table(4, own: 0..<20)), from: 1, term: Self.term).started.isEmpty)
    let other = Bench.term(2, of: 3)
    #expect(bench.receive(.table(table(9, term: other, own: 0..<20)), from: 3, term: other).started.isEmpty)
    let next = bench.receive(.table(table(6, own: 5..<15)), from: 1, term: Self.term)
    #expect(next.stopped == WorkSetBitmap(0..<5) && next.started == WorkSetBitmap(10..<15))
    // The next term of the same master, and then his word of before.
    let later = Bench.term(3, of: 1)
    _ = bench.masterKeepalive(from: 1, term: later)
    #expect(bench.receive(.table(table(7, own: 0..<30)), from: 1, term: Self.term).started.isEmpty)
    #expect(bench.receive(.table(table(1, term: later, own: 0..<30)), from: 1, term: later).started.count == 15)
  }

  @Test("A table from before it was let in is nobody's word any more, even if it never saw it")
  func oldTable() {
    var bench = Bench()
    _ = bench.pass(200 * .millisecond)
    let welcome = JoinAnswer(echo: bench.now, verdict: .welcome(roster: 5, table: 8))
    _ = bench.receive(.joinAnswer(welcome), from: 1, term: Self.term)
    #expect(bench.receive(.table(table(7, own: 0..<10)), from: 1, term: Self.term).started.isEmpty)
    #expect(bench.receive(.table(table(8, own: 0..<10)), from: 1, term: Self.term).started.count == 10)
  }

  @Test("What it has stopped it says at once, and not before its workers have (X17)")
  func stopped() {
    var bench = Bench.client()
    _ = bench.receive(.table(table(1, own: 0..<10)), from: 1, term: Self.term)
    func running(_ directives: [Directive]) -> [Int] {
      directives.messages(to: 1).compactMap { if case .keepalive(let word) = $0 { word.running.count } else { nil } }
    }
    #expect(running(bench.receive(.table(table(2, own: 0..<4)), from: 1, term: Self.term)) == [10])
    #expect(running(bench.unit.receive(.stopped(WorkSetBitmap(4..<10), WorkNotes()), now: bench.now)) == [4])
  }

  @Test("Told to go, it goes, and begins again; told so about an earlier time, it stays (C6)")
  func exit() {
    var bench = Bench.client()
    _ = bench.receive(.exit(echo: bench.now - .second), from: 1, term: Self.term)
    #expect(bench.role == .client)
    _ = bench.receive(.exit(echo: bench.now), from: 3, term: Self.term)
    #expect(bench.role == .client)
    let directives = bench.receive(.exit(echo: bench.now), from: 1, term: Self.term)
    #expect(bench.role == .joining && directives.contains(.fence))
  }

  @Test("It does not ask to be let in again before its workers have ended what they ran")
  func waitsForWorkers() {
    var bench = Bench.client()
    _ = bench.receive(.table(table(1, own: 0..<4)), from: 1, term: Self.term)
    let directives = bench.receive(.exit(echo: bench.now), from: 1, term: Self.term)
    #expect(directives.stopped == WorkSetBitmap(0..<4))
    #expect(bench.pass(300 * .millisecond).messages().isEmpty)
    _ = bench.unit.receive(.stopped(WorkSetBitmap(0..<4), WorkNotes()), now: bench.now)
    #expect(!bench.pass(100 * .millisecond).messages().isEmpty)
  }

  @Test("Applications hear who came and who went (C19)")
  func applications() {
    let witness = Witness()
    var bench = Bench.client([witness])
    _ = bench.masterKeepalive(from: 1, term: Self.term, members: [2, 3, 4], roster: 3)
    _ = bench.masterKeepalive(from: 1, term: Self.term, members: [2, 4], roster: 4)
    #expect(witness.told == ["+3", "+4", "-3"])
  }

  @Test("Not in the roster any more: out (C21)")
  func removed() {
    var bench = Bench.client()
    let directives = bench.masterKeepalive(from: 1, term: Self.term, members: [4], roster: 3)
    #expect(directives.events.contains(.gaveUp(.removed)) && bench.role == .joining)
  }

  @Test("Drained, it says so, gives up what it is asked for, and leaves with empty hands")
  func drain() {
    var bench = Bench.client()
    _ = bench.receive(.table(table(1, own: 0..<4)), from: 1, term: Self.term)
    _ = bench.unit.receive(.drain, now: bench.now)
    let asked = bench.pass(50 * .millisecond)
    #expect(asked.messages(to: 1).contains { if case .keepalive(let word) = $0 { word.isDraining } else { false } })
    #expect(!asked.contains(.drained))
    _ = bench.masterKeepalive(from: 1, term: Self.term)
    _ = bench.receive(.table(table(2, own: 0..<0)), from: 1, term: Self.term)
    _ = bench.unit.receive(.stopped(WorkSetBitmap(0..<4), WorkNotes()), now: bench.now)
    let left = bench.pass(50 * .millisecond)
    #expect(left.messages(to: 1).contains { if case .leave = $0 { true } else { false } })
    #expect(left.contains(.drained) && bench.role == .outside)
  }
}

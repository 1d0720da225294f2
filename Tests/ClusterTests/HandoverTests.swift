import Contract
import ControlKit
import Testing

@testable import Cluster

/// Work sets that change hands by plan (X10, X17): the unit under test gives, or is the next owner.
@Suite("A set changes hands without a packet lost or worked on twice")
struct HandoverTests {
  private static let term = Bench.term(1, of: 1)
  private let notes = WorkNotes([WorkedPacket(set: 3, digest: 11), WorkedPacket(set: 2, digest: 12)])

  private func table(_ version: UInt64, own: Range<Int>, _ entries: [Int: OwnershipEntry] = [:]) -> OwnershipTable {
    var table = OwnershipTable(term: Self.term, version: version)
    for set in own { table[set] = OwnershipEntry(state: .assigned, member: Bench.own) }
    for (set, entry) in entries { table[set] = entry }
    return table
  }

  private let toFour = OwnershipEntry(state: .pending, member: 4)
  private let toUs = OwnershipEntry(state: .pending, member: Bench.own)

  /// Has 0 to 3, and is to give 3 to unit 4.
  private func giver(_ applications: [any Application] = []) -> Bench {
    var bench = Bench.client(applications)
    _ = bench.receive(.table(table(1, own: 0..<4)), from: 1, term: Self.term)
    return bench
  }

  private func moving(_ version: UInt64 = 2) -> Message { .table(table(version, own: 0..<3, [3: toFour])) }

  @Test("First it is noted, then the next owner holds, and only then the workers stop")
  func order() {
    var bench = giver()
    let told = bench.receive(moving(), from: 1, term: Self.term)
    #expect(told.given == WorkSetBitmap([3]) && told.stopped.isEmpty)
    #expect(told.messages(to: 4).isEmpty)
    let noted = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    #expect(noted.messages(to: 4) == [.giving(WorkSetBitmap([3]), version: 2)])
    // Who is asked again answers again.
    #expect(bench.pass(10 * .millisecond).messages(to: 4) == [.giving(WorkSetBitmap([3]), version: 2)])
    // Somebody else's word, and one of before, are none.
    #expect(bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 3, term: Self.term).stopped.isEmpty)
    #expect(bench.receive(.holding(WorkSetBitmap([3]), version: 1), from: 4, term: Self.term).stopped.isEmpty)
    let held = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    #expect(held.stopped == WorkSetBitmap([3]))
    #expect(bench.unit.snapshot(now: bench.now).running.contains(3))
  }

  @Test("Nobody holds, and the workers stop all the same, later")
  func late() {
    var bench = giver()
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    var stopped = WorkSetBitmap()
    for _ in 0..<60 {
      _ = bench.masterKeepalive(from: 1, term: Self.term)
      stopped.formUnion(bench.pass(10 * .millisecond).stopped)
    }
    #expect(stopped == WorkSetBitmap([3]))
  }

  @Test("What was noted and what applications have goes ahead, until it is there or nobody waits any longer (C3, X21)")
  func consigned() throws {
    let witness = Witness()
    witness.states = [3: [1, 2, 3]]
    var bench = giver([witness])
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    let stopped = bench.unit.receive(.stopped(WorkSetBitmap([3]), notes), now: bench.now)
    let part = try #require(stopped.parts.first)
    let content = try #require(ConsignmentContent(part.octets))
    #expect(content.sets == WorkSetBitmap([3]) && content.states == [3: [1, 2, 3]])
    #expect(content.notes == WorkNotes([WorkedPacket(set: 3, digest: 11)]))
    #expect(bench.unit.snapshot(now: bench.now).running.contains(3))
    #expect(bench.pass(10 * .millisecond).parts.count == 1)
    _ = bench.receive(.partTaken(number: part.number, term: Self.term, place: 0), from: 4, term: Self.term)
    #expect(!bench.unit.snapshot(now: bench.now).running.contains(3))
    #expect(bench.pass(20 * .millisecond).parts.isEmpty)
  }

  /// It has stopped, and so many octets of state go along with set 3: the first parts.
  private func stop(_ bench: inout Bench, _ witness: Witness, state octets: Int) -> [ConsignmentPart] {
    witness.states = [3: [UInt8](repeating: 7, count: octets)]
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    return bench.unit.receive(.stopped(WorkSetBitmap([3]), notes), now: bench.now).parts
  }

  @Test("Much state goes in parts, some at a time, each until it has its receipt")
  func parts() throws {
    let witness = Witness()
    var bench = giver([witness])
    var waiting = stop(&bench, witness, state: 100 * Consignment.partOctets)
    #expect(waiting.count == Consignment.window)
    var arrivals = Arrivals(), taken = Set<UInt16>(), rounds = 0
    while !waiting.isEmpty, rounds < 1000 {
      rounds += 1
      let part = waiting.removeFirst()
      // Every third is lost at first.
      let isLost = rounds % 3 == 0 && taken.count < 90
      if !isLost {
        taken.insert(part.place)
        #expect(arrivals.take(part, from: Sender(unit: 2, incarnation: 7, term: 0), running: WorkSetBitmap()) == true)
        let receipt = Message.partTaken(number: part.number, term: Self.term, place: part.place)
        waiting += bench.receive(receipt, from: 4, term: Self.term).parts
      }
      _ = bench.masterKeepalive(from: 1, term: Self.term)
      if waiting.isEmpty { waiting += bench.pass(10 * .millisecond).parts }
    }
    #expect(taken.count == 101)
    let arrival = arrivals.remove(3)
    #expect(arrival?.state?.count == 100 * Consignment.partOctets)
    #expect(!bench.unit.snapshot(now: bench.now).running.contains(3))
  }

  @Test("A receipt counts from whom the parts went to, and for a part that waits for one")
  func receipts() throws {
    var bench = giver()
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    let stopped = bench.unit.receive(.stopped(WorkSetBitmap([3]), notes), now: bench.now)
    let part = try #require(stopped.parts.first)
    for (sender, place) in [(3, 0), (4, 65535)] as [(MemberNumber, UInt16)] {
      _ = bench.receive(.partTaken(number: part.number, term: Self.term, place: place), from: sender, term: Self.term)
      #expect(bench.unit.snapshot(now: bench.now).running.contains(3))
    }
    // Nor does such a word keep it alive.
    for _ in 0..<12 {
      _ = bench.masterKeepalive(from: 1, term: Self.term)
      _ = bench.receive(.partTaken(number: part.number, term: Self.term, place: 9), from: 4, term: Self.term)
      _ = bench.pass(10 * .millisecond)
    }
    #expect(!bench.unit.snapshot(now: bench.now).running.contains(3))
  }

  @Test("In another term nothing is sent before its first table, which may give back what was on its way")
  func anotherTerm() {
    let witness = Witness()
    witness.states = [3: [1]]
    var bench = giver([witness])
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    let number = bench.unit.receive(.stopped(WorkSetBitmap([3]), notes), now: bench.now).parts.first?.number ?? 0
    let next = Self.term + 256
    _ = bench.masterKeepalive(from: 1, term: next, table: 0)
    let quiet = bench.pass(30 * .millisecond)
    #expect(quiet.parts.isEmpty)
    _ = bench.receive(.partTaken(number: number, term: next, place: 0), from: 4, term: next)
    #expect(bench.unit.snapshot(now: bench.now).running.contains(3))
    var first = table(1, own: 0..<4)
    first.term = next
    #expect(bench.receive(.table(first), from: 1, term: next).started == WorkSetBitmap([3]))
    #expect(witness.begun[.resumed] == WorkSetBitmap([3]) && witness.begun[.bereft] == WorkSetBitmap(0..<4))
  }

  @Test("A set that comes back while it is on its way begins again as it was, and nothing of it is sent any more")
  func comesBack() throws {
    let witness = Witness()
    witness.states = [3: [1]]
    var bench = giver([witness])
    _ = bench.receive(moving(), from: 1, term: Self.term)
    // Not stopped yet: it just goes on.
    let back = bench.receive(.table(table(3, own: 0..<4)), from: 1, term: Self.term)
    #expect(back.contains(.keep(WorkSetBitmap([3]))) && back.started.isEmpty)
    #expect(bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now).messages(to: 4).isEmpty)
    // Stopped, and on its way.
    _ = bench.receive(moving(4), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 4), from: 4, term: Self.term)
    let stopped = bench.unit.receive(.stopped(WorkSetBitmap([3]), WorkNotes()), now: bench.now)
    let part = try #require(stopped.parts.first)
    #expect(bench.receive(.table(table(5, own: 0..<4)), from: 1, term: Self.term).started == WorkSetBitmap([3]))
    #expect(witness.begun[.resumed] == WorkSetBitmap([3]))
    _ = bench.receive(.partTaken(number: part.number, term: Self.term, place: 0), from: 4, term: Self.term)
    #expect(bench.unit.snapshot(now: bench.now).running.contains(3))
  }

  @Test("Its next owner is another now: what is on its way goes there")
  func redirected() {
    var bench = giver()
    _ = bench.receive(moving(), from: 1, term: Self.term)
    _ = bench.unit.receive(.noting(WorkSetBitmap([3])), now: bench.now)
    _ = bench.receive(.holding(WorkSetBitmap([3]), version: 2), from: 4, term: Self.term)
    _ = bench.unit.receive(.stopped(WorkSetBitmap([3]), notes), now: bench.now)
    let other = table(3, own: 0..<3, [3: OwnershipEntry(state: .pending, member: 3)])
    let told = bench.receive(.table(other), from: 1, term: Self.term) + bench.pass(1 * .millisecond)
    #expect(told.messages(to: 3).contains { if case .part = $0 { true } else { false } })
    #expect(!told.messages(to: 4).contains { if case .part = $0 { true } else { false } })
  }

  // The next owner

  /// Is to have 9, of unit 4's.
  private func heir(_ applications: [any Application] = []) -> Bench {
    var bench = Bench.client(applications)
    _ = bench.receive(.table(table(1, own: 0..<3, [9: toUs])), from: 1, term: Self.term)
    return bench
  }

  @Test("It says that it holds when its workers do, and not before; asked again, it says so again")
  func holds() {
    var bench = heir()
    let question = Message.giving(WorkSetBitmap([9]), version: 1)
    let asked = bench.receive(question, from: 4, term: Self.term)
    #expect(asked.contains(.hold(WorkSetBitmap([9]))) && asked.messages(to: 4).isEmpty)
    let held = bench.unit.receive(.holding(WorkSetBitmap([9])), now: bench.now)
    #expect(held.messages(to: 4) == [.holding(WorkSetBitmap([9]), version: 1)])
    let again = bench.receive(question, from: 4, term: Self.term)
    #expect(
      again.messages(to: 4) == [.holding(WorkSetBitmap([9]), version: 1)] && !again.contains(.hold(WorkSetBitmap([9]))))
  }

  @Test("Of what it does not know to be coming it holds nothing")
  func unknown() {
    var bench = heir()
    #expect(bench.receive(.giving(WorkSetBitmap([9]), version: 2), from: 4, term: Self.term).isEmpty)
    #expect(bench.receive(.giving(WorkSetBitmap([10]), version: 1), from: 4, term: Self.term).isEmpty)
    #expect(bench.receive(.giving(WorkSetBitmap([9]), version: 1), from: 4, term: Self.term + 256).isEmpty)
  }

  private func send(_ content: ConsignmentContent, _ bench: inout Bench) {
    let part = ConsignmentPart(number: 5, term: Self.term, version: 1, place: 0, count: 1, octets: content.octets)
    let directives = bench.receive(.part(part), from: 4, term: Self.term)
    #expect(directives.messages(to: 4) == [.partTaken(number: 5, term: Self.term, place: 0)])
  }

  @Test("What came ahead is taken in before the set begins, and held packets that were worked on are named")
  func begins() {
    let witness = Witness()
    var bench = heir([witness])
    _ = bench.receive(.giving(WorkSetBitmap([9]), version: 1), from: 4, term: Self.term)
    _ = bench.unit.receive(.holding(WorkSetBitmap([9])), now: bench.now)
    let done = WorkNotes([WorkedPacket(set: 9, digest: 77)])
    send(ConsignmentContent(sets: WorkSetBitmap([9]), notes: done, states: [9: [7]]), &bench)
    #expect(witness.taken.isEmpty)
    let own = OwnershipEntry(state: .assigned, member: Bench.own)
    let directives = bench.receive(.table(table(2, own: 0..<3, [9: own])), from: 1, term: Self.term)
    #expect(directives.contains(.worked(WorkSetBitmap([9]), done)) && directives.started == WorkSetBitmap([9]))
    #expect(witness.taken == [9: [7]] && witness.begun[.carried] == WorkSetBitmap([9]))
  }

  @Test(
    "The same master's later term takes nothing away of what has come whole; another master's does", arguments: [1, 3])
  func laterTerm(_ master: MemberNumber) {
    let witness = Witness()
    var bench = heir([witness])
    send(ConsignmentContent(sets: WorkSetBitmap([9]), notes: WorkNotes(), states: [9: [7]]), &bench)
    let next = Bench.term(2, of: master)
    if master != 1 { _ = bench.pass(90 * .millisecond) }
    _ = bench.masterKeepalive(from: master, term: next, table: 0)
    #expect(bench.unit.term == next)
    var first = table(1, own: 0..<3, [9: OwnershipEntry(state: .assigned, member: Bench.own)])
    first.term = next
    #expect(bench.receive(.table(first), from: master, term: next).started.contains(9))
    #expect(witness.taken == (master == 1 ? [9: [7]] : [:]))
  }

  @Test("Half of it has come when a later term begins: all of it comes once more, as another consignment")
  func halfInLaterTerm() throws {
    let witness = Witness()
    var bench = giver([witness])
    let before = stop(&bench, witness, state: 2 * Consignment.partOctets)
    let number = try #require(before.first?.number)
    _ = bench.receive(.partTaken(number: number, term: Self.term, place: 0), from: 4, term: Self.term)
    let next = Self.term + 256
    _ = bench.masterKeepalive(from: 1, term: next, table: 0)
    var first = table(1, own: 0..<3, [3: toFour])
    first.term = next
    let after = (bench.receive(.table(first), from: 1, term: next) + bench.pass(5 * .millisecond)).parts
    #expect(after.map(\.place) == before.map(\.place) && after.map(\.octets) == before.map(\.octets))
    #expect(after.allSatisfy { $0.number > number && $0.term == next })
    // The receipt of before is none.
    _ = bench.receive(.partTaken(number: number, term: next, place: 1), from: 4, term: next)
    #expect(bench.pass(20 * .millisecond).parts.contains { $0.place == 1 })
  }

  @Test("The same where the giver is the master, whose later term begins with his own table")
  func halfInOwnLaterTerm() throws {
    let patience = Patience(giving: .second, consigning: .second)
    let state = [UInt8](repeating: 7, count: 2 * Consignment.partOctets)
    var holdings = Holdings(unit: Bench.own)
    _ = holdings.apply(table(1, own: 0..<4), now: 1, patience)
    _ = holdings.apply(table(2, own: 0..<3, [3: toFour]), now: 2, patience)
    holdings.beginStopping(WorkSetBitmap([3]))
    _ = holdings.stopped(WorkSetBitmap([3]), WorkNotes(), now: 3, patience: .second) { _ in state }
    let before = holdings.dispatch(now: 4, again: 10).parts.map(\.1)
    #expect(before.count == 3)
    _ = holdings.delivered(before[0].number, 0, from: 4, now: 5, patience: .second)
    var later = table(3, own: 0..<3, [3: toFour])
    later.term = Self.term + 256
    _ = holdings.apply(later, now: 6, patience)
    let after = holdings.dispatch(now: 7, again: 10).parts.map(\.1)
    #expect(after.map(\.place) == before.map(\.place))
    #expect(after.allSatisfy { $0.number > before[0].number && $0.term == Self.term + 256 })
  }

  @Test("A later life of the giver counts its consignments from one again, and they are taken all the same")
  func laterLife() {
    let witness = Witness()
    var bench = heir([witness])
    let content = ConsignmentContent(sets: WorkSetBitmap([9]), notes: WorkNotes(), states: [9: [7]])
    send(content, &bench)
    let own = OwnershipEntry(state: .assigned, member: Bench.own)
    _ = bench.receive(.table(table(2, own: 0..<3, [9: own])), from: 1, term: Self.term)
    // Away, and back from the next life of unit 4.
    _ = bench.receive(.table(table(3, own: 0..<3)), from: 1, term: Self.term)
    _ = bench.unit.receive(.stopped(WorkSetBitmap([9]), WorkNotes()), now: bench.now)
    _ = bench.receive(.table(table(4, own: 0..<3, [9: toUs])), from: 1, term: Self.term)
    let again = ConsignmentContent(sets: WorkSetBitmap([9]), notes: WorkNotes(), states: [9: [8]])
    let part = ConsignmentPart(number: 5, term: Self.term, version: 4, place: 0, count: 1, octets: again.octets)
    _ = bench.receive(.part(part), from: 4, term: Self.term, incarnation: 8)
    _ = bench.receive(.table(table(5, own: 0..<3, [9: own])), from: 1, term: Self.term)
    #expect(witness.taken == [9: [8]])
  }

  @Test("Consignments that never come whole make room for others")
  func room() {
    var arrivals = Arrivals()
    func part(_ number: UInt32, _ place: UInt16, _ octets: [UInt8]) -> ConsignmentPart {
      ConsignmentPart(number: number, term: 1, version: 1, place: place, count: 2, octets: octets)
    }
    for unit in 0..<64 {
      for number in 1...40 as ClosedRange<UInt32> {
        let sender = Sender(unit: MemberNumber(unit), incarnation: 1, term: 1)
        let isTaken = arrivals.take(part(number, 0, []), from: sender, running: WorkSetBitmap())
        #expect(isTaken)
      }
    }
    let content = ConsignmentContent(sets: WorkSetBitmap([9]), notes: WorkNotes(), states: [9: [7]]).octets
    let sender = Sender(unit: 5, incarnation: 2, term: 1)
    for (place, octets) in [content[..<20], content[20...]].enumerated() {
      _ = arrivals.take(part(1, UInt16(place), Array(octets)), from: sender, running: WorkSetBitmap())
    }
    let arrival = arrivals.remove(9)
    #expect(arrival?.state == [7])
  }

  @Test("Where its last owner has said nothing, what was held may have been worked on, and is not again")
  func nothingCame() {
    let witness = Witness()
    var bench = heir([witness])
    _ = bench.receive(.giving(WorkSetBitmap([9]), version: 1), from: 4, term: Self.term)
    _ = bench.unit.receive(.holding(WorkSetBitmap([9])), now: bench.now)
    let own = OwnershipEntry(state: .assigned, member: Bench.own)
    let directives = bench.receive(.table(table(2, own: 0..<3, [9: own])), from: 1, term: Self.term)
    #expect(directives.contains(.worked(WorkSetBitmap([9]), WorkNotes(isComplete: false))))
    #expect(witness.begun[.bereft]?.contains(9) == true)
  }

  @Test("What is not to come any more is not held any longer, and what came of it is forgotten")
  func goesElsewhere() {
    let witness = Witness()
    var bench = heir([witness])
    _ = bench.receive(.giving(WorkSetBitmap([9]), version: 1), from: 4, term: Self.term)
    send(ConsignmentContent(sets: WorkSetBitmap([9]), notes: WorkNotes(), states: [9: [7]]), &bench)
    let elsewhere = bench.receive(.table(table(2, own: 0..<3, [9: toFour])), from: 1, term: Self.term)
    #expect(elsewhere.contains(.forgo(WorkSetBitmap([9]))))
    let own = OwnershipEntry(state: .assigned, member: Bench.own)
    _ = bench.receive(.table(table(3, own: 0..<3, [9: own])), from: 1, term: Self.term)
    #expect(witness.taken.isEmpty && witness.begun[.bereft]?.contains(9) == true)
  }

  @Test("The first master's sets were nobody's before; what comes of the dead has lost its state")
  func freshAndBereft() {
    let witness = Witness()
    var bench = Bench.master([witness])
    #expect(witness.begun[.fresh] == .all)
    _ = bench.admit(3)
    _ = bench.pass(.second)
    let before = Bench.client([witness])
    #expect(before.role == .client)
    let other = Witness()
    var successor = Bench.client([other])
    _ = successor.receive(.table(table(1, own: 0..<4)), from: 1, term: Self.term)
    for _ in 0..<60 {
      _ = successor.pass(10 * .millisecond)
    }
    #expect(successor.role == .master)
    #expect(other.begun[.fresh] == nil && other.begun[.bereft] == .all)
  }
}

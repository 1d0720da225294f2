import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("The table deals every set to one, and evenly")
struct AssignmentTests {
  private func dealt(_ units: [MemberNumber]) -> Assignment {
    var assignment = Assignment(term: 1)
    assignment.distribute(units)
    _ = assignment.publish(term: 1)
    return assignment
  }

  @Test("All sets, to within one", arguments: [1, 2, 3, 7, 63])
  func even(_ count: Int) {
    let assignment = dealt((0..<count).map { MemberNumber($0) })
    let loads = assignment.load.prefix(count)
    #expect(loads.reduce(0, +) == 1024)
    #expect(loads.max()! - loads.min()! <= 1)
    #expect(assignment.free.isEmpty)
  }

  @Test("A set moves when it helps: not from K to J = K − 1 (C16, X1)")
  func balance() {
    var assignment = dealt([0, 1, 2])
    #expect(assignment.load[0...2].sorted() == [341, 341, 342])
    #expect(assignment.balance([0, 1, 2], most: 100) == 0)
    assignment.admit(3)
    var moved = 0
    while case let round = assignment.balance([0, 1, 2, 3], most: 7), round > 0 {
      #expect(round <= 7)
      moved += round
    }
    #expect(moved == 256)
    #expect(assignment.load[0...3].allSatisfy { $0 == 256 })
  }

  @Test("A set that moves is nobody's until its old owner has said that he stopped, by that table (X17)")
  func twoPhases() {
    var assignment = dealt([0])
    _ = assignment.balance([0, 1], most: 1)
    let table = assignment.publish(term: 1)
    let set = (0..<1024).first { table[$0].state == .pending }!
    #expect(table[set] == OwnershipEntry(state: .pending, member: 1))
    // He still runs it; he does not, by an older table; he does not, by this one.
    assignment.note(0, runs: .all, by: table.version)
    #expect(!assignment.isChanged)
    assignment.note(0, runs: WorkSetBitmap(), by: table.version - 1)
    #expect(!assignment.isChanged)
    assignment.note(0, runs: WorkSetBitmap(), by: table.version)
    #expect(assignment.publish(term: 1)[set] == OwnershipEntry(state: .assigned, member: 1))
  }

  @Test("What was to come to a dead member stays with those who have it (C17, X11)")
  func stays() {
    var assignment = dealt([0, 1])
    let before = (assignment.sets(of: 0), assignment.sets(of: 1))
    _ = assignment.balance([0, 1, 2], most: 100)
    _ = assignment.publish(term: 1)
    assignment.remove(2, [0, 1])
    #expect(assignment.sets(of: 0) == before.0 && assignment.sets(of: 1) == before.1 && !assignment.isMoving)
    let table = assignment.publish(term: 1)
    #expect((0..<1024).allSatisfy { table[$0].state == .assigned && table[$0].member != 2 })
  }

  @Test("What comes to one that drains arrives there, and then goes on")
  func arrives() {
    var assignment = dealt([0, 1])
    _ = assignment.balance([0, 1, 2], most: 1)
    let table = assignment.publish(term: 1)
    let set = (0..<1024).first { table[$0].state == .pending }!
    assignment.drain(2, [0, 1], most: 64)
    #expect(!assignment.isChanged)
    for unit in [0, 1] as [MemberNumber] {
      assignment.note(unit, runs: assignment.sets(of: unit), by: table.version)
    }
    #expect(assignment.sets(of: 2) == WorkSetBitmap([set]))
    assignment.drain(2, [0, 1], most: 64)
    #expect(assignment.publish(term: 1)[set].state == .pending && assignment.sets(of: 2).isEmpty)
  }

  @Test("What was to come to a dead member from one that drains goes elsewhere, when that one has stopped")
  func dead() {
    var assignment = dealt([0, 1])
    _ = assignment.balance([0, 1, 2], most: 100)
    _ = assignment.publish(term: 1)
    assignment.remove(2, [1])
    assignment.distribute([1])
    let table = assignment.publish(term: 1)
    #expect(!(0..<1024).contains { table[$0].member == 2 && table[$0].state != .unassigned })
    #expect((0..<1024).contains { table[$0] == OwnershipEntry(state: .pending, member: 1) })
    for unit in [0, 1] as [MemberNumber] { assignment.note(unit, runs: WorkSetBitmap(), by: table.version) }
    assignment.distribute([1])
    #expect(assignment.load[0] + assignment.load[1] == 1024 && !assignment.isMoving)
  }

  @Test("Whatever comes and goes, no set is lost and none is twice", arguments: [1, 2, 3, 4] as [UInt64])
  func model(_ seed: UInt64) {
    var chance = Jitter(seed: seed)
    var assignment = Assignment(term: 1)
    var present: [MemberNumber] = [0]
    var running = [WorkSetBitmap](repeating: WorkSetBitmap(), count: 8)
    for _ in 0..<300 {
      switch chance.between(0, 5) {
      case 0:
        let unit = MemberNumber(chance.between(0, 8))
        guard !present.contains(unit) else { continue }
        present.append(unit)
        assignment.admit(unit)
      case 1:
        guard present.count > 1 else { continue }
        let unit = present.remove(at: Int(chance.between(0, UInt64(present.count))))
        running[Int(unit)] = WorkSetBitmap()
        assignment.remove(unit, present)
      case 2: _ = assignment.balance(present, most: 50)
      case 3:
        let unit = present[Int(chance.between(0, UInt64(present.count)))]
        assignment.drain(unit, present.filter { $0 != unit }, most: Int(chance.between(1, 300)))
      default: break
      }
      assignment.distribute(present)
      let table = assignment.publish(term: 1)
      // Everybody does what the table says, some of them only later.
      for unit in present where chance.happens(700_000) {
        running[Int(unit)] = table.sets(of: unit)
        assignment.note(unit, runs: running[Int(unit)], by: table.version)
      }
      var all = WorkSetBitmap()
      for sets in running {
        #expect(!all.meets(sets))
        all.formUnion(sets)
      }
      #expect(assignment.load.reduce(0, +) + assignment.free.count == 1024)
    }
  }
}

import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Workers of a cluster's member: nothing without a lease (X17), and each packet by the table that it came under (X12).
/// One test at a time, for they hold threads.
@Suite(.serialized) struct MemberTests {
  @Test func `nothing is worked on before a lease, and what waits in rings when it begins is thrown away`() throws {
    let member = try PipedMember(PipedMember.all(of: 0))
    member.put(0..<10)
    member.piped.wait { member.drops(.fenced) == 10 }
    #expect(member.drops(.fenced) == 10 && member.numbers() == [])
    member.threads.hold()
    // Two bursts and some, and just one.
    member.put(0..<130)
    member.put(0..<64, .outside)
    member.beginAnew()
    member.threads.letGo()
    member.pass()
    member.piped.wait { member.drops(.fenced) == 204 }
    member.pass()
    #expect(member.drops(.fenced) == 204 && member.numbers() == [])
    member.put(500..<570)
    member.piped.wait { member.sum(\.keptPackets) == 70 }
    member.pass()
    let numbers = member.numbers().sorted()
    #expect(numbers == Array(500..<570) && member.drops(.fenced) == 204 && member.isBalanced)
  }

  @Test func `nothing leaves when the lease has lapsed, and what came before the next one does not leave later`() throws
  {
    let member = try PipedMember(PipedMember.all(of: 0))
    member.work()
    member.put(0..<10)
    member.piped.wait { member.sum(\.keptPackets) == 10 }
    member.pass()
    #expect(member.numbers().count == 10)
    // Over by itself, not because somebody said so.
    member.desk.lease(until: hauberk_boot_nanoseconds() + 1_000_000)
    hauberk_sleep_microseconds(2000)
    member.put(10..<20)
    member.piped.wait { member.drops(.fenced) == 10 }
    #expect(member.drops(.fenced) == 10 && member.numbers() == [])
    // It comes while the worker stands still, and so does the next lease.
    member.desk.lease(until: .max)
    member.pass()
    member.threads.hold()
    member.put(20..<120)
    member.beginAnew()
    member.threads.letGo()
    member.piped.wait { member.drops(.fenced) == 110 }
    member.pass()
    #expect(member.drops(.fenced) == 110 && member.numbers() == [] && member.isBalanced)
  }

  @Test func `a lease that ends again and again under load: nothing vanishes, and nothing leaves without one`() throws {
    let member = try PipedMember(workers: 2, PipedMember.all(of: 0, workers: 2))
    var next = 0, left: [Int] = [], withoutLease = 0
    for round in 0..<60 {
      member.beginAnew()
      for _ in 0..<4 {
        for worker in 0..<2 { member.put(next + 40 * worker..<next + 40 * (worker + 1), worker: worker) }
        next += 80
        hauberk_sleep_microseconds(UInt32(50 + round * 7 % 200))
      }
      if round % 2 == 0 { member.threads.hold() }
      member.desk.lease(until: 0)
      if round % 2 == 0 { member.threads.letGo() }
      // What was under way when it ended has left by then.
      member.pass()
      left += member.numbers()
      for worker in 0..<2 { member.put(next..<next + 20, worker: worker) }
      member.pass()
      withoutLease += member.numbers().count
      next += 20
    }
    member.piped.wait { member.isBalanced }
    #expect(member.isBalanced && withoutLease == 0)
    let once = Set(left).count == left.count
    #expect(once && left.count > 100 && member.drops(.fenced) > 100)
  }

  @Test(arguments: [true, false])
  func `a table does not apply to what waited in the ring when it was published`(_ isOurs: Bool) throws {
    let before = PipedMember.all(of: isOurs ? 0 : 1), after = PipedMember.all(of: isOurs ? 1 : 0)
    let member = try PipedMember(before)
    member.work()
    member.threads.hold()
    member.put(0..<100)
    member.publish(after)
    #expect(!member.finish())
    member.threads.letGo()
    member.piped.wait { member.sum(\.receivedPackets) == 100 }
    member.pass()
    #expect(member.numbers().count == (isOurs ? 100 : 0) && member.drops(.notMine) == (isOurs ? 0 : 100))
    member.put(100..<150)
    member.piped.wait { member.sum(\.receivedPackets) == 150 }
    member.pass()
    #expect(member.numbers().count == (isOurs ? 0 : 50) && member.drops(.notMine) == (isOurs ? 50 : 100))
    #expect(member.isBalanced && member.drops(.fenced) == 0)
  }

  @Test(arguments: ["worker 0", "worker 1"])
  func `a change is over when every worker has adopted it, and is said to be once`(_ slow: String) throws {
    let member = try PipedMember(workers: 2, PipedMember.all(of: 0, workers: 2))
    member.work()
    #expect(!member.change.isUnderWay && !member.finish())
    member.threads.hold(slow)
    // The table between has never been anybody's, and is freed along with the first.
    member.publish(PipedMember.all(of: 1, workers: 2))
    member.publish(PipedMember.all(of: 0, workers: 2, to: 1))
    var early = 0
    for _ in 0..<50 {
      early += member.finish() ? 1 : 0
      hauberk_sleep_microseconds(200)
    }
    #expect(early == 0 && member.change.isUnderWay)
    member.threads.letGo()
    member.piped.wait { member.finish() }
    #expect(!member.change.isUnderWay && !member.finish())
  }

  @Test func `what other workers sent over before a lease ended is thrown away when the next one begins`() throws {
    let member = try PipedMember(workers: 2, PipedMember.all(of: 0, workers: 2, to: 1))
    member.work()
    member.threads.hold("worker 1")
    member.put(0..<100)
    member.piped.wait { member.sum(\.crossedOut) == 100 }
    member.threads.hold("worker 0")
    member.beginAnew()
    member.threads.letGo()
    member.piped.wait { member.drops(.fenced) == 100 }
    member.pass()
    member.put(100..<150)
    member.piped.wait { member.sum(\.crossedIn) == 150 }
    member.pass()
    let numbers = member.numbers().sorted()
    #expect(numbers == Array(100..<150) && member.drops(.fenced) == 100 && member.isBalanced)
  }

  @Test func `tables change under load, with crossing: each change ends, and each packet leaves at most once`() throws {
    let member = try PipedMember(workers: 2, PipedMember.all(of: 0, workers: 2))
    member.work()
    var next = 0, changes = 0, left: [Int] = []
    let deadline = Deadline(milliseconds: 20_000)
    while changes < 40, !deadline.isOver {
      // Ours by turns, ours by the second alone, another's.
      member.publish(
        changes % 3 == 2
          ? PipedMember.all(of: 1, workers: 2) : PipedMember.all(of: 0, workers: 2, to: changes % 3 == 0 ? nil : 1))
      var isOver = false
      while !isOver, !deadline.isOver {
        // What waits between workers leaves by one wire, all at once.
        if member.sum(\.receivedPackets) + 800 > next + member.underWay {
          for worker in 0..<2 { member.put(next + 40 * worker..<next + 40 * (worker + 1), worker: worker) }
          next += 80
        }
        isOver = member.finish()
        left += member.numbers()
      }
      changes += isOver ? 1 : 0
    }
    member.piped.wait { member.sum(\.receivedPackets) == next && member.sum(\.crossedIn) == member.sum(\.crossedOut) }
    member.pass()
    left += member.numbers()
    let once = Set(left).count == left.count
    #expect(changes == 40 && once && member.isBalanced && member.drops(.notMine) > 0)
    #expect(left.count + member.drops(.notMine) + member.drops(.crossingFull) == next)
  }

  @Test func `a gateway of its own needs no lease, and knows nothing of tables that end`() throws {
    let piped = try PipedGateway.alone(PipedMember.classify, workers: 2)
    for worker in 0..<2 { piped.put((0..<100).map(PipedMember.datagram), .inside, worker: worker) }
    var count = 0
    piped.wait {
      for worker in 0..<2 { count += piped.take(.outside, worker: worker).count }
      return count == 200
    }
    var change = LiveGateway.OwnershipChange()
    #expect(count == 200 && !piped.gateway.finish(&change) && !change.isUnderWay)
  }
}

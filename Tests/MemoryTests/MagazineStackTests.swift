import Memory
import PacketMaking
import Synchronization
import Testing

@Suite("A stack of magazines that any thread may use")
struct MagazineStackTests {
  private func withStacks<Result>(
    _ count: Int, magazines: Int, _ body: ([MagazineStack]) -> Result
  ) -> Result {
    let next = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: magazines)
    for index in 0..<magazines { (next + index).initialize(to: Atomic(0)) }
    let stacks = (0..<count).map { _ in MagazineStack(next: next) }
    defer {
      for stack in stacks { stack.deallocate() }
      next.deinitialize(count: magazines)
      next.deallocate()
    }
    return body(stacks)
  }

  private func drain(_ stack: MagazineStack) -> [Int] {
    var magazines: [Int] = []
    // A stack that has been bent into a circle has no end.
    while magazines.count < 100, case let magazine = stack.pop(), magazine >= 0 { magazines.append(magazine) }
    return magazines
  }

  @Test("The last one pushed is the first one popped, and an empty stack says so", arguments: 0...8)
  func order(_ count: Int) {
    withStacks(1, magazines: 8) { stacks in
      for magazine in 0..<count { stacks[0].push(magazine) }
      #expect(drain(stacks[0]) == (0..<count).reversed())
      #expect(stacks[0].pop() < 0)
    }
  }

  @Test("Magazines change stacks that share their links")
  func exchange() {
    withStacks(2, magazines: 8) { stacks in
      for magazine in 0..<8 { stacks[0].push(magazine) }
      for _ in 0..<5 { stacks[1].push(stacks[0].pop()) }
      #expect(drain(stacks[0]) == [2, 1, 0])
      #expect(drain(stacks[1]) == [3, 4, 5, 6, 7])
    }
  }

  @Test(
    "Threads exchange a few magazines as fast as they can: each has one owner at a time, and none is lost")
  func threads() {
    #if WHOLE_MODULE
      let rounds = 500_000
    #else
      let rounds = 50_000
    #endif
    let magazines = 6
    withStacks(2, magazines: magazines) { stacks in
      // Written without atomics by whoever holds the magazine: two owners at once are a race.
      let owners = Owners(magazines)
      for magazine in 0..<magazines { stacks[0].push(magazine) }
      onThreads(4) { thread in
        for round in 0..<rounds {
          let (here, there) = (stacks[(round ^ thread) & 1], stacks[round >> 1 & 1])
          // The first goes back while the second is gone: the head looks as before, and is not.
          let (first, second) = (here.pop(), here.pop())
          for (magazine, stack) in [(first, here), (second, there)] where magazine >= 0 {
            owners.enter(magazine, thread + 1)
            owners.leave(magazine, thread + 1)
            stack.push(magazine)
          }
        }
      }
      #expect(owners.violations.load(ordering: .relaxed) == 0)
      #expect((drain(stacks[0]) + drain(stacks[1])).sorted() == Array(0..<magazines))
      #expect(owners.isEveryoneGone)
    }
  }
}

private final class Owners: @unchecked Sendable {
  private let marks: UnsafeMutablePointer<Int>
  private let count: Int
  let violations = Atomic<Int>(0)

  init(_ count: Int) {
    self.count = count
    marks = .allocate(capacity: count)
    marks.initialize(repeating: 0, count: count)
  }

  deinit { marks.deallocate() }

  func enter(_ magazine: Int, _ owner: Int) {
    if marks[magazine] != 0 { violations.add(1, ordering: .relaxed) }
    marks[magazine] = owner
  }

  func leave(_ magazine: Int, _ owner: Int) {
    if marks[magazine] != owner { violations.add(1, ordering: .relaxed) }
    marks[magazine] = 0
  }

  var isEveryoneGone: Bool { (0..<count).allSatisfy { marks[$0] == 0 } }
}

import PacketMaking
import Rings
import Synchronization
import Testing

#if WHOLE_MODULE
  private let milliseconds = 2000
#else
  private let milliseconds = 200
#endif

/// Snapshots of one word each, used again and again, so that control can publish as fast as it can wait.
private struct Slots: @unchecked Sendable {
  static let count = 64
  static let poison: UInt64 = 0xdead
  let base: UnsafeMutableRawPointer

  init() {
    base = .allocate(byteCount: 128 * Self.count, alignment: 128)
    for slot in 0..<Self.count { word(slot).initialize(to: Atomic(0)) }
  }

  func word(_ slot: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (base + 128 * slot).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  func snapshot(_ slot: Int) -> UnsafePointer<UInt64> {
    UnsafeRawPointer(base + 128 * slot).assumingMemoryBound(to: UInt64.self)
  }

  static func isPoisoned(_ snapshot: UnsafePointer<UInt64>) -> Bool {
    let word = UnsafeRawPointer(snapshot).assumingMemoryBound(to: Atomic<UInt64>.self)
    return word.pointee.load(ordering: .relaxed) == poison
  }
}

@Suite("A worker whose stores are slow to be seen", .serialized)
struct SnapshotRaceTests {
  /// The worker's quiescent points wait in its store buffer while its loads run ahead, so control may see
  /// two of them at once, both older than the load that it is waiting for, unless workers pass a fence. Without
  /// one it shows within seconds in a release build on two cores.
  @Test(
    "Turns so short that several are under way at once do not let control free too early", arguments: [1, 4])
  func shortTurns(_ idleTurns: Int) {
    let slots = Slots()
    let quiescence = Quiescence(workers: 1)
    let cell = SnapshotCell(slots.snapshot(0), quiescence: quiescence)
    let isOver = Atomic<Bool>(false)
    let poisoned = Tally()
    onThreads(2) { thread in
      if thread == 0 {
        publish(cell, slots)
        isOver.store(true, ordering: .releasing)
      } else {
        quiescence.enter(0)
        while !isOver.load(ordering: .relaxed) { turn(cell, quiescence, idleTurns, poisoned) }
        quiescence.leave(0)
      }
    }
    #expect(poisoned.count == 0)
    cell.deallocate()
    quiescence.deallocate()
    slots.base.deallocate()
  }

  private func publish(_ cell: SnapshotCell<UInt64>, _ slots: Slots) {
    let deadline = Deadline(milliseconds: milliseconds)
    var next = 0
    while !deadline.isOver {
      next = (next + 1) % Slots.count
      slots.word(next).pointee.store(1, ordering: .relaxed)
      let old = cell.publish(slots.snapshot(next), whileWaiting: {})
      UnsafeMutableRawPointer(mutating: old).assumingMemoryBound(to: Atomic<UInt64>.self)
        .pointee.store(Slots.poison, ordering: .relaxed)
    }
  }

  private func turn(
    _ cell: SnapshotCell<UInt64>, _ quiescence: Quiescence, _ idleTurns: Int, _ poisoned: Tally
  ) {
    for _ in 0..<idleTurns {
      _ = cell.load()
      quiescence.pass(0)
    }
    let snapshot = cell.load()
    var reads = 0
    while reads < 200, !Slots.isPoisoned(snapshot) { reads &+= 1 }
    if reads < 200 { poisoned.add() }
    quiescence.pass(0)
  }
}

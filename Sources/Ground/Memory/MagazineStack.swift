public import Synchronization

/// A stack of magazines that any thread may push to and pop from, without a lock.
///
/// The head is one word: a tag in the high half and the topmost magazine's index plus one in the low half (0 is
/// an empty stack). The tag changes with every exchange, so that a magazine which left and came back in between
/// is noticed.
public struct MagazineStack: @unchecked Sendable {
  @usableFromInline let head: UnsafeMutablePointer<Atomic<UInt64>>
  @usableFromInline let next: UnsafeMutablePointer<Atomic<UInt32>>

  /// `next` has a place for every magazine; stacks that exchange magazines share it.
  public init(next: UnsafeMutablePointer<Atomic<UInt32>>) {
    self.next = next
    // A cache line of its own.
    head = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    head.initialize(to: Atomic(0))
  }

  public func deallocate() {
    head.deinitialize(count: 1)
    UnsafeMutableRawPointer(head).deallocate()
  }

  @inlinable
  public func push(_ magazine: Int) {
    var seen = head.pointee.load(ordering: .relaxed)
    while true {
      next[magazine].store(UInt32(truncatingIfNeeded: seen), ordering: .relaxed)
      let new = ((seen >> 32) &+ 1) << 32 | UInt64(truncatingIfNeeded: magazine &+ 1)
      // edge magazine.content: release; pairs with the acquire in pop. The frames were written before.
      let result = head.pointee.weakCompareExchange(
        expected: seen, desired: new, successOrdering: .releasing, failureOrdering: .relaxed)
      if result.exchanged { return }
      seen = result.original
    }
  }

  /// The topmost magazine, or a negative number when there is none.
  @inlinable
  public func pop() -> Int {
    // edge magazine.content: acquire; pairs with the release in push. `next` of what is seen on top is written.
    var seen = head.pointee.load(ordering: .acquiring)
    while true {
      let top = UInt32(truncatingIfNeeded: seen)
      guard top != 0 else { return -1 }
      let below = next[Int(top &- 1)].load(ordering: .relaxed)
      let new = ((seen >> 32) &+ 1) << 32 | UInt64(below)
      // edge magazine.content: acquire; pairs with the release in push.
      let result = head.pointee.weakCompareExchange(
        expected: seen, desired: new, successOrdering: .acquiring, failureOrdering: .acquiring)
      if result.exchanged { return Int(top &- 1) }
      seen = result.original
    }
  }
}

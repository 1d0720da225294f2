import Contract
import Synchronization

/// The replay windows of a group SA, one for each sender, from a pool that was made at start. A sender gets his with
/// his first authentic packet: whoever has no key takes nothing.
///
/// A sender's packets are one worker's work (X7), so only that worker touches his window; the pool's one counter is
/// what workers share.
struct SenderWindows {
  /// By sender id: one more than the window's number, or 0.
  let numbers: UnsafeMutablePointer<UInt32>
  let idCount: Int
  let pool: UnsafeMutableRawPointer
  let windowBytes: Int
  let capacity: Int
  let used: UnsafeMutablePointer<Atomic<Int>>
  /// By window number: one more than its sender's id. The cluster's thread reads it while others of them are given out.
  let owners: UnsafeMutablePointer<Atomic<UInt32>>
  /// By work set: 1 where senders may have had windows that went with another member. Written only while nobody works on
  /// the set.
  let closed: UnsafeMutablePointer<UInt8>

  init(senderIDBits: Int, capacity: Int, window: Int) {
    idCount = 1 << senderIDBits
    numbers = .allocate(capacity: idCount)
    numbers.initialize(repeating: 0, count: idCount)
    self.capacity = capacity
    windowBytes = ReplayWindow.bytes(size: window)
    pool = .allocate(byteCount: max(1, capacity) * windowBytes, alignment: ReplayWindow.alignment)
    for number in 0..<capacity {
      // ESN is not used on multi-sender SAs (RFC 9838).
      _ = ReplayWindow(at: pool + number * windowBytes, size: window, extended: false)
    }
    used = .allocate(capacity: 1)
    used.initialize(to: Atomic(0))
    owners = .allocate(capacity: max(1, capacity))
    for number in 0..<capacity { (owners + number).initialize(to: Atomic(0)) }
    closed = .allocate(capacity: WorkSets.count)
    closed.initialize(repeating: 0, count: WorkSets.count)
  }

  func deallocate() {
    numbers.deallocate()
    pool.deallocate()
    used.deinitialize(count: 1)
    used.deallocate()
    owners.deinitialize(count: capacity)
    owners.deallocate()
    closed.deallocate()
  }

  @inline(__always)
  func isClosed(_ set: UInt16) -> Bool { closed[Int(set)] != 0 }

  var sendersSeen: Int { min(used.pointee.load(ordering: .relaxed), capacity) }

  @inline(__always)
  func window(of sender: Int) -> ReplayWindow? {
    let number = numbers[sender]
    guard number != 0 else { return nil }
    return window(number: Int(number &- 1))
  }

  /// In the order in which they were given out.
  @inline(__always)
  func window(number: Int) -> ReplayWindow {
    ReplayWindow(head: (pool + number &* windowBytes).assumingMemoryBound(to: ReplayWindow.Head.self))
  }

  /// Nil: all windows have been given out.
  @inline(never)
  func give(to sender: Int) -> ReplayWindow? {
    let number = used.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
    guard number < capacity else {
      used.pointee.wrappingSubtract(1, ordering: .relaxed)
      return nil
    }
    numbers[sender] = UInt32(truncatingIfNeeded: number &+ 1)
    owners[number].store(UInt32(truncatingIfNeeded: sender &+ 1), ordering: .relaxed)
    return window(of: sender)
  }
}

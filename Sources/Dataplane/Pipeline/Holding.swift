import Contract
import Memory

/// What one worker keeps of sets that are about to be this member's (X10): for each side and each set a queue, in the order
/// in which packets came.
///
/// A handle on memory of the worker's own. All workers together have an eighth of all frames, however many workers there
/// are: devices, which are lent 1024 for each queue, keep seven eighths of what they had, less what newcomers may take.
struct Holding: @unchecked Sendable {
  struct Held {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    var digest: UInt64 = 0
    fileprivate var next: Int32 = -1
  }

  private struct Queue {
    var first: Int32 = -1
    var last: Int32 = -1
    var count = 0
  }

  private struct State {
    var free: Int32 = 0
    /// By side.
    var counts = (inside: 0, outside: 0)
    var large = 0
    /// By side: the number of the table by which it was last decided what becomes of them. 0 is no table's.
    var seen: (inside: UInt32, outside: UInt32) = (0, 0)
  }

  /// Of all frames, for all workers together.
  static var shareOfFrames: Int { 8 }
  static var shareOfLargeFrames: Int { 4 }
  /// A flow of 100 000 packets a second, for as long as a set changes hands.
  static var mostOfSet: Int { 256 }

  /// How many in all, and how many of those in large frames.
  let most: Int
  let mostLarge: Int
  /// Room for a burst of them.
  let refs: UnsafeMutablePointer<PacketRef>
  private let state: UnsafeMutablePointer<State>
  private let queues: UnsafeMutablePointer<Queue>
  private let held: UnsafeMutablePointer<Held>
  let frames: FrameSource
  private let counters: WorkerCounters

  init(_ frames: FrameSource, _ counters: WorkerCounters, workers: Int) {
    self.frames = frames
    self.counters = counters
    let sizes = frames.memory.sizes
    most = max(1, sizes.frames / Self.shareOfFrames / workers)
    mostLarge = max(1, sizes.largeFrames / Self.shareOfLargeFrames / workers)
    refs = UnsafeMutableRawPointer.allocate(
      byteCount: Burst.capacity * MemoryLayout<PacketRef>.stride, alignment: 128
    ).bindMemory(to: PacketRef.self, capacity: Burst.capacity)
    state = .allocate(capacity: 1)
    state.initialize(to: State())
    queues = .allocate(capacity: 2 * WorkSets.count)
    queues.initialize(repeating: Queue(), count: 2 * WorkSets.count)
    held = .allocate(capacity: most)
    for place in 0..<most {
      (held + place).initialize(to: Held())
      held[place].next = place + 1 < most ? Int32(place + 1) : -1
    }
  }

  func deallocate() {
    UnsafeMutableRawPointer(refs).deallocate()
    state.deallocate()
    queues.deallocate()
    held.deallocate()
  }

  @inline(__always)
  var isEmpty: Bool { state.pointee.counts.inside &+ state.pointee.counts.outside == 0 }

  @inline(__always)
  func count(_ side: Side) -> Int { side == .inside ? state.pointee.counts.inside : state.pointee.counts.outside }

  func count(_ side: Side, _ set: Int) -> Int { queue(side, set).pointee.count }

  /// True, once for each table of a side: it has yet to be decided by it.
  func isNew(_ table: UInt32, _ side: Side) -> Bool {
    if side == .inside {
      defer { state.pointee.seen.inside = table }
      return state.pointee.seen.inside != table
    }
    defer { state.pointee.seen.outside = table }
    return state.pointee.seen.outside != table
  }

  private func queue(_ side: Side, _ set: Int) -> UnsafeMutablePointer<Queue> {
    queues + (Int(side.rawValue) &* WorkSets.count &+ set)
  }

  /// The frame lies here from now on. Where there is no room the set's oldest makes some. It goes itself where the set has
  /// none, and a large frame where there are enough of those.
  @inline(never)
  func add(_ ref: PacketRef, set: Int, _ side: Side, digest: UInt64, table: UInt32) {
    counters.add(1, to: .held)
    let queue = queue(side, set)
    let isLarge = frames.memory.isLarge(ref)
    if isLarge, state.pointee.large == mostLarge { return discard(ref, .holdFull) }
    if queue.pointee.count == Self.mostOfSet || state.pointee.free < 0 {
      guard let oldest = take(side, set) else { return discard(ref, .holdFull) }
      discard(oldest.ref, .holdFull)
    }
    let place = state.pointee.free
    state.pointee.free = held[Int(place)].next
    held[Int(place)] = Held(ref: ref, digest: digest)
    if queue.pointee.last >= 0 { held[Int(queue.pointee.last)].next = place } else { queue.pointee.first = place }
    queue.pointee.last = place
    queue.pointee.count &+= 1
    if isLarge { state.pointee.large &+= 1 }
    if side == .inside { state.pointee.counts.inside &+= 1 } else { state.pointee.counts.outside &+= 1 }
    // By which it is held is not by which its side goes: that side has to look again.
    if side == .inside, state.pointee.seen.inside != table { state.pointee.seen.inside = 0 }
    if side == .outside, state.pointee.seen.outside != table { state.pointee.seen.outside = 0 }
  }

  /// The oldest. Whoever takes it counts it as released, or discards it.
  @inline(never)
  func take(_ side: Side, _ set: Int) -> Held? {
    let queue = queue(side, set)
    let place = queue.pointee.first
    if place < 0 { return nil }
    let one = held[Int(place)]
    queue.pointee.first = one.next
    if one.next < 0 { queue.pointee.last = -1 }
    queue.pointee.count &-= 1
    held[Int(place)].next = state.pointee.free
    state.pointee.free = place
    if frames.memory.isLarge(one.ref) { state.pointee.large &-= 1 }
    if side == .inside { state.pointee.counts.inside &-= 1 } else { state.pointee.counts.outside &-= 1 }
    return one
  }

  /// It counts as received anew, as what is released does when it is judged.
  @inline(never)
  func discard(_ ref: PacketRef, _ reason: DropReason) {
    counters.add(1, to: WorkerCounters.receivedPackets)
    counters.add(Int(ref.length), to: WorkerCounters.receivedBytes)
    counters.add(1, to: WorkerCounters.releasedPackets)
    counters.add(1, to: reason)
    frames.give(ref)
  }

  /// All of it.
  @inline(never)
  func throwAway(_ reason: DropReason) {
    var set = 0
    while set < WorkSets.count, !isEmpty {
      while let one = take(.inside, set) { discard(one.ref, reason) }
      while let one = take(.outside, set) { discard(one.ref, reason) }
      set &+= 1
    }
  }
}

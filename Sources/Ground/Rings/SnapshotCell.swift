internal import CKernel
public import Synchronization

/// Where control publishes a snapshot and workers find it.
///
/// A snapshot is never changed once published. Control swaps in a new one by one store, and frees the old one when
/// every worker has passed a quiescent point: a place in its loop where it holds nothing of a snapshot.
public struct SnapshotCell<Snapshot>: @unchecked Sendable {
  @usableFromInline let current: UnsafeMutablePointer<Atomic<UInt>>
  @usableFromInline let quiescence: Quiescence

  public init(_ first: UnsafePointer<Snapshot>, quiescence: Quiescence) {
    current = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt>.self, capacity: 1)
    current.initialize(to: Atomic(UInt(bitPattern: first)))
    self.quiescence = quiescence
  }

  public func deallocate() {
    current.deinitialize(count: 1)
    UnsafeMutableRawPointer(current).deallocate()
  }

  /// A worker, once per burst. What it returns is good until the worker's next quiescent point.
  @inlinable @inline(__always)
  public func load() -> UnsafePointer<Snapshot> {
    // edge snapshot.content: acquire; pairs with the release in publish.
    UnsafePointer(bitPattern: current.pointee.load(ordering: .acquiring)).unsafelyUnwrapped
  }

  /// Control only. Returns the old snapshot once no worker can hold it any more; the caller frees it.
  public func publish(_ next: UnsafePointer<Snapshot>, whileWaiting: () -> Void) -> UnsafePointer<Snapshot> {
    // edge snapshot.content: release; pairs with the acquire in load. The snapshot is written before.
    let old = current.pointee.exchange(UInt(bitPattern: next), ordering: .acquiringAndReleasing)
    quiescence.wait(whileWaiting: whileWaiting)
    return UnsafePointer(bitPattern: old).unsafelyUnwrapped
  }
}

/// How control learns that every worker has let go of what it held.
///
/// Each worker counts its quiescent points on a line of its own. Control notes the counts and waits until each has
/// moved on, or the worker has left.
///
/// A worker's loads may run ahead of its stores: its count can be seen late, after it has loaded the next snapshot. So
/// between publishing and noting, control makes every worker pass a fence, which costs the workers nothing. Where the
/// kernel cannot do that, they pass one themselves at every point.
public struct Quiescence: @unchecked Sendable {
  @usableFromInline let lines: UnsafeMutableRawPointer
  let workers: Int
  @usableFromInline let fencesThemselves: Bool

  public init(workers: Int) {
    self.workers = workers
    fencesThemselves = !hauberk_prepare_fence_everywhere()
    lines = .allocate(byteCount: 128 * workers, alignment: 128)
    for worker in 0..<workers {
      (lines + 128 * worker).bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(Self.away))
    }
  }

  public func deallocate() { lines.deallocate() }

  /// A worker that is not in its loop holds nothing.
  @inlinable static var away: UInt64 { .max }

  @inlinable @inline(__always)
  func line(_ worker: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (lines + 128 &* worker).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// A worker enters its loop: either control sees it there, or it sees what control has published.
  public func enter(_ worker: Int) {
    line(worker).pointee.store(0, ordering: .relaxed)
    // edge quiescence.entry: fence; pairs with the fence in wait.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// A worker, between two bursts.
  @inlinable @inline(__always)
  public func pass(_ worker: Int) {
    let count = line(worker).pointee.load(ordering: .relaxed)
    // edge quiescence.point: release; pairs with the acquire in wait. All reads of the snapshot are done.
    line(worker).pointee.store(count &+ 1, ordering: .releasing)
    // edge quiescence.order: fence; pairs with the fence in wait. The next load of a snapshot is after the count.
    if fencesThemselves { atomicMemoryFence(ordering: .sequentiallyConsistent) }
  }

  public func leave(_ worker: Int) {
    // edge quiescence.point: release; pairs with the acquire in wait.
    line(worker).pointee.store(Self.away, ordering: .releasing)
  }

  /// Control: returns when every worker has passed two points since, or is away.
  ///
  /// Two, because a count read between a worker's load of the snapshot and its store may belong to the burst before.
  public func wait(whileWaiting: () -> Void) {
    let moment = note()
    while !hasPassed(moment) { whileWaiting() }
  }

  /// Where all workers are now, for a thread that has something else to do until they are further on.
  public func note() -> Moment {
    // edge quiescence.entry: fence; pairs with the fence in enter. Also edge quiescence.order: fence.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if !fencesThemselves { hauberk_fence_everywhere() }
    // edge quiescence.point: acquire; pairs with the releases in pass and leave.
    return Moment(counts: (0..<workers).map { line($0).pointee.load(ordering: .acquiring) })
  }

  /// Whether each has passed two points since, or is away.
  public func hasPassed(_ moment: Moment) -> Bool {
    for worker in 0..<workers where moment.counts[worker] != Self.away {
      // edge quiescence.point: acquire; pairs with the releases in pass and leave.
      let now = line(worker).pointee.load(ordering: .acquiring)
      if now != Self.away, now &- moment.counts[worker] < 2 { return false }
    }
    return true
  }

  public struct Moment: Sendable {
    fileprivate let counts: [UInt64]
  }
}

public import Synchronization

/// Counters that one thread writes and any may read: a store each, no sharing, no lock.
public struct CounterBank: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let values: UnsafeMutablePointer<Atomic<UInt64>>
  public let count: Int

  public init(count: Int) {
    self.count = count
    values = UnsafeMutableRawPointer.allocate(
      byteCount: (count * MemoryLayout<UInt64>.stride + 127) / 128 * 128, alignment: 128
    ).bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for index in 0..<count { (values + index).initialize(to: Atomic(0)) }
  }

  public func deallocate() {
    values.deinitialize(count: count)
    UnsafeMutableRawPointer(values).deallocate()
  }

  /// The owner only: a load and a store, which the reader may see at any moment, and no read-modify-write.
  @inlinable @inline(__always)
  public func add(_ amount: UInt64, to index: Int) {
    assert(index >= 0 && index < count)
    let counter = values + index
    counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// The owner only: of what is no count but a state.
  @inlinable @inline(__always)
  public func set(_ index: Int, to value: UInt64) { values[index].store(value, ordering: .relaxed) }

  @inlinable
  public subscript(index: Int) -> UInt64 {
    values[index].load(ordering: .relaxed)
  }
}

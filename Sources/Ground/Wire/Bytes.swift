/// A run of packet bytes: where it starts, and how many may be read.
///
/// Reads are checked by `assert`, so tests, sanitizers and fuzzers catch a view that trusts too much, and a
/// release build pays for the one length check that made the view.
public struct Bytes {
  public let base: UnsafeRawPointer
  public let count: Int

  @inlinable @inline(__always)
  public init(_ base: UnsafeRawPointer, count: Int) {
    self.base = base
    self.count = count
  }

  @inlinable @inline(__always)
  public init(_ buffer: UnsafeRawBufferPointer) {
    self.init(buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!, count: buffer.count)
  }

  @inlinable @inline(__always)
  public func uint8(at offset: Int) -> UInt8 {
    assert(offset >= 0 && offset &+ 1 <= count)
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inlinable @inline(__always)
  public func uint16(at offset: Int) -> UInt16 {
    assert(offset >= 0 && offset &+ 2 <= count)
    return UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inlinable @inline(__always)
  public func uint32(at offset: Int) -> UInt32 {
    assert(offset >= 0 && offset &+ 4 <= count)
    return UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  public func uint64(at offset: Int) -> UInt64 {
    assert(offset >= 0 && offset &+ 8 <= count)
    return UInt64(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Eight bytes as this machine reads them: for comparing with others read the same way.
  @inlinable @inline(__always)
  public func uint64InMemoryOrder(at offset: Int) -> UInt64 {
    assert(offset >= 0 && offset &+ 8 <= count)
    return base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  /// What follows the first `length` bytes; nothing when there are not that many.
  @inlinable @inline(__always)
  public func dropFirst(_ length: Int) -> Bytes {
    let kept = count &- length
    return kept >= 0 ? Bytes(base + length, count: kept) : Bytes(base + count, count: 0)
  }

  /// The first `length` bytes, or all of them when there are fewer.
  @inlinable @inline(__always)
  public func prefix(_ length: Int) -> Bytes {
    Bytes(base, count: length < count ? length : count)
  }
}

/// A run of bytes to write a header into: where it starts, and how many there are. Like `Bytes`, it checks by `assert`.
public struct WritableBytes {
  public let base: UnsafeMutableRawPointer
  public let count: Int

  @inlinable @inline(__always)
  public init(_ base: UnsafeMutableRawPointer, count: Int) {
    self.base = base
    self.count = count
  }

  @inlinable @inline(__always)
  public func set(_ value: UInt8, at offset: Int) {
    assert(offset >= 0 && offset &+ 1 <= count)
    base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  @inlinable @inline(__always)
  public func set(_ value: UInt16, at offset: Int) {
    assert(offset >= 0 && offset &+ 2 <= count)
    base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inlinable @inline(__always)
  public func set(_ value: UInt32, at offset: Int) {
    assert(offset >= 0 && offset &+ 4 <= count)
    base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(__always)
  public func set(_ value: UInt64, at offset: Int) {
    assert(offset >= 0 && offset &+ 8 <= count)
    base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inlinable @inline(__always)
  public func set(_ address: MACAddress, at offset: Int) {
    set(UInt16(truncatingIfNeeded: address.value >> 32), at: offset)
    set(UInt32(truncatingIfNeeded: address.value), at: offset &+ 2)
  }

  @inlinable @inline(__always)
  public func set(_ address: IPv6Address, at offset: Int) {
    set(address.high, at: offset)
    set(address.low, at: offset &+ 8)
  }

  @inlinable @inline(__always)
  public func copy(_ bytes: Bytes, at offset: Int) {
    assert(offset >= 0 && offset &+ bytes.count <= count)
    (base + offset).copyMemory(from: bytes.base, byteCount: bytes.count)
  }

  /// What follows the first `length` bytes, of which there have to be that many.
  @inlinable @inline(__always)
  public func dropFirst(_ length: Int) -> WritableBytes {
    assert(length >= 0 && length <= count)
    return WritableBytes(base + length, count: count &- length)
  }

  /// To be read, for a checksum.
  @inlinable @inline(__always)
  public var bytes: Bytes { Bytes(base, count: count) }
}

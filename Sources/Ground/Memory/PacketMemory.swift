internal import CKernel

/// The sizes of packet memory, each with its unit.
public struct PacketMemorySizes: Sendable {
  public var frames = 8192
  /// Header, headroom, packet and tailroom together.
  public var frameBytes = 2048
  /// For what does not fit: segmentation offload makes packets of 64 KiB, and a capture may hold 256 KiB.
  public var largeFrames = 64
  public var largeFrameBytes = 256 << 10
  /// In front of the packet: an outer header, a shim and a tag more than it came with.
  public var headroomBytes = 128
  /// Behind the packet: padding and an authentication tag.
  public var tailroomBytes = 64

  public init() {}
}

/// From a reference to its bytes: all that the packet path needs of the memory.
public struct FrameAddresses: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer

  /// Positions count in these.
  @inlinable @inline(__always) public static var unit: UInt32 { 64 }

  @inlinable @inline(__always)
  init(base: UnsafeMutableRawPointer) { self.base = base }

  @inlinable @inline(__always)
  public func address(start: UInt32) -> UnsafeMutableRawPointer { base + Int(start) }
}

/// The arena, divided: small frames, large frames, and a reserve of each.
public struct PacketMemory: @unchecked Sendable {
  public let arena: Arena
  public let sizes: PacketMemorySizes
  public let reserve: FrameReserve
  public let largeReserve: FrameReserve
  @usableFromInline let base: UnsafeMutableRawPointer
  /// Positions from here on are large frames.
  @usableFromInline let firstLarge: UInt32
  @usableFromInline let smallCapacity: Int
  @usableFromInline let largeCapacity: Int
  @usableFromInline let packetOffset: UInt16

  static var unit: Int { Int(FrameAddresses.unit) }
  static var largeMagazine: Int { 4 }

  public init(_ sizes: PacketMemorySizes, near processor: Int?) throws(MemoryError) {
    let small = Self.stride(sizes.frameBytes)
    let large = Self.stride(
      sizes.largeFrameBytes + FrameHeader.size + sizes.headroomBytes + sizes.tailroomBytes)
    let bytes = small * sizes.frames + large * sizes.largeFrames
    guard bytes < 1 << 32 else {
      throw MemoryError(
        description:
          "\(sizes.frames) frames of \(sizes.frameBytes) bytes are more than the 4 GiB that packets may have")
    }
    arena = try Arena(bytes: bytes, near: processor)
    self.sizes = sizes
    base = arena.base
    firstLarge = UInt32(small * sizes.frames / Self.unit)
    let firstLarge = firstLarge
    packetOffset = UInt16(FrameHeader.size + sizes.headroomBytes)
    smallCapacity = sizes.frameBytes - FrameHeader.size - sizes.headroomBytes - sizes.tailroomBytes
    largeCapacity = sizes.largeFrameBytes
    precondition(smallCapacity > 0 && sizes.headroomBytes < 1 << 15)
    reserve = FrameReserve(frames: sizes.frames) { UInt32($0 * (small / Self.unit)) }
    // Small magazines: there are few large frames, and a pool keeps one magazine or two to itself.
    largeReserve = FrameReserve(frames: sizes.largeFrames, magazine: Self.largeMagazine) {
      firstLarge + UInt32($0 * (large / Self.unit))
    }
  }

  public func deallocate() {
    reserve.deallocate()
    largeReserve.deallocate()
    arena.unmap()
  }

  /// An odd number of cache lines: with a power of two all headers would compete for a few sets of the cache.
  static func stride(_ bytes: Int) -> Int {
    let lines = (bytes + 63) / 64
    return (lines | 1) * 64
  }

  @inlinable @inline(__always)
  public var addresses: FrameAddresses { FrameAddresses(base: base) }

  @inlinable @inline(__always)
  public func address(of ref: PacketRef) -> UnsafeMutableRawPointer {
    addresses.address(start: ref.start)
  }

  @inlinable @inline(__always)
  public func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (base + Int(ref.start &- UInt32(ref.offset))).assumingMemoryBound(to: FrameHeader.self)
  }

  @inlinable @inline(__always)
  public func isLarge(_ ref: PacketRef) -> Bool { ref.position >= firstLarge }

  /// From one frame's beginning to the next one's.
  public var frameStride: Int { Self.stride(sizes.frameBytes) }

  /// References to packets in small frames begin before this.
  public var firstLargeStart: UInt32 { firstLarge &* FrameAddresses.unit }

  /// The longest packet that any frame holds.
  public var longestPacket: Int { largeCapacity }
}

/// One thread's two pools: what it takes frames from and gives them back to.
public struct FrameSource: @unchecked Sendable {
  public let memory: PacketMemory
  public let small: FramePool
  public let large: FramePool

  public init(_ memory: PacketMemory, keeping frames: Int = 2048) {
    self.memory = memory
    small = FramePool(capacity: max(frames, 128), reserve: memory.reserve)
    large = FramePool(capacity: 2 * PacketMemory.largeMagazine, reserve: memory.largeReserve)
  }

  public func deallocate() {
    small.deallocate()
    large.deallocate()
  }

  /// A frame for a packet of `length` bytes. False: none is free, or no frame is that large.
  @inlinable @inline(__always)
  public func take(length: Int, _ out: inout PacketRef) -> Bool {
    var position: UInt32 = 0
    if length <= memory.smallCapacity {
      guard small.take(&position) else { return false }
    } else {
      guard length <= memory.largeCapacity, large.take(&position) else { return false }
    }
    out = PacketRef(
      position: position, offset: memory.packetOffset, length: UInt32(truncatingIfNeeded: length))
    return true
  }

  @inlinable @inline(__always)
  public func give(_ ref: PacketRef) {
    if memory.isLarge(ref) {
      large.give(ref.position)
    } else {
      small.give(ref.position)
    }
  }
}

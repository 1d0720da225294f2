internal import Synchronization

/// Frames that no pool needs at the moment, in magazines, for any thread to fetch or to bring.
///
/// Bounded: there are magazines for all frames, and one more for every exchange under way.
public struct FrameReserve: @unchecked Sendable {
  @usableFromInline let magazines: UnsafeMutablePointer<UInt32>
  @usableFromInline let full: MagazineStack
  @usableFromInline let empty: MagazineStack
  let next: UnsafeMutablePointer<Atomic<UInt32>>
  let magazineCount: Int

  /// How many frames a magazine holds.
  public let magazineSize: Int

  @inlinable @inline(__always) public static var usualMagazine: Int { 64 }

  /// `frames` is a multiple of the magazine's size; `position` says where each lies.
  public init(frames: Int, magazine size: Int = Self.usualMagazine, position: (Int) -> UInt32) {
    magazineSize = size
    precondition(frames % size == 0)
    magazineCount = frames / size + 64
    magazines = .allocate(capacity: magazineCount * size)
    magazines.initialize(repeating: 0, count: magazineCount * size)
    next = .allocate(capacity: magazineCount)
    for index in 0..<magazineCount { (next + index).initialize(to: Atomic(0)) }
    full = MagazineStack(next: next)
    empty = MagazineStack(next: next)
    for frame in 0..<frames { magazines[frame] = position(frame) }
    // Pushed from the last, so that the first frames are on top and are used first.
    for magazine in (0..<magazineCount).reversed() {
      (magazine < frames / size ? full : empty).push(magazine)
    }
  }

  public func deallocate() {
    full.deallocate()
    empty.deallocate()
    next.deinitialize(count: magazineCount)
    next.deallocate()
    magazines.deallocate()
  }

  /// Fills as many places as a magazine has; false when the reserve has nothing.
  @inlinable
  public func fetch(into out: UnsafeMutablePointer<UInt32>) -> Bool {
    let magazine = full.pop()
    guard magazine >= 0 else { return false }
    copy(magazines + magazine &* magazineSize, to: out)
    empty.push(magazine)
    return true
  }

  /// Takes a magazine's worth of frames in; false when there is no room, which means that more came than were made.
  @inlinable
  public func bring(_ frames: UnsafePointer<UInt32>) -> Bool {
    let magazine = empty.pop()
    guard magazine >= 0 else { return false }
    copy(frames, to: magazines + magazine &* magazineSize)
    full.push(magazine)
    return true
  }

  @inlinable @inline(__always)
  func copy(_ from: UnsafePointer<UInt32>, to: UnsafeMutablePointer<UInt32>) {
    var slot = 0
    while slot < magazineSize {
      to[slot] = from[slot]
      slot &+= 1
    }
  }
}

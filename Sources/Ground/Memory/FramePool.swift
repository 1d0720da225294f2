/// One thread's free frames: the last one given back is the first one taken, because it is still in the cache.
///
/// A trivial handle on state of its own. When it runs dry it fetches a magazine from the reserve; when it has
/// more than it may keep it brings one there.
public struct FramePool: @unchecked Sendable {
  @usableFromInline struct State {
    @usableFromInline var count: Int
  }

  @usableFromInline let state: UnsafeMutablePointer<State>
  @usableFromInline let frames: UnsafeMutablePointer<UInt32>
  public let capacity: Int
  @usableFromInline let reserve: FrameReserve

  /// `capacity` frames may lie here; at least two magazines, so that the border is not crossed back and forth.
  public init(capacity: Int, reserve: FrameReserve) {
    precondition(capacity >= 2 * reserve.magazineSize)
    self.capacity = capacity
    self.reserve = reserve
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: 128 + capacity * MemoryLayout<UInt32>.stride, alignment: 128)
    state = block.bindMemory(to: State.self, capacity: 1)
    state.initialize(to: State(count: 0))
    frames = (block + 128).bindMemory(to: UInt32.self, capacity: capacity)
    frames.initialize(repeating: 0, count: capacity)
  }

  public func deallocate() { UnsafeMutableRawPointer(state).deallocate() }

  public var count: Int { state.pointee.count }

  /// The position of a free frame; false when pool and reserve have none.
  @inlinable @inline(__always)
  public func take(_ out: inout UInt32) -> Bool {
    if state.pointee.count == 0 {
      guard refill() else { return false }
    }
    let count = state.pointee.count &- 1
    state.pointee.count = count
    out = frames[count]
    return true
  }

  @inlinable @inline(__always)
  public func give(_ position: UInt32) {
    if state.pointee.count == capacity { spill() }
    let count = state.pointee.count
    frames[count] = position
    state.pointee.count = count &+ 1
  }

  /// As many positions as there are, at most `count`; the hottest last, as it was given last.
  @inlinable @inline(__always)
  public func take(_ out: UnsafeMutablePointer<UInt32>, count wanted: Int) -> Int {
    var taken = 0
    while taken < wanted {
      if state.pointee.count == 0 {
        guard refill() else { break }
      }
      let there = state.pointee.count
      let step = there < wanted &- taken ? there : wanted &- taken
      let from = frames + (there &- step)
      var slot = 0
      while slot < step {
        out[taken &+ slot] = from[slot]
        slot &+= 1
      }
      state.pointee.count = there &- step
      taken &+= step
    }
    return taken
  }

  @inlinable @inline(__always)
  public func give(_ positions: UnsafePointer<UInt32>, count: Int) {
    var given = 0
    while given < count {
      if state.pointee.count == capacity { spill() }
      let there = state.pointee.count
      let room = capacity &- there
      let step = room < count &- given ? room : count &- given
      let to = frames + there
      var slot = 0
      while slot < step {
        to[slot] = positions[given &+ slot]
        slot &+= 1
      }
      state.pointee.count = there &+ step
      given &+= step
    }
  }

  @inlinable @inline(never)
  func refill() -> Bool {
    guard reserve.fetch(into: frames) else { return false }
    state.pointee.count = reserve.magazineSize
    return true
  }

  /// Brings the frames that have lain longest: the top is what the cache still holds.
  @inlinable @inline(never)
  func spill() {
    let kept = state.pointee.count &- reserve.magazineSize
    // The reserve has room for every frame there is, so this does not fail.
    _ = reserve.bring(frames)
    var slot = 0
    while slot < kept {
      frames[slot] = frames[slot &+ reserve.magazineSize]
      slot &+= 1
    }
    state.pointee.count = kept
  }
}

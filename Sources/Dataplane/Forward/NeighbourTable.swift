import Synchronization
package import Wire

/// Whose MAC address is behind a next hop: looked up by workers, kept by the control thread.
///
/// A place belongs to one address until no worker can be looking at it any more; what changes until then is one word, by
/// one store. So a worker needs no lock, and what it reads is at worst a moment old. An address lies in one of two
/// buckets: few places to look at, however many have come and gone.
package struct NeighbourTable: @unchecked Sendable {
  /// Places of four words: whose it is, the address's two halves, the answer.
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let counts: UnsafeMutablePointer<Counts>
  private let bucketMask: Int

  private struct Counts {
    /// Of those who have a place, who also have an answer, and who have none any more.
    var known = 0
    var forgotten = 0
  }

  /// Places.
  package static let capacity = 1 << 14
  private static let bucket = 8
  /// Above the MAC address: it is known.
  @inline(__always) static var known: UInt64 { 1 << 63 }
  /// Beside it: somebody has asked for it since control looked.
  @inline(__always) static var used: UInt64 { 1 << 62 }
  /// In place of an owner: nobody's, and nobody's since the beginning, so that none further on in the bucket is taken.
  @inline(__always) private static var untouched: UInt64 { 0 }
  /// Nobody's any more.
  @inline(__always) private static var free: UInt64 { .max }

  package init(capacity: Int = Self.capacity) {
    precondition(capacity & (capacity - 1) == 0 && capacity >= 2 * Self.bucket)
    bucketMask = capacity / Self.bucket - 1
    let bytes = 4 * capacity * MemoryLayout<UInt64>.stride
    words = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: 4 * capacity)
    for index in 0..<4 * capacity { (words + index).initialize(to: Atomic(0)) }
    counts = .allocate(capacity: 1)
    counts.initialize(to: Counts())
  }

  private var capacity: Int { (bucketMask + 1) * Self.bucket }

  package func deallocate() {
    words.deinitialize(count: 4 * capacity)
    UnsafeMutableRawPointer(words).deallocate()
    counts.deallocate()
  }

  /// The two buckets.
  @inline(__always)
  private func buckets(_ owner: UInt64, _ high: UInt64, _ low: UInt64) -> (Int, Int) {
    let mixed = (high &* 0x9e37_79b9_7f4a_7c15 ^ low ^ owner &<< 48) &* 0xd6e8_feb8_6659_fd93
    return (Int(truncatingIfNeeded: mixed &>> 20) & bucketMask, Int(truncatingIfNeeded: mixed &>> 44) & bucketMask)
  }

  @inline(__always)
  private static func owner(_ interface: Int, isIPv6: Bool) -> UInt64 {
    UInt64(truncatingIfNeeded: (interface &+ 1) &<< 1 | (isIPv6 ? 1 : 0))
  }

  /// The MAC address and its bit; 0 where nobody is known.
  @inline(__always)
  func answer(_ high: UInt64, _ low: UInt64, isIPv6: Bool, interface: Int) -> UInt64 {
    let owner = Self.owner(interface, isIPv6: isIPv6)
    let (one, other) = buckets(owner, high, low)
    if let place = find(one, owner, high, low) ?? find(other, owner, high, low) {
      let answer = (place + 3).pointee.load(ordering: .relaxed)
      if answer & (Self.known | Self.used) == Self.known { note(place + 3, answer) }
      return answer & ~Self.used
    }
    return 0
  }

  /// Once between two looks of control's. Where it has changed meanwhile it is left as it is.
  @inline(never)
  private func note(_ answer: UnsafeMutablePointer<Atomic<UInt64>>, _ value: UInt64) {
    _ = answer.pointee.compareExchange(expected: value, desired: value | Self.used, ordering: .relaxed)
  }

  @inline(__always)
  private func find(_ bucket: Int, _ owner: UInt64, _ high: UInt64, _ low: UInt64) -> UnsafeMutablePointer<
    Atomic<UInt64>
  >? {
    var place = words + 4 &* Self.bucket &* bucket
    let end = place + 4 &* Self.bucket
    while place < end {
      // edge neighbour.owner: acquire here pairs with the release in `set`
      let found = place.pointee.load(ordering: .acquiring)
      if found == owner, (place + 2).pointee.load(ordering: .relaxed) == low,
        (place + 1).pointee.load(ordering: .relaxed) == high
      {
        return place
      }
      if found == Self.untouched { return nil }
      place += 4
    }
    return nil
  }

  // The control thread's.

  /// False: there is no place for it. There may be one when those of the forgotten have been reclaimed.
  package func learn(_ address: IPAddress, interface: Int, _ mac: MACAddress) -> Bool {
    let halves = address.halves
    let owner = Self.owner(interface, isIPv6: halves.isIPv6)
    let (one, other) = buckets(owner, halves.high, halves.low)
    if let place = find(one, owner, halves.high, halves.low) ?? find(other, owner, halves.high, halves.low) {
      if (place + 3).pointee.load(ordering: .relaxed) == 0 {
        counts.pointee.forgotten -= 1
        counts.pointee.known += 1
      }
      (place + 3).pointee.store(Self.known | mac.value, ordering: .relaxed)
      return true
    }
    guard counts.pointee.known < capacity / 2, let place = room(one, other) else { return false }
    (place + 1).pointee.store(halves.high, ordering: .relaxed)
    (place + 2).pointee.store(halves.low, ordering: .relaxed)
    (place + 3).pointee.store(Self.known | mac.value, ordering: .relaxed)
    // edge neighbour.owner: release here pairs with the acquire in `find`
    place.pointee.store(owner, ordering: .releasing)
    counts.pointee.known += 1
    return true
  }

  package func forget(_ address: IPAddress, interface: Int) {
    let halves = address.halves
    let owner = Self.owner(interface, isIPv6: halves.isIPv6)
    let (one, other) = buckets(owner, halves.high, halves.low)
    guard let place = find(one, owner, halves.high, halves.low) ?? find(other, owner, halves.high, halves.low),
      (place + 3).pointee.load(ordering: .relaxed) != 0
    else { return }
    (place + 3).pointee.store(0, ordering: .relaxed)
    counts.pointee.known -= 1
    counts.pointee.forgotten += 1
  }

  /// Whose answers were asked for since the last time.
  package func takeUsed(_ body: (_ interface: Int, _ address: IPAddress) -> Void) {
    for index in 0..<capacity {
      let place = words + 4 * index
      let owner = place.pointee.load(ordering: .relaxed)
      if owner == Self.untouched || owner == Self.free { continue }
      let answer = (place + 3).pointee.load(ordering: .relaxed)
      guard answer & Self.used != 0 else { continue }
      (place + 3).pointee.store(answer & ~Self.used, ordering: .relaxed)
      let high = (place + 1).pointee.load(ordering: .relaxed), low = (place + 2).pointee.load(ordering: .relaxed)
      body(
        Int(owner >> 1) - 1,
        owner & 1 == 1
          ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(truncatingIfNeeded: low))))
    }
  }

  package var hasForgotten: Bool { counts.pointee.forgotten > 0 }

  /// Takes their places from those who are forgotten. `wait` returns when no worker can be looking at one of them.
  package func reclaim(wait: () -> Void) {
    // Whoever finds the owner gone reads nothing else of the place; who found it before has let go
    // of it when `wait` returns.
    var given = 0
    for index in 0..<capacity {
      let place = words + 4 * index
      let owner = place.pointee.load(ordering: .relaxed)
      if owner == Self.untouched || owner == Self.free { continue }
      if (place + 3).pointee.load(ordering: .relaxed) == 0 {
        place.pointee.store(Self.free, ordering: .relaxed)
        given += 1
      }
    }
    if given > 0 { wait() }
    counts.pointee.forgotten = 0
  }

  /// A free place in the emptier bucket.
  private func room(_ one: Int, _ other: Int) -> UnsafeMutablePointer<Atomic<UInt64>>? {
    let (first, second) = (freePlaces(one), freePlaces(other))
    return second.count > first.count ? second.first : first.first
  }

  private func freePlaces(_ bucket: Int) -> (first: UnsafeMutablePointer<Atomic<UInt64>>?, count: Int) {
    var result: (first: UnsafeMutablePointer<Atomic<UInt64>>?, count: Int) = (nil, 0)
    for way in 0..<Self.bucket {
      let place = words + 4 * (Self.bucket * bucket + way)
      let owner = place.pointee.load(ordering: .relaxed)
      guard owner == Self.untouched || owner == Self.free else { continue }
      if result.first == nil { result.first = place }
      result.count += 1
    }
    return result
  }
}

import Synchronization
package import Wire

/// Whose MAC address is behind a next hop: looked up by workers, kept by the control thread.
///
/// A place once given to an address stays its own for as long as the table lives; what changes is one word, by one store.
/// So a worker needs no lock, and what it reads is at worst a moment old.
package struct NeighbourTable: @unchecked Sendable {
  /// Places of four words: whose it is (0: nobody's), the address's two halves, the answer.
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let used: UnsafeMutablePointer<Int>
  private let mask: Int

  /// Places, of which at most half are given away.
  package static let capacity = 1 << 14
  /// Above the MAC address: it is known.
  @inline(__always) static var known: UInt64 { 1 << 63 }

  package init(capacity: Int = Self.capacity) {
    precondition(capacity & (capacity - 1) == 0)
    mask = capacity - 1
    let bytes = 4 * capacity * MemoryLayout<UInt64>.stride
    words = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: 4 * capacity)
    for index in 0..<4 * capacity { (words + index).initialize(to: Atomic(0)) }
    used = .allocate(capacity: 1)
    used.initialize(to: 0)
  }

  package func deallocate() {
    words.deinitialize(count: 4 * (mask + 1))
    UnsafeMutableRawPointer(words).deallocate()
    used.deallocate()
  }

  @inline(__always)
  private func first(_ owner: UInt64, _ high: UInt64, _ low: UInt64) -> Int {
    let mixed = (high &* 0x9e37_79b9_7f4a_7c15 ^ low ^ owner &<< 48) &* 0xd6e8_feb8_6659_fd93
    return Int(truncatingIfNeeded: mixed &>> 40) & mask
  }

  @inline(__always)
  private static func owner(_ interface: Int, isIPv6: Bool) -> UInt64 {
    UInt64(truncatingIfNeeded: (interface &+ 1) &<< 1 | (isIPv6 ? 1 : 0))
  }

  /// The MAC address and its bit; 0 where nobody is known.
  @inline(__always)
  func answer(_ high: UInt64, _ low: UInt64, isIPv6: Bool, interface: Int) -> UInt64 {
    let owner = Self.owner(interface, isIPv6: isIPv6)
    var index = first(owner, high, low)
    while true {
      let place = words + 4 &* index
      // edge neighbour.owner: acquire here pairs with the release in `set`
      let found = place.pointee.load(ordering: .acquiring)
      if found == 0 { return 0 }
      if found == owner, (place + 2).pointee.load(ordering: .relaxed) == low,
        (place + 1).pointee.load(ordering: .relaxed) == high
      {
        return (place + 3).pointee.load(ordering: .relaxed)
      }
      index = (index &+ 1) & mask
    }
  }

  // The control thread's.

  /// False: the table is full.
  package func learn(_ address: IPAddress, interface: Int, _ mac: MACAddress) -> Bool {
    set(address, interface, Self.known | mac.value)
  }

  package func forget(_ address: IPAddress, interface: Int) { _ = set(address, interface, 0) }

  private func set(_ address: IPAddress, _ interface: Int, _ answer: UInt64) -> Bool {
    let halves = address.halves
    let owner = Self.owner(interface, isIPv6: halves.isIPv6)
    var index = first(owner, halves.high, halves.low)
    while true {
      let place = words + 4 * index
      let found = place.pointee.load(ordering: .relaxed)
      if found == 0 { break }
      if found == owner, (place + 2).pointee.load(ordering: .relaxed) == halves.low,
        (place + 1).pointee.load(ordering: .relaxed) == halves.high
      {
        (place + 3).pointee.store(answer, ordering: .relaxed)
        return true
      }
      index = (index + 1) & mask
    }
    if answer == 0 { return true }
    guard used.pointee < (mask + 1) / 2 else { return false }
    used.pointee += 1
    let place = words + 4 * index
    (place + 1).pointee.store(halves.high, ordering: .relaxed)
    (place + 2).pointee.store(halves.low, ordering: .relaxed)
    (place + 3).pointee.store(answer, ordering: .relaxed)
    // edge neighbour.owner: release here pairs with the acquire in `answer`
    place.pointee.store(owner, ordering: .releasing)
    return true
  }
}

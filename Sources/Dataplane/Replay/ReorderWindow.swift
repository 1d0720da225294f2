package import Memory

/// Puts finished packets back into the order in which they came.
///
/// A place for every packet under way, by its number: workers finish in any order, the front leaves when it is there.
package struct ReorderWindow {
  private let places: UnsafeMutablePointer<PacketRef>
  private let isThere: UnsafeMutablePointer<Bool>
  private let mask: UInt64
  /// The number of the packet that leaves next.
  private var next: UInt64 = 0

  /// `capacity` is a power of two, and no fewer than the packets that can be under way.
  package init(capacity: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0)
    mask = UInt64(capacity - 1)
    places = .allocate(capacity: capacity)
    isThere = .allocate(capacity: capacity)
    isThere.initialize(repeating: false, count: capacity)
  }

  package func deallocate() {
    places.deallocate()
    isThere.deallocate()
  }

  package func put(_ ref: PacketRef, number: UInt64) {
    let place = Int(number & mask)
    assert(!isThere[place])
    (places + place).initialize(to: ref)
    isThere[place] = true
  }

  /// Adds to the burst, in order, what may leave.
  package mutating func take(into burst: inout Burst) {
    while burst.count < Burst.capacity, isThere[Int(next & mask)] {
      let place = Int(next & mask)
      isThere[place] = false
      burst.append(places[place])
      next &+= 1
    }
  }
}

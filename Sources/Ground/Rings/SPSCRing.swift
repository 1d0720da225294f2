public import Synchronization

/// A ring with one producer and one consumer.
///
/// Each side owns a line: its index, and a copy of the other's as last seen. A side looks at the other's line only
/// when its copy says full or empty, so in the steady state the two lines travel once per ring length and not once
/// per element.
///
/// The handle is a trivial value; the state lies in memory of its own until `deallocate`.
public struct SPSCRing<Element: BitwiseCopyable>: @unchecked Sendable {
  @usableFromInline let sides: UnsafeMutablePointer<Sides>
  @usableFromInline let elements: UnsafeMutablePointer<Element>
  @usableFromInline let mask: UInt

  /// `capacity` is a power of two.
  public init(capacity: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a ring's capacity is a power of two")
    sides = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Sides>.stride, alignment: 128)
      .bindMemory(to: Sides.self, capacity: 1)
    sides.initialize(to: Sides())
    elements = UnsafeMutableRawPointer.allocate(
      byteCount: capacity * MemoryLayout<Element>.stride, alignment: 128
    ).bindMemory(to: Element.self, capacity: capacity)
    mask = UInt(capacity) - 1
  }

  public func deallocate() {
    sides.deinitialize(count: 1)
    UnsafeMutableRawPointer(sides).deallocate()
    UnsafeMutableRawPointer(elements).deallocate()
  }

  public var capacity: Int { Int(mask) + 1 }

  /// Producer only. Puts in as many as there is room for, in order, and says how many.
  @inlinable @inline(__always)
  public func enqueue(_ source: UnsafePointer<Element>, _ count: Int) -> Int {
    let tail = sides.pointee.producer.index.load(ordering: .relaxed)
    var room = mask &+ 1 &- (tail &- sides.pointee.producer.otherSeen)
    if room < UInt(bitPattern: count) {
      // edge ring.space: acquire; pairs with the release in dequeue. The consumer has read what is overwritten.
      sides.pointee.producer.otherSeen = sides.pointee.consumer.index.load(ordering: .acquiring)
      room = mask &+ 1 &- (tail &- sides.pointee.producer.otherSeen)
    }
    let taken = room < UInt(bitPattern: count) ? Int(bitPattern: room) : count
    guard taken > 0 else { return 0 }
    let first = Int(bitPattern: tail & mask)
    let untilEnd = Int(bitPattern: mask) &+ 1 &- first
    let straight = taken < untilEnd ? taken : untilEnd
    Self.copy(source, to: elements + first, straight)
    Self.copy(source + straight, to: elements, taken &- straight)
    // edge ring.content: release; pairs with the acquire in dequeue. The elements are written before.
    sides.pointee.producer.index.store(tail &+ UInt(bitPattern: taken), ordering: .releasing)
    return taken
  }

  /// Producer only. Whether all that was put in has been taken out.
  public var isDrained: Bool {
    // edge ring.space: acquire; pairs with the release in dequeue.
    sides.pointee.consumer.index.load(ordering: .acquiring) == sides.pointee.producer.index.load(ordering: .relaxed)
  }

  /// Anybody. Whether, at some moment of the call, all that was put in had been taken out.
  public var wasEmpty: Bool {
    // edge ring.space: acquire; pairs with the release in dequeue. In this order: nothing is taken out before it is in.
    let taken = sides.pointee.consumer.index.load(ordering: .acquiring)
    // edge ring.content: acquire; pairs with the release in enqueue.
    return sides.pointee.producer.index.load(ordering: .acquiring) == taken
  }

  /// Anybody. How much has been put in.
  public var putIn: UInt {
    // edge ring.content: acquire; pairs with the release in enqueue.
    sides.pointee.producer.index.load(ordering: .acquiring)
  }

  /// Anybody. Whether so much has been taken out.
  public func hasTaken(_ amount: UInt) -> Bool {
    // edge ring.space: acquire; pairs with the release in dequeue.
    Int(bitPattern: sides.pointee.consumer.index.load(ordering: .acquiring) &- amount) >= 0
  }

  /// Consumer only. Takes out at most `count`, in order, and says how many.
  @inlinable @inline(__always)
  public func dequeue(_ target: UnsafeMutablePointer<Element>, _ count: Int) -> Int {
    let head = sides.pointee.consumer.index.load(ordering: .relaxed)
    var there = sides.pointee.consumer.otherSeen &- head
    if there < UInt(bitPattern: count) {
      // edge ring.content: acquire; pairs with the release in enqueue.
      sides.pointee.consumer.otherSeen = sides.pointee.producer.index.load(ordering: .acquiring)
      there = sides.pointee.consumer.otherSeen &- head
    }
    let taken = there < UInt(bitPattern: count) ? Int(bitPattern: there) : count
    guard taken > 0 else { return 0 }
    let first = Int(bitPattern: head & mask)
    let untilEnd = Int(bitPattern: mask) &+ 1 &- first
    let straight = taken < untilEnd ? taken : untilEnd
    Self.copy(elements + first, to: target, straight)
    Self.copy(elements, to: target + straight, taken &- straight)
    // edge ring.space: release; pairs with the acquire in enqueue. The elements are read before.
    sides.pointee.consumer.index.store(head &+ UInt(bitPattern: taken), ordering: .releasing)
    return taken
  }

  /// A loop, which the compiler unrolls and widens, and no call for a handful of elements.
  @inlinable @inline(__always)
  static func copy(_ from: UnsafePointer<Element>, to: UnsafeMutablePointer<Element>, _ count: Int) {
    var index = 0
    while index < count {
      to[index] = from[index]
      index &+= 1
    }
  }

  /// Consumer only. One element, or nil when there is none.
  @inlinable @inline(__always)
  public func dequeue() -> Element? {
    let head = sides.pointee.consumer.index.load(ordering: .relaxed)
    if sides.pointee.consumer.otherSeen == head {
      // edge ring.content: acquire; pairs with the release in enqueue.
      sides.pointee.consumer.otherSeen = sides.pointee.producer.index.load(ordering: .acquiring)
      if sides.pointee.consumer.otherSeen == head { return nil }
    }
    let element = elements[Int(bitPattern: head & mask)]
    // edge ring.space: release; pairs with the acquire in enqueue. The element is read before.
    sides.pointee.consumer.index.store(head &+ 1, ordering: .releasing)
    return element
  }
}

/// One side of a ring, on two lines of its own: the processor fetches lines in pairs.
@usableFromInline struct RingSide: ~Copyable {
  @usableFromInline let index: Atomic<UInt> = Atomic(0)
  @usableFromInline var otherSeen: UInt = 0
  @usableFromInline var padding = InlineArray<14, UInt>(repeating: 0)
  @usableFromInline init() {}
}

@usableFromInline struct Sides: ~Copyable {
  @usableFromInline var producer = RingSide()
  @usableFromInline var consumer = RingSide()
  @usableFromInline init() {}
}

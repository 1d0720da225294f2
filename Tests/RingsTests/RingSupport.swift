import Rings
import Synchronization

extension SPSCRing {
  func enqueue(_ elements: [Element]) -> Int {
    elements.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { enqueue($0, buffer.count) } ?? 0
    }
  }

  func dequeue(atMost count: Int) -> [Element] {
    [Element](unsafeUninitializedCapacity: max(count, 1)) { $1 = dequeue($0.baseAddress!, count) }
  }
}

func withRing<Element: BitwiseCopyable, Result>(
  of type: Element.Type, capacity: Int, _ body: (SPSCRing<Element>) throws -> Result
) rethrows -> Result {
  let ring = SPSCRing<Element>(capacity: capacity)
  defer { ring.deallocate() }
  return try body(ring)
}

/// A ring and what it ought to be: an array that refuses to grow. Every step is taken by both and compared.
struct Model {
  let ring: SPSCRing<UInt32>
  var contents: [UInt32] = []
  var next: UInt32 = 1
  var agrees = true

  init(_ ring: SPSCRing<UInt32>) { self.ring = ring }

  mutating func put(_ count: Int) {
    let burst = (0..<count).map { next + UInt32($0) }
    let expected = min(count, ring.capacity - contents.count)
    agrees = ring.enqueue(burst) == expected && agrees
    contents += burst.prefix(expected)
    next += UInt32(count)
  }

  mutating func take(_ count: Int) {
    let expected = Array(contents.prefix(count))
    agrees = ring.dequeue(atMost: count) == expected && agrees
    contents.removeFirst(expected.count)
  }

  mutating func takeOne() {
    agrees = ring.dequeue() == contents.first && agrees
    if !contents.isEmpty { contents.removeFirst() }
  }
}

/// A count that threads share.
final class Tally: Sendable {
  private let value = Atomic<UInt64>(0)
  var count: UInt64 { value.load(ordering: .relaxed) }
  func add(_ amount: UInt64 = 1) { value.add(amount, ordering: .relaxed) }
}

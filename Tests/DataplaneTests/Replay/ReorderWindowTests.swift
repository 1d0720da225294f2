@testable import Dataplane
import Memory
import Testing

/// Small worlds, exhaustively: whatever the order in which packets finish, they leave in the order of the input,
/// each as soon as it can.
@Suite struct ReorderWindowTests {
  private func permutations(_ items: [Int]) -> [[Int]] {
    guard items.count > 1 else { return [items] }
    return items.indices.flatMap { index in
      var rest = items
      let first = rest.remove(at: index)
      return permutations(rest).map { [first] + $0 }
    }
  }

  private func ref(_ number: Int) -> PacketRef { PacketRef(position: UInt32(number), offset: 0, length: 0) }

  /// Everything that may leave now.
  private func leaving(_ window: inout ReorderWindow, _ refs: UnsafeMutablePointer<PacketRef>) -> [Int] {
    var numbers: [Int] = []
    while true {
      var burst = Burst(refs)
      window.take(into: &burst)
      numbers += (0..<burst.count).map { Int(refs[$0].position) }
      if burst.count < Burst.capacity { return numbers }
    }
  }

  /// Any capacity up to eight, any number of packets that fits, twice around so that places are used again.
  @Test(arguments: [1, 2, 4, 8])
  func `every order of finishing gives the order of the input`(_ capacity: Int) {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var faults = 0
    for count in 1...min(capacity, 7) {
      for order in permutations(Array(0..<count)) {
        var window = ReorderWindow(capacity: capacity)
        var finished = Set<Int>()
        var left = 0
        for round in 0..<3 {
          for number in order.map({ round * count + $0 }) {
            window.put(ref(number), number: UInt64(number))
            finished.insert(number)
            var expected: [Int] = []
            while finished.contains(left) {
              expected.append(left)
              left += 1
            }
            if leaving(&window, refs) != expected { faults += 1 }
          }
        }
        if left != 3 * count { faults += 1 }
        window.deallocate()
      }
    }
    #expect(faults == 0)
  }

  @Test func `nothing leaves before the first`() {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    var window = ReorderWindow(capacity: 256)
    defer {
      window.deallocate()
      refs.deallocate()
    }
    for number in 1..<200 { window.put(ref(number), number: UInt64(number)) }
    #expect(leaving(&window, refs).isEmpty)
    window.put(ref(0), number: 0)
    var burst = Burst(refs)
    window.take(into: &burst)
    #expect(burst.count == Burst.capacity)
    #expect(leaving(&window, refs) == Array(64..<200))
  }

  @Test func `a burst that holds packets already is filled up, not over`() {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    var window = ReorderWindow(capacity: 128)
    defer {
      window.deallocate()
      refs.deallocate()
    }
    for number in 0..<100 { window.put(ref(number), number: UInt64(number)) }
    for free in [0, 1, 3] {
      var burst = Burst(refs, count: Burst.capacity - free)
      window.take(into: &burst)
      #expect(burst.count == Burst.capacity)
    }
    #expect(leaving(&window, refs) == Array(4..<100))
  }
}

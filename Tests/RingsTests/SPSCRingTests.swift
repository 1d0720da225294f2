import Rings
import Testing

@Suite("A ring of one, two, four and eight places does what an array of that size does")
struct SmallRingTests {
  @Test("At every fill, from every offset, for every burst", arguments: [1, 2, 4, 8])
  func everyFill(_ capacity: Int) {
    var failures: [String] = []
    for offset in 0...2 * capacity + 1 {
      for fill in 0...capacity {
        for burst in 0...capacity + 2 {
          for step in 0..<3 {
            withRing(of: UInt32.self, capacity: capacity) { ring in
              var model = Model(ring)
              // Turned on by single elements, so that the indices stand anywhere.
              for _ in 0..<offset {
                model.put(1)
                model.takeOne()
              }
              model.put(fill)
              switch step {
              case 0: model.put(burst)
              case 1: model.take(burst)
              default: for _ in 0..<burst { model.takeOne() }
              }
              model.put(1)
              model.take(capacity + 1)
              model.takeOne()
              if !model.agrees {
                failures.append("offset \(offset), fill \(fill), burst \(burst), step \(step)")
              }
            }
          }
        }
      }
    }
    #expect(failures.first == nil)
  }

  @Test("After every sequence of five steps", arguments: [1, 2, 4, 8])
  func everySequence(_ capacity: Int) {
    let steps: [(String, (inout Model) -> Void)] = [
      ("put 1", { $0.put(1) }), ("put 2", { $0.put(2) }), ("put too many", { $0.put(capacity + 1) }),
      ("take 1", { $0.take(1) }), ("take 2", { $0.take(2) }), ("take all", { $0.take(capacity + 1) }),
      ("take one alone", { $0.takeOne() }),
    ]
    var failures: [String] = []
    let sequences = (0..<5).reduce(1) { product, _ in product * steps.count }
    for sequence in 0..<sequences {
      withRing(of: UInt32.self, capacity: capacity) { ring in
        var model = Model(ring)
        var taken: [String] = []
        var rest = sequence
        for _ in 0..<5 {
          let (name, step) = steps[rest % steps.count]
          taken.append(name)
          step(&model)
          rest /= steps.count
        }
        if !model.agrees { failures.append("\(taken)") }
      }
    }
    #expect(failures.first == nil)
  }

  @Test("Through the end of the indices nothing changes", arguments: [1, 2, 4, 8])
  func wrap(_ capacity: Int) {
    for before in 0...2 * capacity {
      withRing(of: UInt32.self, capacity: capacity) { ring in
        setIndices(of: ring, to: UInt.max - UInt(before))
        var model = Model(ring)
        for burst in [1, capacity, 0, capacity + 1, 2, capacity] {
          model.put(burst)
          model.takeOne()
          model.put(1)
          model.take(burst)
        }
        if !model.agrees { Issue.record("\(before) before the end") }
      }
    }
  }

  /// No run comes that far, so the test reaches into the state: the handle begins with the address of the two
  /// sides, each on 128 bytes that begin with its index and its copy of the other's.
  private func setIndices(of ring: SPSCRing<UInt32>, to index: UInt) {
    withUnsafeBytes(of: ring) { handle in
      let sides = handle.load(as: UnsafeMutableRawPointer.self)
      for offset in [0, 8, 128, 136] { sides.storeBytes(of: index, toByteOffset: offset, as: UInt.self) }
    }
  }
}

@Suite("A ring of any element")
struct RingTests {
  @Test("The capacity is what was asked for", arguments: [1, 2, 1024, 65536])
  func capacity(_ capacity: Int) {
    withRing(of: UInt8.self, capacity: capacity) { #expect($0.capacity == capacity) }
  }

  @Test("A capacity that is no power of two is refused at start")
  func refused() async {
    await #expect(processExitsWith: .failure) { _ = SPSCRing<UInt8>(capacity: 3) }
    await #expect(processExitsWith: .failure) { _ = SPSCRing<UInt8>(capacity: 0) }
  }

  @Test("Elements of any width keep every bit")
  func widths() {
    withRing(of: UInt8.self, capacity: 256) { ring in
      let all = Array(UInt8.min...UInt8.max)
      #expect(ring.enqueue(all) == 256)
      #expect(ring.dequeue(atMost: 256) == all)
    }
    withRing(of: InlineArray<5, UInt64>.self, capacity: 4) { ring in
      let wide = InlineArray<5, UInt64> { UInt64($0) << 60 | 0xabc }
      #expect(ring.enqueue([wide, wide, wide]) == 3)
      for _ in 0..<3 {
        let found = ring.dequeue()
        #expect(found.map { element in (0..<5).allSatisfy { element[$0] == wide[$0] } } == true)
      }
      #expect(ring.dequeue() == nil)
    }
  }
}

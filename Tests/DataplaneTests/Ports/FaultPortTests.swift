import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Testing

/// The fault injector: the same faults for the same seed, counted, and no frame lost.
@Suite struct FaultPortTests {
  static let input: [[UInt8]] = (0..<2000).map { number in
    ethernet(.ipv4, ipv4(.udp, udp(big(UInt32(number)) + [UInt8](repeating: 0, count: number % 40))))
  }

  static func play(
    _ change: (inout FaultDescription) -> Void
  ) throws -> (frames: [[UInt8]], counts: FaultCounts, free: Int) {
    var description = FaultDescription()
    change(&description)
    let memory = try PortMemory()
    var port = FaultPort(ListPort(input, frames: memory.frames), description, frames: memory.frames)
    defer { port.deallocate() }
    let frames = memory.all(&port)
    return (frames, port.counts, memory.freeFrames)
  }

  @Test func `without faults everything passes as it is`() throws {
    let result = try Self.play { _ in }
    expectSame(result.frames, Self.input)
    #expect(result.free == 1024)
  }

  @Test func `all faults together are the same for the same seed`() throws {
    func play(seed: UInt64) throws -> [[UInt8]] {
      let result = try Self.play {
        $0.truncate = 0.1
        $0.flip = 0.1
        $0.duplicate = 0.1
        $0.reorder = 0.1
        $0.drop = 0.1
        $0.seed = seed
      }
      let counts = result.counts
      #expect(result.frames.count == Self.input.count - counts.dropped + counts.duplicated)
      #expect(result.free == 1024)
      for count in [counts.truncated, counts.flipped, counts.duplicated, counts.reordered, counts.dropped] {
        // 2000 draws or a few less at a tenth: 200 ± 13; held packets cannot be duplicated, dropped ones nothing.
        #expect((110...290).contains(count))
      }
      return result.frames
    }
    let first = try play(seed: 1)
    #expect(try play(seed: 1) == first)
    #expect(try play(seed: 2) != first)
  }

  @Test func `drop takes packets away and leaves the others`() throws {
    let result = try Self.play { $0.drop = 0.5 }
    #expect(result.frames.count == 2000 - result.counts.dropped)
    #expect((800...1200).contains(result.counts.dropped))
    let kept = Set(result.frames)
    expectSame(Self.input.filter { kept.contains($0) }, result.frames)
    let none = try Self.play { $0.drop = 1 }
    #expect(none.frames.isEmpty && none.counts.dropped == 2000 && none.free == 1024)
  }

  @Test func `truncate makes every packet a shorter beginning of itself`() throws {
    let result = try Self.play { $0.truncate = 1 }
    #expect(result.counts.truncated == 2000 && result.frames.count == 2000)
    #expect(zip(result.frames, Self.input).allSatisfy { $0.count < $1.count && $1.starts(with: $0) })
    // Down to nothing, sometimes.
    #expect(result.frames.contains { $0.isEmpty })
  }

  @Test func `flip turns exactly one bit, anywhere`() throws {
    let result = try Self.play { $0.flip = 1 }
    #expect(result.counts.flipped == 2000)
    var places = Set<Int>()
    for (frame, original) in zip(result.frames, Self.input) {
      let bits = zip(frame, original).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
      if frame.count != original.count || bits != 1 { Issue.record("\(bits) bits") }
      places.insert(zip(frame, original).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? -1)
    }
    #expect(places.contains(0) && places.count > 60)
  }

  @Test func `duplicate sends every packet twice in a row`() throws {
    let result = try Self.play { $0.duplicate = 1 }
    #expect(result.counts.duplicated == 2000)
    expectSame(result.frames, Self.input.flatMap { [$0, $0] })
    #expect(result.free == 1024)
  }

  @Test func `reorder lets the next packet pass, and loses none`() throws {
    let result = try Self.play { $0.reorder = 1 }
    #expect(result.counts.reordered == 1000)
    let expected = stride(from: 0, to: 2000, by: 2).flatMap { [Self.input[$0 + 1], Self.input[$0]] }
    expectSame(result.frames, expected)
    let some = try Self.play { $0.reorder = 0.2 }
    #expect(some.frames != Self.input)
    expectSame(
      some.frames.sorted { $0.lexicographicallyPrecedes($1) }, Self.input.sorted { $0.lexicographicallyPrecedes($1) })
  }

  @Test(arguments: [1, 2, 3])
  func `the last packet is not held back for ever`(_ count: Int) throws {
    let memory = try PortMemory()
    var description = FaultDescription()
    description.reorder = 1
    var port = FaultPort(
      ListPort(Array(Self.input.prefix(count)), frames: memory.frames), description, frames: memory.frames)
    defer { port.deallocate() }
    #expect(memory.all(&port).count == count)
    #expect(memory.freeFrames == 1024)
  }
}

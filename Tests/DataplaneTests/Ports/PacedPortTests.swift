@testable import Dataplane
import Memory
import PacketMaking
import Testing

/// Pace: never early, in order, and not much too late. The upper bounds allow for a machine that is busy.
@Suite(.serialized) struct PacedPortTests {
  static let input: [[UInt8]] = (0..<300).map { ethernet(.ipv4, ipv4(.udp, udp(big(UInt32($0))))) }

  /// Time stamps of one's own, in milliseconds.
  struct StampedPort: ReceivePort {
    var inner: ListPort
    let milliseconds: [Int64]
    let memory: PacketMemory
    var stamped = 0

    mutating func receive(into burst: inout Burst) -> Bool {
      let before = burst.count
      let isOpen = inner.receive(into: &burst)
      for index in before..<burst.count {
        let header = memory.header(of: burst.refs[index])
        header.pointee.seconds = milliseconds[stamped].quotientAndRemainder(dividingBy: 1000).quotient
        header.pointee.nanoseconds = UInt32(milliseconds[stamped] % 1000 * 1_000_000)
        stamped += 1
      }
      return isOpen
    }
  }

  /// When each packet came, from the start.
  private func times<Inner: ReceivePort>(
    _ inner: (PortMemory) -> Inner, _ pace: Pace
  ) throws -> (frames: [[UInt8]], at: [Duration]) {
    let memory = try PortMemory()
    var port = PacedPort(inner(memory), pace, memory: memory.memory)
    defer { port.deallocate() }
    var frames: [[UInt8]] = []
    var at: [Duration] = []
    let start = ContinuousClock.now
    memory.drain(&port) { ref in
      frames.append(memory.octets(ref))
      at.append(start.duration(to: .now))
    }
    return (frames, at)
  }

  @Test func `as fast as possible holds nothing back`() throws {
    let result = try times({ ListPort(Self.input, frames: $0.frames) }, .asFastAsPossible)
    expectSame(result.frames, Self.input)
  }

  @Test func `a rate is kept from the first packet to the last`() throws {
    let result = try times({ ListPort(Self.input, frames: $0.frames) }, .packetsPerSecond(1000))
    expectSame(result.frames, Self.input)
    for index in stride(from: 0, to: 300, by: 50) {
      #expect(result.at[index] >= .milliseconds(index))
    }
    #expect(result.at[299] < .seconds(5))
  }

  @Test func `the original pace keeps the gaps of the capture`() throws {
    let gaps: [Int64] = [5000, 5000, 5040, 5100, 5100, 5250]
    let result = try times(
      {
        StampedPort(
          inner: ListPort(Array(Self.input.prefix(6)), frames: $0.frames), milliseconds: gaps, memory: $0.memory)
      }, .original)
    expectSame(result.frames, Array(Self.input.prefix(6)))
    for (at, gap) in zip(result.at, gaps) { #expect(at >= .milliseconds(gap - 5000)) }
    #expect(result.at[1] < .milliseconds(40 + 1000) && result.at[5] < .seconds(3))
  }

  @Test func `a clock that steps back does not hold packets up`() throws {
    let stamps: [Int64] = [1_000_000, 1_000_010, 3, 1_000_020]
    let result = try times(
      {
        StampedPort(
          inner: ListPort(Array(Self.input.prefix(4)), frames: $0.frames), milliseconds: stamps, memory: $0.memory)
      }, .original)
    expectSame(result.frames, Array(Self.input.prefix(4)))
    #expect(result.at[3] >= .milliseconds(20) && result.at[3] < .seconds(3))
  }

  /// The second packet is due after the end of time; asking for it must not trap.
  @Test(arguments: [1e-3, 1e-9, 1e-12, 1e-300])
  func `a rate so low that nothing comes is still a rate`(_ rate: Double) throws {
    let memory = try PortMemory()
    var port = PacedPort(ListPort(Self.input, frames: memory.frames), .packetsPerSecond(rate), memory: memory.memory)
    defer { port.deallocate() }
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var count = 0
    for _ in 0..<3 {
      var burst = Burst(refs)
      let isOpen = port.receive(into: &burst)
      #expect(isOpen)
      count += burst.count
    }
    #expect(count == 1)
  }
}

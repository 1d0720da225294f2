import Glibc
import Memory
import PacketMaking
import Testing

@testable import Dataplane

/// What the live ports have in common, for tests that run one like the other.
protocol LivePortUnderTest {
  mutating func receive(into burst: inout Burst)
  mutating func send(_ refs: UnsafePointer<PacketRef>, _ count: Int)
  mutating func flush()
  func close()
  var descriptor: Int32 { get }
  var counters: PortCounters { get }
}

extension PacketQueue: LivePortUnderTest {}

/// Frames for ports under test, on one thread.
final class LiveMemory {
  let memory: PacketMemory
  let frames: FrameSource

  init(frames count: Int = 4096) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = count
    sizes.largeFrames = 8
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory, keeping: 256)
  }

  deinit {
    frames.deallocate()
    memory.deallocate()
  }

  func octets(_ ref: PacketRef) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: memory.address(of: ref), count: Int(ref.length)))
  }

  func ref(_ octets: [UInt8]) -> PacketRef {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    precondition(frames.take(length: octets.count, &ref), "no frame")
    memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    return ref
  }

  /// Every frame there is can be taken: none was lost, none given back twice.
  var isWhole: Bool {
    var taken: [PacketRef] = []
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    while frames.take(length: 60, &ref) { taken.append(ref) }
    for ref in taken { frames.give(ref) }
    return taken.count == memory.sizes.frames && Set(taken.map(\.position)).count == taken.count
  }

  /// Receives until `count` frames are there or the time is over.
  func receive(_ port: inout some LivePortUnderTest, _ count: Int, milliseconds: Int = 5000) -> [[UInt8]] {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    let deadline = Deadline(milliseconds: milliseconds)
    var all: [[UInt8]] = []
    while all.count < count, !deadline.isOver {
      var burst = Burst(refs)
      port.receive(into: &burst)
      port.flush()
      for index in 0..<burst.count {
        all.append(octets(burst.refs[index]))
        frames.give(burst.refs[index])
      }
      if burst.count == 0 { giveWay() }
    }
    return all
  }

  func send(_ port: inout some LivePortUnderTest, _ octets: [[UInt8]]) {
    port.send(octets.map { ref($0) }, octets.count)
    port.flush()
  }
}

/// What a bridge saw pass.
struct Passed {
  var frames = 0
  var longest = 0
  var unsound = 0
  var tcp = 0
  var udp = 0
}

/// Carries frames between two ports until it is told to stop, and looks at each: a TCP or UDP packet that no receiver
/// would take is counted.
enum Bridge {
  static func run(
    _ memory: LiveMemory, _ one: inout some LivePortUnderTest, _ other: inout some LivePortUnderTest,
    until isOver: () -> Bool
  ) -> Passed {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var passed = Passed()
    while !isOver() {
      let count = carry(memory, &one, &other, refs, &passed) + carry(memory, &other, &one, refs, &passed)
      // Whoever has nothing to do sleeps until there is something, as a worker would.
      if count == 0 { sleep(one.descriptor, other.descriptor) }
    }
    return passed
  }

  private static func sleep(_ one: Int32, _ other: Int32) {
    var waited = [
      pollfd(fd: one, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    poll(&waited, 2, 10)
  }

  private static func carry(
    _ memory: LiveMemory, _ from: inout some LivePortUnderTest, _ to: inout some LivePortUnderTest,
    _ refs: UnsafeMutablePointer<PacketRef>, _ passed: inout Passed
  ) -> Int {
    var burst = Burst(refs)
    from.receive(into: &burst)
    for index in 0..<burst.count { look(memory.octets(burst.refs[index]), &passed) }
    to.send(burst.refs, burst.count)
    from.flush()
    return burst.count
  }

  private static func look(_ octets: [UInt8], _ passed: inout Passed) {
    passed.frames += 1
    passed.longest = max(passed.longest, octets.count)
    guard
      octets[12..<14] == [8, 0] && [6, 17].contains(octets[23])
        || octets[12..<14] == [0x86, 0xdd] && [6, 17].contains(octets[20]),
      let read = SegmentReader(octets)
    else { return }
    if !read.isSound { passed.unsound += 1 }
    if read.isTCP { passed.tcp += 1 } else { passed.udp += 1 }
  }
}

import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Testing
import Wire

/// Synthetic traffic: the same for the same seed, of the sizes asked for, and all of it work.
@Suite struct GeneratorPortTests {
  static func description(_ change: (inout GeneratorDescription) -> Void) -> GeneratorDescription {
    var description = GeneratorDescription()
    description.packets = 3000
    change(&description)
    return description
  }

  /// `stale` is what lay in the frames before.
  static func frames(_ description: GeneratorDescription, stale: UInt8 = 0) throws -> [[UInt8]] {
    let memory = try PortMemory()
    var taken: [PacketRef] = []
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    while memory.frames.take(length: 1500, &ref) {
      (memory.memory.address(of: ref)).initializeMemory(as: UInt8.self, repeating: stale, count: 1518)
      taken.append(ref)
    }
    for ref in taken { memory.frames.give(ref) }
    var port = GeneratorPort(description, frames: memory.frames)
    let all = memory.all(&port)
    #expect(memory.freeFrames == 1024)
    return all
  }

  @Test(arguments: [0, 50, 100])
  func `the same seed gives the same octets, whatever was in the frames before`(_ ipv6Percent: Int) throws {
    let description = Self.description { $0.ipv6Percent = ipv6Percent }
    let first = try Self.frames(description)
    #expect(first.count == 3000)
    try expectSame(Self.frames(description), first)
    try expectSame(Self.frames(description, stale: 0xa5), first)
    #expect(
      try Self.frames(
        Self.description {
          $0.ipv6Percent = ipv6Percent; $0.seed = 2
        }) != first)
  }

  @Test(arguments: [64, 65, 78, 594, 1518])
  func `a fixed size counts the four octets of check sequence that are not in memory`(_ size: Int) throws {
    #expect(try Self.frames(Self.description { $0.size = .fixed(size) }).allSatisfy { $0.count == size - 4 })
  }

  @Test func `a range is used from end to end, and not left`() throws {
    let sizes = try Self.frames(Self.description { $0.size = .range(100, 131) }).map { $0.count + 4 }
    #expect(Set(sizes) == Set(100...131))
  }

  /// 12 000 draws: 7000 ± 54, 4000 ± 52, 1000 ± 30; six of these.
  @Test func `imix is 7 to 4 to 1`() throws {
    let sizes = try Self.frames(Self.description { $0.packets = 12_000 }).map { $0.count + 4 }
    let counts = [64, 594, 1518].map { size in sizes.filter { $0 == size }.count }
    #expect(counts.reduce(0, +) == 12_000)
    #expect(abs(counts[0] - 7000) < 324 && abs(counts[1] - 4000) < 312 && abs(counts[2] - 1000) < 180)
  }

  @Test(arguments: [GeneratorDescription.Size.imix, .fixed(64), .fixed(1518), .range(64, 1518)], [0, 30, 100])
  func `every packet is classified as a flow`(_ size: GeneratorDescription.Size, _ ipv6Percent: Int) throws {
    let plane = Plane()
    let frames = try Self.frames(
      Self.description {
        $0.size = size; $0.ipv6Percent = ipv6Percent
      })
    #expect(frames.allSatisfy { plane.rule($0) == .flow })
  }

  @Test func `IPv4 headers are right: length and checksum`() throws {
    for frame in try Self.frames(Self.description { $0.size = .range(64, 1518) }) {
      let header = Array(frame[14..<34])
      if checksum(header) != 0 { Issue.record("checksum of \(header)") }
      if Int(header[2]) << 8 | Int(header[3]) != frame.count - 14 { Issue.record("length of \(header)") }
    }
  }

  @Test func `flows have two directions, two protocols, and the number asked for`() throws {
    let frames = try Self.frames(
      Self.description {
        $0.flows = 40; $0.size = .fixed(128)
      })
    let tuples = Set(
      frames.map { frame in
        let ends = [Array(frame[26..<30] + frame[34..<36]), Array(frame[30..<34] + frame[36..<38])]
        return [frame[23]] + ends.sorted { $0.lexicographicallyPrecedes($1) }.joined()
      })
    #expect(tuples.count == 40)
    #expect(Set(frames.map { $0[23] }) == [6, 17])
    let directions = Set(frames.map { Array($0[26..<38]) })
    #expect(directions.count == 80)
  }

  @Test func `the share of IPv6 is a share of flows`() throws {
    let frames = try Self.frames(
      Self.description {
        $0.ipv6Percent = 25; $0.flows = 100; $0.packets = 8000
      })
    let share = Double(frames.filter { $0[12] == 0x86 }.count) / 8000
    #expect(abs(share - 0.25) < 0.03)
  }
}

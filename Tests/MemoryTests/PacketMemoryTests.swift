import Memory
import PacketMaking
import Testing

@Suite("Frames lie apart, inside the arena, and never in step with the cache")
struct PacketMemoryTests {
  @Test(
    "No two frames overlap and none reaches beyond the arena",
    arguments: [(64, 320), (64, 1500), (128, 2048), (192, 2049), (64, 4096), (8192, 2048)])
  func apart(_ frames: Int, _ frameBytes: Int) throws {
    try withMemory(sizes(frames: frames, frameBytes: frameBytes)) { memory in
      let small = memory.reserve.fetchAll()
      let large = memory.largeReserve.fetchAll()
      #expect(small.count == frames)
      #expect(large.count == 64)
      let largeBytes = 4096 + 64 + 128 + 64
      let spans =
        (small.map { (start: Int($0) * 64, bytes: frameBytes) }
        + large.map { (start: Int($0) * 64, bytes: largeBytes) }).sorted { $0.start < $1.start }
      for (span, next) in zip(spans, spans.dropFirst()) {
        if span.start + span.bytes > next.start {
          Issue.record("\(span) overlaps \(next)")
          return
        }
      }
      #expect(spans.first?.start == 0)
      #expect(spans.last.map { $0.start + $0.bytes <= memory.arena.bytes } == true)
    }
  }

  @Test(
    "From frame to frame it is an odd number of cache lines", arguments: [320, 1500, 2048, 2049, 2112, 4096])
  func stride(_ frameBytes: Int) throws {
    try withMemory(sizes(frames: 128, frameBytes: frameBytes)) { memory in
      for positions in [memory.reserve.fetchAll().sorted(), memory.largeReserve.fetchAll().sorted()] {
        let steps = Set(zip(positions, positions.dropFirst()).map { $1 - $0 })
        #expect(steps.count == 1)
        #expect(steps.first?.isMultiple(of: 2) == false)
      }
    }
  }

  @Test("What is written into one frame, from head to tail, is not seen in any other")
  func contents() throws {
    try withSource(sizes(frames: 128, largeFrames: 64, largeFrameBytes: 64 << 10)) { source in
      let memory = source.memory
      let refs = source.takeAll(1792) + source.takeAll(64 << 10)
      #expect(refs.count == 192)
      func frame(_ ref: PacketRef) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
          start: memory.header(of: ref), count: Int(ref.offset) + Int(ref.length) + 64)
      }
      for (mark, ref) in refs.enumerated() {
        _ = frame(ref).initializeMemory(as: UInt8.self, repeating: UInt8(mark))
      }
      for (mark, ref) in refs.enumerated() {
        if frame(ref).contains(where: { $0 != UInt8(mark) }) {
          Issue.record("frame \(mark) was written by another")
          return
        }
      }
    }
  }

  @Test("The packet begins behind the header and the headroom; its frame is told from its position")
  func places() throws {
    try withSource(sizes()) { source in
      for length in [0, 60, 1792, 1793, 4096] {
        let ref = try #require(source.take(length))
        let distance = source.memory.address(of: ref) - UnsafeMutableRawPointer(source.memory.header(of: ref))
        #expect(distance == FrameHeader.size + 128)
        #expect(UInt(bitPattern: source.memory.header(of: ref)) % 64 == 0)
        #expect(source.memory.isLarge(ref) == (length > 1792))
        #expect(ref.length == UInt32(length))
        #expect(source.memory.addresses.address(start: ref.start) == source.memory.address(of: ref))
        #expect(PacketRef(position: ref.position, offset: ref.offset, length: 0).start == ref.start)
      }
    }
  }
}

@Suite("Packet memory has its limit")
struct PacketMemoryLimitTests {
  @Test("A reference counts bytes in 32 bits, so more than 4 GiB is refused at start, before any is mapped")
  func tooMuch() {
    #expect {
      try PacketMemory(sizes(frames: 1 << 20, frameBytes: 4096), near: nil)
    } throws: { error in
      "\(error)" == "1048576 frames of 4096 bytes are more than the 4 GiB that packets may have"
    }
  }

  @Test("At the far end of the arena a reference still finds its packet and its frame")
  func farEnd() {
    let last = UInt32(0xffff_fc00)
    let ref = PacketRef(position: last / 64, offset: 192, length: 1)
    #expect(ref.start == last + 192)
    #expect(ref.position == last / 64)
  }
}

@Suite("A packet gets a frame that holds it, or none")
struct FrameSourceTests {
  @Test("1792 bytes fit into a frame of 2048, one more takes a large one")
  func border() throws {
    try withSource(sizes()) { source in
      let (small, large) = try (#require(source.take(1792)), #require(source.take(1793)))
      #expect(!source.memory.isLarge(small))
      #expect(source.memory.isLarge(large))
    }
  }

  @Test("64 KiB and 256 KiB have their place with the sizes that are used unless told otherwise")
  func large() throws {
    try withSource(PacketMemorySizes()) { source in
      for length in [64 << 10, 65535, 256 << 10] {
        let ref = try #require(source.take(length))
        let packet = UnsafeMutableRawBufferPointer(start: source.memory.address(of: ref), count: length + 64)
        _ = packet.initializeMemory(as: UInt8.self, repeating: 0xa5)
        #expect(source.memory.isLarge(ref))
      }
      #expect(source.memory.longestPacket == 256 << 10)
    }
  }

  @Test("A packet that no frame holds is refused, and costs no frame")
  func tooLarge() throws {
    try withSource(sizes(largeFrameBytes: 4096)) { source in
      #expect(source.take(4097) == nil)
      #expect(source.take(.max) == nil)
      #expect(source.takeAll(4096).count == 64)
    }
  }

  @Test("Small and large frames run out apart from each other, and come back")
  func exhaustion() throws {
    try withSource(sizes(frames: 128)) { source in
      let large = source.takeAll(4096)
      #expect(large.count == 64)
      let small = source.takeAll(60)
      #expect(small.count == 128)
      #expect(source.take(60) == nil)
      #expect(source.take(4096) == nil)
      for ref in small.shuffled() + large.shuffled() { source.give(ref) }
      #expect(Set(source.takeAll(60).map(\.position)) == Set(small.map(\.position)))
      #expect(Set(source.takeAll(4096).map(\.position)) == Set(large.map(\.position)))
    }
  }

  @Test("A frame that is given back elsewhere can be had again where it is needed")
  func migration() throws {
    try withMemory(sizes(frames: 1024)) { memory in
      let receiver = FrameSource(memory, keeping: 128)
      let sender = FrameSource(memory, keeping: 128)
      defer {
        receiver.deallocate()
        sender.deallocate()
      }
      func pass(_ length: Int, _ count: Int) -> Int {
        (0..<count).count { _ in
          guard let ref = receiver.take(length) else { return false }
          sender.give(ref)
          return true
        }
      }
      #expect(pass(60, 5000) == 5000)
      #expect(pass(4096, 5000) == 5000)
    }
  }
}

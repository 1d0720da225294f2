import Memory
import PacketMaking

/// Sizes for tests: a few frames, and large ones that do not take long to map.
func sizes(frames: Int = 64, frameBytes: Int = 2048, largeFrames: Int = 64, largeFrameBytes: Int = 4096)
  -> PacketMemorySizes
{
  var sizes = PacketMemorySizes()
  sizes.frames = frames
  sizes.frameBytes = frameBytes
  sizes.largeFrames = largeFrames
  sizes.largeFrameBytes = largeFrameBytes
  return sizes
}

func withMemory<Result>(
  _ sizes: PacketMemorySizes, _ body: (PacketMemory) throws -> Result
) throws -> Result {
  let memory = try PacketMemory(sizes, near: nil)
  defer { memory.deallocate() }
  return try body(memory)
}

func withSource<Result>(
  _ sizes: PacketMemorySizes, keeping frames: Int = 128, _ body: (FrameSource) throws -> Result
) throws -> Result {
  try withMemory(sizes) { memory in
    let source = FrameSource(memory, keeping: frames)
    defer { source.deallocate() }
    return try body(source)
  }
}

/// A reserve of frames at the positions 0, 1, 2 …, which a test can tell apart.
func withReserve<Result>(_ frames: Int, _ body: (FrameReserve) throws -> Result) rethrows -> Result {
  let reserve = FrameReserve(frames: frames) { UInt32($0) }
  defer { reserve.deallocate() }
  return try body(reserve)
}

func withPool<Result>(
  frames: Int, capacity: Int = 128, _ body: (FramePool, FrameReserve) throws -> Result
) rethrows -> Result {
  try withReserve(frames) { reserve in
    let pool = FramePool(capacity: capacity, reserve: reserve)
    defer { pool.deallocate() }
    return try body(pool, reserve)
  }
}

/// No test has more frames. Whoever counts them stops here: what is broken may have no end.
private let mostFrames = 8192

extension FramePool {
  func take() -> UInt32? {
    var position: UInt32 = 0
    return take(&position) ? position : nil
  }

  func takeAll() -> [UInt32] {
    var positions: [UInt32] = []
    while positions.count <= mostFrames, let position = take() { positions.append(position) }
    return positions
  }

  func take(atMost count: Int) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: max(count, 1)) { $1 = take($0.baseAddress!, count: count) }
  }

  func give(_ positions: [UInt32]) {
    positions.withUnsafeBufferPointer { if let base = $0.baseAddress { give(base, count: $0.count) } }
  }
}

extension FrameReserve {
  func fetch() -> [UInt32]? {
    var positions = [UInt32](repeating: .max, count: magazineSize)
    return fetch(into: &positions) ? positions : nil
  }

  func fetchAll() -> [UInt32] {
    var positions: [UInt32] = []
    while positions.count <= mostFrames, let magazine = fetch() { positions += magazine }
    return positions
  }
}

extension FrameSource {
  func take(_ length: Int) -> PacketRef? {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    return take(length: length, &ref) ? ref : nil
  }

  func takeAll(_ length: Int) -> [PacketRef] {
    var refs: [PacketRef] = []
    while let ref = take(length) { refs.append(ref) }
    return refs
  }
}

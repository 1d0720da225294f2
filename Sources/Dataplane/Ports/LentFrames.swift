import Memory

/// Which frames a kernel has of ours. A ring tells what comes back, but not what is still in a driver when it closes.
struct LentFrames {
  private let bits: UnsafeMutablePointer<UInt64>
  private let words: Int

  init(_ memory: PacketMemory) {
    // One bit for every place where a frame could begin: a division less than one for every frame.
    words = memory.arena.bytes / Int(FrameAddresses.unit) / 64 + 1
    bits = .allocate(capacity: words)
    bits.initialize(repeating: 0, count: words)
  }

  func deallocate() { bits.deallocate() }

  @inline(__always)
  func lend(_ position: UInt32) {
    bits[Int(position >> 6)] |= 1 << UInt64(position & 63)
  }

  @inline(__always)
  func takeBack(_ position: UInt32) {
    assert(has(position), "a frame comes back that was not lent")
    bits[Int(position >> 6)] &= ~(1 << UInt64(position & 63))
  }

  @inline(__always)
  func has(_ position: UInt32) -> Bool { bits[Int(position >> 6)] & 1 << UInt64(position & 63) != 0 }

  var count: Int {
    var count = 0
    for word in 0..<words { count += bits[word].nonzeroBitCount }
    return count
  }

  var positions: [UInt32] {
    var positions: [UInt32] = []
    for word in 0..<words {
      var left = bits[word]
      while left != 0 {
        positions.append(UInt32(word << 6 | left.trailingZeroBitCount))
        left &= left &- 1
      }
    }
    return positions
  }
}

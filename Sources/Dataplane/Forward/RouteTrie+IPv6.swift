import CKernel
import Wire

// IPv6 has skips as well: most of an address's bits distinguish nothing.
extension RouteTrie {
  @inline(__always)
  func find6(_ high: UInt64, _ low: UInt64) -> UInt32 {
    var word = words[Int(truncatingIfNeeded: high &>> (64 &- topBits))]
    while !Self.isValue(word) {
      if Self.isChunk(word) {
        word = step(word, Self.isInUpperHalf(word) ? high : low)
      } else {
        word = pass(skip(word), high, low)
      }
    }
    return word
  }

  /// Whether it is there that a chunk looks: none looks at both halves.
  @inline(__always)
  private static func isInUpperHalf(_ word: UInt32) -> Bool { (word &>> 29) & 1 == 0 }

  @inline(__always)
  private func step(_ word: UInt32, _ half: UInt64) -> UInt32 {
    let before = UInt64((word &>> 23) & 0x7c), spare = 60 &- UInt64((word &>> 21) & 12)
    return line(word)[Int((half &<< before) &>> spare)]
  }

  @inline(__always)
  private func pass(_ skip: UnsafePointer<Skip>, _ high: UInt64, _ low: UInt64) -> UInt32 {
    // A network has one bit at least, and a shift by 64 or more leaves nothing.
    let bits = skip.pointee.bits
    let inHigh = (high ^ skip.pointee.high) &>> (bits < 64 ? 64 &- bits : 0)
    let inLow = (low ^ skip.pointee.low) >> (128 &- bits)
    return inHigh | inLow == 0 ? skip.pointee.inside : skip.pointee.outside
  }

  /// Up to 64 addresses, as in IPv4; those that are at a chunk and those that are at a skip go their step in turn.
  @inline(__always)
  func find6(_ addresses: UnsafePointer<IPv6Address>, _ values: UnsafeMutablePointer<UInt32>, count: Int) {
    let halves = UnsafeRawPointer(addresses).assumingMemoryBound(to: UInt64.self)
    let shift = 64 &- topBits
    var index = 0
    while index < count {
      hauberk_prefetch(words + Int(truncatingIfNeeded: halves[2 &* index] &>> shift))
      index &+= 1
    }
    var atChunk: UInt64 = 0, atSkip: UInt64 = 0
    index = 0
    while index < count {
      let word = words[Int(truncatingIfNeeded: halves[2 &* index] &>> shift)]
      note(word, index, values, &atChunk, &atSkip)
      index &+= 1
    }
    while atChunk | atSkip != 0 {
      var rest = atChunk
      atChunk = 0
      while rest != 0 {
        let index = rest.trailingZeroBitCount
        rest &= rest &- 1
        let chunk = values[index]
        let word = step(chunk, halves[2 &* index &+ Int((chunk &>> 29) & 1)])
        note(word, index, values, &atChunk, &atSkip)
      }
      rest = atSkip
      atSkip = 0
      while rest != 0 {
        let index = rest.trailingZeroBitCount
        rest &= rest &- 1
        let word = pass(skip(values[index]), halves[2 &* index], halves[2 &* index &+ 1])
        note(word, index, values, &atChunk, &atSkip)
      }
    }
  }

  @inline(__always)
  private func note(
    _ word: UInt32, _ index: Int, _ values: UnsafeMutablePointer<UInt32>, _ atChunk: inout UInt64,
    _ atSkip: inout UInt64
  ) {
    values[index] = word
    prefetch(word)
    atChunk |= UInt64(word &>> 31) &<< UInt64(truncatingIfNeeded: index)
    atSkip |= UInt64((word &>> 30) & 1) &<< UInt64(truncatingIfNeeded: index)
  }
}

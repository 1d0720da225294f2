import CKernel

// IPv4 has chunks alone: behind the top's those up to /24, then of four bits each, so that after as many steps as many
// bits have been looked at.
extension RouteTrie {
  @inline(__always)
  func find4(_ address: UInt32) -> UInt32 {
    let topBits = UInt32(truncatingIfNeeded: topBits)
    var word = words[Int(address &>> (32 &- topBits))]
    var rest = address &<< topBits, bits = 24 &- topBits
    while Self.isChunk(word) {
      word = line(word)[Int(rest &>> (32 &- bits))]
      rest = rest &<< bits
      bits = 4
    }
    return word
  }

  /// Up to 64 addresses. One that waits for memory would keep the others waiting; so all go one step, and each asks for
  /// what its next step reads. No branch depends on an address: whether one goes on is a bit in a mask.
  @inline(__always)
  func find4(_ addresses: UnsafePointer<UInt32>, _ values: UnsafeMutablePointer<UInt32>, count: Int) {
    var shift = 32 &- UInt32(truncatingIfNeeded: topBits), mask = (1 as UInt32) &<< (shift &- 8) &- 1
    var index = 0
    while index < count {
      hauberk_prefetch(words + Int(addresses[index] &>> shift))
      index &+= 1
    }
    var open: UInt64 = 0
    index = 0
    while index < count {
      let word = words[Int(addresses[index] &>> shift)]
      values[index] = word
      prefetch(word)
      open |= UInt64(word &>> 31) &<< UInt64(truncatingIfNeeded: index)
      index &+= 1
    }
    shift = 8
    while open != 0 {
      var rest = open
      open = 0
      while rest != 0 {
        let index = rest.trailingZeroBitCount
        rest &= rest &- 1
        let word = line(values[index])[Int((addresses[index] &>> shift) & mask)]
        values[index] = word
        prefetch(word)
        open |= UInt64(word &>> 31) &<< UInt64(truncatingIfNeeded: index)
      }
      shift = shift &- 4
      mask = 15
    }
  }
}

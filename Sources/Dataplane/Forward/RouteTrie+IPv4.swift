import CKernel

// IPv4 has chunks of four bits alone, so that after as many steps as many bits have been looked at.
extension RouteTrie {
  @inline(__always)
  func find4(_ address: UInt32) -> UInt32 {
    let topBits = UInt32(truncatingIfNeeded: topBits)
    var word = words[Int(address &>> (32 &- topBits))]
    var rest = address &<< topBits
    while Self.isChunk(word) {
      word = line(word)[Int(rest &>> 28)]
      rest = rest &<< 4
    }
    return word
  }

  /// Up to 64 addresses. One that waits for memory would keep the others waiting; so all go one step, and each asks for
  /// what its next step reads. No branch depends on an address: whether one goes on is a bit in a mask.
  @inline(__always)
  func find4(_ addresses: UnsafePointer<UInt32>, _ values: UnsafeMutablePointer<UInt32>, count: Int) {
    var shift = 32 &- UInt32(truncatingIfNeeded: topBits)
    for index in 0..<count { hauberk_prefetch(words + Int(addresses[index] &>> shift)) }
    var open: UInt64 = 0
    for index in 0..<count {
      let word = words[Int(addresses[index] &>> shift)]
      values[index] = word
      prefetch(word)
      open |= UInt64(word &>> 31) &<< UInt64(truncatingIfNeeded: index)
    }
    while open != 0 {
      shift = shift &- 4
      var rest = open
      open = 0
      while rest != 0 {
        let index = rest.trailingZeroBitCount
        rest &= rest &- 1
        let word = line(values[index])[Int((addresses[index] &>> shift) & 15)]
        values[index] = word
        prefetch(word)
        open |= UInt64(word &>> 31) &<< UInt64(truncatingIfNeeded: index)
      }
    }
  }
}

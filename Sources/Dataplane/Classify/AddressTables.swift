import Contract
import Wire

/// The cluster's own addresses (C25), few enough to be compared one by one behind a filter of one word.
struct ClusterAddresses {
  struct Entry: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
    var isIPv6: Bool
  }

  let entries: UnsafeMutablePointer<Entry>
  let count: Int
  /// A bit for every IPv4 address's place: most packets are told apart here, without a loop.
  let filter: UInt64

  init(_ addresses: [IPAddress]) {
    count = addresses.count
    entries = .allocate(capacity: max(1, count))
    var filter: UInt64 = 0
    for (index, address) in addresses.enumerated() {
      let halves = address.halves
      (entries + index).initialize(to: Entry(high: halves.high, low: halves.low, isIPv6: halves.isIPv6))
      if !halves.isIPv6 { filter |= Self.bit(UInt32(truncatingIfNeeded: halves.low)) }
    }
    self.filter = filter
  }

  func deallocate() { entries.deallocate() }

  @inline(__always)
  static func bit(_ address: UInt32) -> UInt64 { 1 &<< UInt64((address &* 0x9e37_79b1) >> 26) }

  /// An address of ours to answer from.
  func first(isIPv6: Bool) -> (high: UInt64, low: UInt64)? {
    var index = 0
    while index < count {
      if entries[index].isIPv6 == isIPv6 { return (entries[index].high, entries[index].low) }
      index &+= 1
    }
    return nil
  }

  func contains(high: UInt64, low: UInt64, isIPv6: Bool) -> Bool {
    if !isIPv6, filter & Self.bit(UInt32(truncatingIfNeeded: low)) == 0 { return false }
    var index = 0
    while index < count {
      let entry = entries[index]
      if entry.low == low, entry.high == high, entry.isIPv6 == isIPv6 { return true }
      index &+= 1
    }
    return false
  }
}

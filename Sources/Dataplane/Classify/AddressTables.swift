import Contract
import Wire

/// The two addresses of a packet as numbers. An IPv4 address stands in the low half, below 2³².
struct AddressPair {
  var sourceHigh: UInt64 = 0
  var sourceLow: UInt64 = 0
  var destinationHigh: UInt64 = 0
  var destinationLow: UInt64 = 0
  var isIPv6 = false
}

extension IPAddress {
  var halves: (high: UInt64, low: UInt64, isIPv6: Bool) {
    switch self {
    case .v4(let address): (0, UInt64(address.value), false)
    case .v6(let address): (address.high, address.low, true)
    }
  }
}

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

/// Which clear traffic takes a unicast tunnel, and so belongs to that tunnel's work set (X5).
///
/// A list that is walked in order: tunnels with selectors are few until policies have a lookup of their own.
struct TunnelSelectors {
  struct Half: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
    var highMask: UInt64
    var lowMask: UInt64

    @inline(__always)
    func matches(_ otherHigh: UInt64, _ otherLow: UInt64) -> Bool {
      otherHigh & highMask == high && otherLow & lowMask == low
    }
  }

  struct Entry: BitwiseCopyable {
    var local: Half
    var remote: Half
    var inboundSPI: UInt32
    var isIPv6: Bool
  }

  let entries: UnsafeMutablePointer<Entry>
  let count: Int

  init(_ tunnels: [TunnelDescription]) {
    var list: [Entry] = []
    for tunnel in tunnels {
      for local in tunnel.local {
        for remote in tunnel.remote where remote.address.halves.isIPv6 == local.address.halves.isIPv6 {
          list.append(
            Entry(
              local: Self.half(local), remote: Self.half(remote), inboundSPI: tunnel.inboundSPI,
              isIPv6: local.address.halves.isIPv6))
        }
      }
    }
    count = list.count
    entries = .allocate(capacity: max(1, count))
    for (index, entry) in list.enumerated() { (entries + index).initialize(to: entry) }
  }

  func deallocate() { entries.deallocate() }

  private static func half(_ prefix: IPPrefix) -> Half {
    let halves = prefix.address.halves
    // An IPv4 address fills the low 32 of 128 bits, so its prefix ends 96 bits later.
    let length = halves.isIPv6 ? prefix.length : prefix.length + 96
    let highMask: UInt64 = length >= 64 ? .max : .max << UInt64(64 - length)
    let lowMask: UInt64 = length >= 128 ? .max : length <= 64 ? 0 : .max << UInt64(128 - length)
    return Half(
      high: halves.high & highMask, low: halves.low & lowMask, highMask: highMask, lowMask: lowMask)
  }

  /// Our inbound SPI of the tunnel that this traffic takes, or 0. `reversed` asks for traffic that came out of it.
  func inboundSPI(_ pair: AddressPair, reversed: Bool) -> UInt32 {
    var index = 0
    while index < count {
      let entry = entries[index]
      if entry.isIPv6 == pair.isIPv6 {
        let forward =
          entry.local.matches(pair.sourceHigh, pair.sourceLow)
          && entry.remote.matches(pair.destinationHigh, pair.destinationLow)
        let backward =
          reversed && entry.remote.matches(pair.sourceHigh, pair.sourceLow)
          && entry.local.matches(pair.destinationHigh, pair.destinationLow)
        if forward || backward { return entry.inboundSPI }
      }
      index &+= 1
    }
    return 0
  }
}

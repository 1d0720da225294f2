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

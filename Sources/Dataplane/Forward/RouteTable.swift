package import Wire

/// Longest-prefix match for both families. Immutable; freed by `deallocate`.
package struct RouteTable {
  let v4: RouteTrie
  let v6: RouteTrie

  /// What an address has that is in no prefix.
  @inline(__always) package static var none: UInt32 { RouteTrie.none }
  /// Values are below this.
  @inline(__always) package static var valueLimit: UInt32 { 1 << 24 }

  /// Of two with the same network, the last counts. Runs on the control thread.
  package init(_ routes: [(IPPrefix, UInt32)]) {
    var four: ContiguousArray<RouteTrieBuilder.Route> = [], six: ContiguousArray<RouteTrieBuilder.Route> = []
    for (order, (prefix, value)) in routes.enumerated() {
      precondition(value < Self.valueLimit, "a route's value is too large")
      var route = RouteTrieBuilder.Route(
        high: 0, low: 0, value: value, order: UInt32(order), length: UInt8(prefix.length))
      switch prefix.address {
      case .v4(let address):
        route.high = UInt64(address.value) << 32 & Self.mask(prefix.length)
        four.append(route)
      case .v6(let address):
        route.high = address.high & Self.mask(prefix.length)
        route.low = address.low & Self.mask(prefix.length - 64)
        six.append(route)
      }
    }
    v4 = RouteTrieBuilder.build(four, topBits: four.count < Self.many ? 16 : 20, hasSkips: false)
    v6 = RouteTrieBuilder.build(six, topBits: six.count < Self.many ? 12 : 16, hasSkips: true)
  }

  /// From here on a larger top is worth its memory: IPv4's has 4 MB, and spares 1 KB for every /16 with routes in it;
  /// IPv6's has 256 KB, and spares a step.
  private static let many = 512

  /// The first `length` of 64 bits; none below 0, all above 64.
  private static func mask(_ length: Int) -> UInt64 { length <= 0 ? 0 : .max << UInt64(max(0, 64 - length)) }

  package func deallocate() {
    v4.deallocate()
    v6.deallocate()
  }

  /// How much memory packets read.
  package var bytes: (v4: Int, v6: Int) { (v4.bytes, v6.bytes) }

  @inline(__always)
  package func find4(_ address: UInt32) -> UInt32 { v4.find4(address) }

  @inline(__always)
  package func find6(_ high: UInt64, _ low: UInt64) -> UInt32 { v6.find6(high, low) }
}

// Bursts: `values` gets as many as there are addresses.
extension RouteTable {
  @inline(__always)
  package func find4(
    _ addresses: UnsafePointer<UInt32>, _ values: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    var first = 0
    while first < count {
      v4.find4(addresses + first, values + first, count: min(64, count &- first))
      first &+= 64
    }
  }

  @inline(__always)
  package func find6(
    _ addresses: UnsafePointer<IPv6Address>, _ values: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    var first = 0
    while first < count {
      v6.find6(addresses + first, values + first, count: min(64, count &- first))
      first &+= 64
    }
  }
}

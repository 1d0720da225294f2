@testable import Dataplane
import PacketMaking
import Wire

/// Longest-prefix match as one would say it: go through all routes, keep the longest that fits, of two equal the later.
struct RouteModel {
  private var routes: [Route] = []

  private struct Route {
    var high: UInt64
    var low: UInt64
    var length: Int
    var isIPv6: Bool
    var value: UInt32
  }

  init(_ list: [(IPPrefix, UInt32)]) {
    for (prefix, value) in list {
      switch prefix.address {
      case .v4(let address):
        routes.append(
          Route(high: UInt64(address.value) << 32, low: 0, length: prefix.length, isIPv6: false, value: value))
      case .v6(let address):
        routes.append(Route(high: address.high, low: address.low, length: prefix.length, isIPv6: true, value: value))
      }
    }
  }

  func find(_ address: IPAddress) -> UInt32? {
    switch address {
    case .v4(let address): find(UInt64(address.value) << 32, 0, isIPv6: false)
    case .v6(let address): find(address.high, address.low, isIPv6: true)
    }
  }

  private func find(_ high: UInt64, _ low: UInt64, isIPv6: Bool) -> UInt32? {
    var longest = -1
    var value: UInt32?
    for route in routes where route.isIPv6 == isIPv6 && route.length >= longest {
      let same =
        high == route.high
        ? 64 + (low ^ route.low).leadingZeroBitCount : (high ^ route.high).leadingZeroBitCount
      if same >= route.length { (longest, value) = (route.length, route.value) }
    }
    return value
  }
}

/// Tables and addresses by chance.
struct RouteMaker {
  var random: Seeded

  init(seed: UInt64) { random = Seeded(seed: seed) }

  /// Few bits differ, and those anywhere, so that prefixes lie in each other, beside each other and far apart.
  mutating func address(isIPv6: Bool, near list: [(IPPrefix, UInt32)] = []) -> IPAddress {
    var high = random.next(), low = random.next()
    if let (prefix, _) = list.randomElement(using: &random), Int.random(in: 0..<8, using: &random) > 0 {
      switch prefix.address {
      case .v4(let address) where !isIPv6: high = UInt64(address.value) << 32
      case .v6(let address) where isIPv6: (high, low) = (address.high, address.low)
      default: break
      }
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let bit = Int.random(in: 0..<(isIPv6 ? 128 : 32), using: &random)
        if bit < 64 { high ^= 1 << UInt64(63 - bit) } else { low ^= 1 << UInt64(127 - bit) }
      }
    }
    return isIPv6 ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(high >> 32)))
  }

  /// Of both families, of all lengths, some twice.
  mutating func routes(_ count: Int) -> [(IPPrefix, UInt32)] {
    var list: [(IPPrefix, UInt32)] = []
    while list.count < count {
      let value = UInt32.random(in: 0..<RouteTable.valueLimit, using: &random)
      if let (prefix, _) = list.randomElement(using: &random), Int.random(in: 0..<10, using: &random) == 0 {
        list.append((prefix, value))
        continue
      }
      let isIPv6 = Bool.random(using: &random)
      let address = address(isIPv6: isIPv6, near: list)
      // Short ones would cover all others, if there were as many of them.
      let shortest = Int.random(in: 0..<20, using: &random) == 0 ? 0 : isIPv6 ? 16 : 6
      let length = Int.random(in: shortest...(isIPv6 ? 128 : 32), using: &random)
      if let prefix = IPPrefix(address, length: length) { list.append((prefix, value)) }
    }
    return list
  }
}

extension IPPrefix {
  /// The first address and the last, and those just outside of them.
  var borders: [IPAddress] {
    switch address {
    case .v4(let address):
      let host = length == 0 ? UInt32.max : length == 32 ? 0 : .max >> UInt32(length)
      let first = address.value & ~host, last = address.value | host
      return [first, last, first &- 1, last &+ 1].map { .v4(IPv4Address($0)) }
    case .v6(let address):
      let hostHigh = UInt64.max >> UInt64(min(64, length)), hostLow = UInt64.max >> UInt64(max(0, length - 64))
      let first = IPv6Address(high: address.high & ~hostHigh, low: address.low & ~hostLow)
      let last = IPv6Address(high: address.high | hostHigh, low: address.low | hostLow)
      let before = IPv6Address(high: first.low == 0 ? first.high &- 1 : first.high, low: first.low &- 1)
      let after = IPv6Address(high: last.low == .max ? last.high &+ 1 : last.high, low: last.low &+ 1)
      return [first, last, before, after].map { .v6($0) }
    }
  }
}

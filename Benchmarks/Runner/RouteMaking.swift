import Dataplane
import Wire

/// Routes by chance whose lengths are shared out as in the public internet. IPv4's lie anywhere, which is the hardest for
/// a table: real ones lie in heaps. IPv6's lie in the registries' blocks, and the long ones in short ones.
struct RouteMaking {
  private var random: SeededRandom

  /// Lengths and how many of 1000 routes have them.
  private static let sharesFour = [
    (24, 600), (23, 100), (22, 110), (21, 52), (20, 46), (19, 28), (18, 14), (17, 10), (16, 14), (15, 3), (14, 3),
    (13, 2),
    (25, 3), (26, 3), (27, 2), (28, 2), (29, 2), (30, 2), (32, 4),
  ]
  private static let sharesSix = [
    (48, 465), (32, 125), (44, 90), (40, 80), (36, 50), (29, 40), (46, 35), (47, 30), (45, 20), (42, 15), (34, 12),
    (33, 12), (30, 6), (28, 5), (56, 4), (64, 4), (24, 2), (20, 1), (128, 4),
  ]
  private static let registries: [UInt64] = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00]

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  private mutating func length(_ shares: [(Int, Int)]) -> Int {
    var rest = Int(random.next() >> 32) % shares.reduce(0) { $0 + $1.1 }
    for (length, share) in shares {
      rest -= share
      if rest < 0 { return length }
    }
    return 0
  }

  mutating func routesFour(_ count: Int) -> [(address: UInt32, length: Int)] {
    var list: [(address: UInt32, length: Int)] = []
    var seen: Set<UInt64> = []
    while list.count < count {
      let length = length(Self.sharesFour)
      let address = UInt32(truncatingIfNeeded: random.next() >> 20) & ~(UInt32.max >> UInt32(length))
      guard 1..<224 ~= address >> 24, seen.insert(UInt64(address) << 8 | UInt64(length)).inserted else { continue }
      list.append((address, length))
    }
    return list
  }

  mutating func routesSix(_ count: Int) -> [(address: IPv6Address, length: Int)] {
    var list: [(address: IPv6Address, length: Int)] = []
    var short: [UInt64] = []
    var seen: Set<IPv6Address> = []
    while list.count < count {
      let length = length(Self.sharesSix)
      var high = random.next()
      if length > 32, !short.isEmpty {
        high = short[Int(random.next() >> 32) % short.count] | high & 0xffff_ffff
      } else {
        high = Self.registries[Int(high % 6)] << 48 | (high >> 16)
      }
      let low = length == 128 ? random.next() : 0
      if length < 64 { high &= ~(UInt64.max >> UInt64(length)) }
      // The length goes where no bits of the network are.
      guard seen.insert(IPv6Address(high: high, low: length == 128 ? low : UInt64(length))).inserted else { continue }
      if length <= 32 { short.append(high) }
      list.append((IPv6Address(high: high, low: low), length))
    }
    return list
  }

  /// Somewhere in each of `count` of the networks, by chance.
  mutating func destinations(_ count: Int, in list: [(address: UInt32, length: Int)]) -> [UInt32] {
    (0..<count).map { _ in
      let route = list[Int(random.next() >> 32) % list.count]
      let host = UInt32(truncatingIfNeeded: random.next())
      return route.address | (route.length == 32 ? 0 : host & .max >> UInt32(route.length))
    }
  }

  mutating func destinations(_ count: Int, in list: [(address: IPv6Address, length: Int)]) -> [IPv6Address] {
    (0..<count).map { _ in
      let route = list[Int(random.next() >> 32) % list.count]
      let high = random.next() & UInt64.max >> UInt64(route.length)
      let low = random.next() & UInt64.max >> UInt64(max(0, route.length - 64))
      return IPv6Address(high: route.address.high | high, low: route.address.low | low)
    }
  }
}

/// Numbers that look random and are the same in every run (SplitMix64).
package struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  package mutating func octets(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
  package mutating func chance(of one: Int) -> Bool { below(one) == 0 }
}

/// Runs the body on a copy in a heap block of exactly that size, so that the address sanitizer sees a read
/// one octet beyond.
package func withExactBytes<Result>(
  _ octets: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result
) rethrows -> Result {
  let block = UnsafeMutableRawBufferPointer.allocate(byteCount: octets.count, alignment: 1)
  defer { block.deallocate() }
  block.copyBytes(from: octets)
  return try body(UnsafeRawBufferPointer(block))
}

/// A frame that gets past the first checks and is wrong further in: a sound one, then bent or cut or neither.
package func hostileFrame(_ random: inout Seeded) -> [UInt8] {
  var frame = random.chance(of: 8) ? random.octets(random.below(120)) : plausibleFrame(&random)
  for _ in 0..<random.below(4) where !frame.isEmpty {
    frame[random.below(frame.count)] = UInt8(truncatingIfNeeded: random.next())
  }
  if random.chance(of: 3) { frame.removeLast(random.below(frame.count + 1)) }
  return frame
}

/// A sound Ethernet frame with a random choice at every layer.
package func plausibleFrame(_ random: inout Seeded) -> [UInt8] {
  let isIPv6 = random.chance(of: 2)
  let packet = isIPv6 ? plausibleIPv6(&random) : plausibleIPv4(&random, depth: 0)
  return random.chance(of: 16)
    ? ethernet(.arp, arp()) : tagged(random.below(6), isIPv6 ? .ipv6 : .ipv4, packet)
}

private func plausibleIPv4(_ random: inout Seeded, depth: Int) -> [UInt8] {
  let options = [UInt8](repeating: 1, count: random.chance(of: 4) ? 4 * random.below(11) : 0)
  let (next, payload) = plausibleLayer(&random, depth: depth)
  let isFragment = random.chance(of: 8)
  return ipv4(
    next, options: options, moreFragments: isFragment && random.chance(of: 2),
    fragmentOffset: isFragment ? UInt16(random.below(0x2000)) : 0, payload)
}

private func plausibleIPv6(_ random: inout Seeded) -> [UInt8] {
  var (next, payload) = plausibleLayer(&random, depth: 0)
  for _ in 0..<(random.chance(of: 2) ? random.below(5) : 0) {
    switch random.below(4) {
    case 0: (next, payload) = (.ah, ah(next, valueWords: random.below(8), payload))
    case 1:
      let offset = UInt16(random.below(3))
      (next, payload) = (.fragment, fragment(next, offset: offset, more: random.chance(of: 2), payload))
    default:
      let kind = optionHeaders[random.below(optionHeaders.count)]
      (next, payload) = (kind, extensionHeader(next, units: UInt8(random.below(4)), payload))
    }
  }
  return ipv6(next, payload)
}

private func plausibleLayer(_ random: inout Seeded, depth: Int) -> (NextHeader, [UInt8]) {
  let filler = random.octets(random.below(40))
  switch random.below(9) {
  case 0: return (.udp, udp(filler))
  case 1: return (.tcp, tcp(options: [UInt8](repeating: 1, count: 4 * random.below(11)), filler))
  case 2: return (.icmp, icmp(type: UInt8(random.below(16)), filler))
  case 3 where depth < 2: return (.icmp, icmpError(quoting: plausibleIPv4(&random, depth: depth + 1)))
  case 4: return (.esp, esp(spi: UInt32(truncatingIfNeeded: random.next()), filler))
  case 5: return (.udp, udp(to: 500, ike(filler)))
  case 6: return (.udp, udp(to: 1701, l2tp(tunnel: 1, session: 2, hasLength: random.chance(of: 2), filler)))
  case 7:
    let key = random.chance(of: 2) ? UInt32(7) : nil
    return (.gre, gre(.ipv4, checksum: random.chance(of: 2) ? 0 : nil, key: key, filler))
  default: return (NextHeader(UInt8(truncatingIfNeeded: random.next())), filler)
  }
}

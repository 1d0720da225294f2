/// IPv4 (RFC 791). The length and the header checksum are right unless the test says otherwise.
package func ipv4(
  _ next: NextHeader, from source: String = Host.alice, to destination: String = Host.bob,
  options: [UInt8] = [], trafficClass: UInt8 = 0, identification: UInt16 = 0x1234,
  dontFragment: Bool = false, moreFragments: Bool = false, fragmentOffset: UInt16 = 0,
  timeToLive: UInt8 = 64, totalLength: Int? = nil, _ payload: [UInt8] = []
) -> [UInt8] {
  precondition(options.count.isMultiple(of: 4) && options.count <= 40, "options come in words, ten at most")
  let headerLength = 20 + options.count
  let flags: UInt16 = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
  var header =
    [0x40 | UInt8(headerLength / 4), trafficClass]
    + big(UInt16(totalLength ?? headerLength + payload.count))
    + big(identification) + big(flags | fragmentOffset)
    + [timeToLive, next.value, 0, 0] + address(source) + address(destination) + options
  header.replaceSubrange(10..<12, with: big(checksum(header)))
  return header + payload
}

/// IPv6 (RFC 8200). The length is right unless the test says otherwise.
package func ipv6(
  _ next: NextHeader, from source: String = Host.alice6, to destination: String = Host.bob6,
  trafficClass: UInt32 = 0, flowLabel: UInt32 = 0, hopLimit: UInt8 = 64, payloadLength: Int? = nil,
  _ payload: [UInt8] = []
) -> [UInt8] {
  big(6 << 28 | trafficClass << 20 | flowLabel)
    + big(UInt16(payloadLength ?? payload.count)) + [next.value, hopLimit]
    + address(source) + address(destination) + payload
}

/// An IPv6 extension header in the general form: `units` of eight octets beyond the first eight.
/// Hop-by-hop options, routing, destination options, mobility, HIP and shim6 all look like this.
package func extensionHeader(_ next: NextHeader, units: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
  // PadN (RFC 8200 section 4.2) over the rest, so that a dissector finds options and no garbage.
  let rest = 6 + Int(units) * 8
  let options = paddingOptions(rest)
  return [next.value, units] + options + payload
}

private func paddingOptions(_ length: Int) -> [UInt8] {
  var options: [UInt8] = []
  var left = length
  while left > 0 {
    let chunk = left > 257 ? (left - 257 == 1 ? 256 : 257) : left
    options += chunk == 1 ? [0] : [1, UInt8(chunk - 2)] + [UInt8](repeating: 0, count: chunk - 2)
    left -= chunk
  }
  return options
}

/// The Fragment header (RFC 8200 section 4.5); the offset counts units of eight octets.
package func fragment(
  _ next: NextHeader, offset: UInt16 = 0, more: Bool, identification: UInt32 = 0xfeed_f00d,
  _ payload: [UInt8] = []
) -> [UInt8] {
  [next.value, 0] + big(offset << 3 | (more ? 1 : 0)) + big(identification) + payload
}

/// The Authentication Header (RFC 4302), whose length counts words of four octets, less two.
package func ah(_ next: NextHeader, valueWords: Int = 3, spi: UInt32 = 0x100, _ payload: [UInt8] = [])
  -> [UInt8]
{
  [next.value, UInt8(1 + valueWords), 0, 0] + big(spi) + big(UInt32(1))
    + [UInt8](repeating: 0xaa, count: valueWords * 4) + payload
}

/// The kinds of extension header that IPv6 lets one pass, apart from Fragment and AH.
package let optionHeaders: [NextHeader] = [
  .hopByHop, .routing, .destinationOptions, .mobility, .hip, .shim6,
]

/// The Internet checksum (RFC 1071).
package func checksum(_ octets: [UInt8]) -> UInt16 {
  var sum: UInt32 = 0
  for at in stride(from: 0, to: octets.count, by: 2) {
    sum += UInt32(octets[at]) << 8 | (at + 1 < octets.count ? UInt32(octets[at + 1]) : 0)
  }
  while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
  return ~UInt16(sum)
}

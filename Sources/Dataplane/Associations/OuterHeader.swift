import Contract
import Wire

/// The outer header of an SA as it begins, before a packet's length and marks are put into it.
struct OuterHeader {
  private(set) var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
  private(set) var length: Int
  private(set) var sum: UInt32 = 0
  private(set) var flags: OutboundSA.Flags = []

  init(_ esp: ESPDescription, from source: IPAddress, to destination: IPAddress) {
    var octets: [UInt8]
    var hopLimit: UInt8 = 0
    if case .set(let limit) = esp.hopLimit { hopLimit = limit } else { flags.insert(.copiesHopLimit) }
    var trafficClass: UInt8 = 0
    if case .set(let dscp) = esp.dscp { trafficClass = dscp << 2 } else { flags.insert(.copiesDSCP) }
    if esp.ecn == .normal { flags.insert(.copiesECN) }
    switch esp.dontFragment {
    case .copy: flags.insert(.copiesDontFragment)
    case .set: flags.insert(.setsDontFragment)
    case .clear: break
    }
    let upper = esp.encapsulation == nil ? IPProtocol.esp : IPProtocol.udp
    switch (source, destination) {
    case (.v4(let from), .v4(let to)):
      octets = [0x45, trafficClass, 0, 0, 0, 0, 0, 0, hopLimit, upper, 0, 0]
      octets += Self.octets(UInt64(from.value), 4) + Self.octets(UInt64(to.value), 4)
      for index in stride(from: 0, to: 20, by: 2) { sum += UInt32(octets[index]) << 8 | UInt32(octets[index + 1]) }
    case (.v6(let from), .v6(let to)):
      flags.insert(.isOuterIPv6)
      var label: UInt32 = 0
      if case .set(let value) = esp.flowLabel { label = value & 0xfffff } else { flags.insert(.copiesFlowLabel) }
      octets = Self.octets(UInt64(6 << 28 | UInt32(trafficClass) << 20 | label), 4) + [0, 0, upper, hopLimit]
      octets += Self.octets(from.high, 8) + Self.octets(from.low, 8) + Self.octets(to.high, 8) + Self.octets(to.low, 8)
    default: preconditionFailure("the ends of a tunnel are of one family")
    }
    if let udp = esp.encapsulation {
      flags.insert(.isEncapsulated)
      octets += Self.octets(UInt64(udp.localPort), 2) + Self.octets(UInt64(udp.peerPort), 2) + [0, 0, 0, 0]
    }
    // Transport mode has no outer IP header: the packet's own goes on being it.
    length = esp.mode == .transport ? (esp.encapsulation == nil ? 0 : 8) : octets.count
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: octets) }
  }

  /// The second of an IPv4 header's words of eight octets, and the destination: the sum of their 16-bit words as they lie
  /// in memory, folded.
  var plainSum: UInt32 {
    var sum: UInt32 = 0
    for word in [UInt64(littleEndian: words.1), UInt64(littleEndian: words.2) & 0xffff_ffff] {
      for shift in stride(from: UInt64(0), to: 64, by: 16) { sum += UInt32(word >> shift & 0xffff) }
    }
    sum = sum & 0xffff + sum >> 16
    return sum & 0xffff + sum >> 16
  }

  private static func octets(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }
}

import Contract
import Wire

/// The seed's sample filter, exactly (C27). Kept for conformance; X8 says why it is not the default.
enum CompatHash {
  static func workSet(of packet: Dissection, to cluster: ClusterAddresses) -> UInt16 {
    let addresses = packet.addresses
    let source = folded(addresses.sourceHigh, addresses.sourceLow)
    let destination = folded(addresses.destinationHigh, addresses.destinationLow)
    let isToCluster = cluster.contains(
      high: addresses.destinationHigh, low: addresses.destinationLow, isIPv6: addresses.isIPv6)
    guard isToCluster, packet.hasPorts, let ports = PortsView(packet.upper) else {
      return collapsed(destination ^ source)
    }
    return collapsed(source ^ UInt32(ports.source))
  }

  /// 128 bits to 32 by XOR; an IPv4 address is left as it is.
  @inline(__always)
  static func folded(_ high: UInt64, _ low: UInt64) -> UInt32 {
    let half = high ^ low
    return UInt32(truncatingIfNeeded: half >> 32 ^ half)
  }

  @inline(__always)
  static func collapsed(_ value: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: (value ^ value >> 10 ^ value >> 20 ^ value >> 30) & 1023)
  }
}

package import Wire

/// Which packets a trace is about: those whose headers fit, as they came or as they left.
package struct TraceFilter: BitwiseCopyable, Sendable {
  /// The leading bits of an address.
  struct Network: BitwiseCopyable {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var highMask: UInt64 = 0
    var lowMask: UInt64 = 0
    var isIPv6 = false
    var isAny = true

    init(_ prefix: IPPrefix?) {
      guard let prefix else { return }
      let halves = prefix.masked.address.halves
      isAny = false
      isIPv6 = halves.isIPv6
      // An IPv4 address stands in the lower 32 bits.
      let length = isIPv6 ? prefix.length : prefix.length + 96
      highMask = length >= 64 ? .max : .max << UInt64(64 - length)
      lowMask = .max << UInt64(min(64, 128 - length))
      high = halves.high & highMask
      low = halves.low & lowMask
    }

    @inline(__always)
    func contains(_ high: UInt64, _ low: UInt64, isIPv6: Bool) -> Bool {
      isAny || self.isIPv6 == isIPv6 && high & highMask == self.high && low & lowMask == self.low
    }
  }

  private let from: Network
  private let to: Network
  private let spi: UInt32
  /// Below 256 IP's, `arp`, or below 0 for all.
  private let protocolNumber: Int32

  package static var arp: Int { 256 }

  package init(from: IPPrefix? = nil, to: IPPrefix? = nil, spi: UInt32? = nil, protocolNumber: Int? = nil) {
    self.from = Network(from)
    self.to = Network(to)
    // No SA has the SPI 0.
    self.spi = spi ?? 0
    self.protocolNumber = Int32(protocolNumber ?? -1)
  }

  func fits(_ headers: TracedHeaders) -> Bool {
    if spi != 0, !headers.hasSPI || headers.spi != spi { return false }
    if protocolNumber >= 0 {
      if protocolNumber == Int32(Self.arp) {
        if headers.etherType != EtherType.arp { return false }
      } else if !headers.hasAddresses || headers.etherType == EtherType.arp
        || Int32(headers.protocolNumber) != protocolNumber
      {
        return false
      }
    }
    if !headers.hasAddresses { return from.isAny && to.isAny }
    return from.contains(headers.sourceHigh, headers.sourceLow, isIPv6: headers.isIPv6)
      && to.contains(headers.destinationHigh, headers.destinationLow, isIPv6: headers.isIPv6)
  }
}

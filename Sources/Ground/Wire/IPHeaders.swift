/// An IPv4 header without options, to be sent.
public struct IPv4Header {
  public var trafficClass: UInt8
  public var totalLength: Int
  public var identification: UInt16
  public var timeToLive: UInt8
  public var protocolNumber: UInt8
  public var source: IPv4Address
  public var destination: IPv4Address

  @inlinable
  public init(
    from source: IPv4Address, to destination: IPv4Address, _ protocolNumber: UInt8, totalLength: Int,
    identification: UInt16, trafficClass: UInt8 = 0, timeToLive: UInt8 = 64
  ) {
    self.trafficClass = trafficClass
    self.totalLength = totalLength
    self.identification = identification
    self.timeToLive = timeToLive
    self.protocolNumber = protocolNumber
    self.source = source
    self.destination = destination
  }

  @inlinable
  public func write(to bytes: WritableBytes) {
    bytes.set(0x45 as UInt8, at: 0)
    bytes.set(trafficClass, at: 1)
    bytes.set(UInt16(truncatingIfNeeded: totalLength), at: 2)
    bytes.set(identification, at: 4)
    bytes.set(0 as UInt16, at: 6)
    bytes.set(timeToLive, at: 8)
    bytes.set(protocolNumber, at: 9)
    bytes.set(0 as UInt16, at: 10)
    bytes.set(source.value, at: 12)
    bytes.set(destination.value, at: 16)
    let header = bytes.bytes.prefix(IPv4View.minimumLength)
    bytes.set(InternetChecksum.fold(InternetChecksum.sum(header)), at: 10)
  }
}

/// An IPv6 header to be sent.
public struct IPv6Header {
  public var trafficClass: UInt8
  public var payloadLength: Int
  public var nextHeader: UInt8
  public var hopLimit: UInt8
  public var source: IPv6Address
  public var destination: IPv6Address

  @inlinable
  public init(
    from source: IPv6Address, to destination: IPv6Address, _ nextHeader: UInt8, payloadLength: Int,
    trafficClass: UInt8 = 0, hopLimit: UInt8 = 64
  ) {
    self.trafficClass = trafficClass
    self.payloadLength = payloadLength
    self.nextHeader = nextHeader
    self.hopLimit = hopLimit
    self.source = source
    self.destination = destination
  }

  @inlinable
  public func write(to bytes: WritableBytes) {
    bytes.set(6 << 28 | UInt32(trafficClass) << 20, at: 0)
    bytes.set(UInt16(truncatingIfNeeded: payloadLength), at: 4)
    bytes.set(nextHeader, at: 6)
    bytes.set(hopLimit, at: 7)
    bytes.set(source, at: 8)
    bytes.set(destination, at: 24)
  }
}

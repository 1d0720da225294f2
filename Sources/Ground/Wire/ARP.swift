/// ARP for IPv4 over Ethernet (RFC 826).
public struct ARPView {
  public let bytes: Bytes
  @inlinable @inline(__always) public static var length: Int { 28 }

  @inlinable
  public init?(_ bytes: Bytes) {
    guard bytes.count >= Self.length, bytes.uint16(at: 0) == 1, bytes.uint16(at: 2) == EtherType.ipv4,
      bytes.uint8(at: 4) == 6, bytes.uint8(at: 5) == 4
    else { return nil }
    self.bytes = bytes
  }

  /// 1 asks, 2 answers.
  @inlinable @inline(__always) public var operation: UInt16 { bytes.uint16(at: 6) }
  @inlinable @inline(__always) public var senderMAC: MACAddress { MACAddress(bytes.uint64(at: 8) >> 16) }
  @inlinable @inline(__always) public var sender: IPv4Address { IPv4Address(bytes.uint32(at: 14)) }
  @inlinable @inline(__always) public var targetMAC: MACAddress { MACAddress(bytes.uint64(at: 18) >> 16) }
  @inlinable @inline(__always) public var target: IPv4Address { IPv4Address(bytes.uint32(at: 24)) }
}

/// An ARP message to be sent.
public struct ARPMessage {
  public var operation: UInt16
  public var senderMAC: MACAddress
  public var sender: IPv4Address
  public var targetMAC: MACAddress
  public var target: IPv4Address

  @inlinable public static var request: UInt16 { 1 }
  @inlinable public static var reply: UInt16 { 2 }

  @inlinable
  public init(
    _ operation: UInt16, senderMAC: MACAddress, sender: IPv4Address, targetMAC: MACAddress = .zero,
    target: IPv4Address
  ) {
    self.operation = operation
    self.senderMAC = senderMAC
    self.sender = sender
    self.targetMAC = targetMAC
    self.target = target
  }

  @inlinable
  public func write(to bytes: WritableBytes) {
    bytes.set(1 as UInt16, at: 0)
    bytes.set(EtherType.ipv4, at: 2)
    bytes.set(0x0604 as UInt16, at: 4)
    bytes.set(operation, at: 6)
    bytes.set(senderMAC, at: 8)
    bytes.set(sender.value, at: 14)
    bytes.set(targetMAC, at: 18)
    bytes.set(target.value, at: 24)
  }
}

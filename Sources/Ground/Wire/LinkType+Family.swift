extension LinkType {
  /// Makes a link header say that IPv4 or IPv6 follows it: tunnels change one into the other. `ip` is where the packet
  /// begins. False where the header has no way to say so.
  @inlinable
  public func setFamily(isIPv6: Bool, _ frame: UnsafeMutableRawPointer, ip: Int) -> Bool {
    let type = isIPv6 ? EtherType.ipv6 : EtherType.ipv4
    switch self {
    case .ethernet:
      frame.storeBytes(of: type.bigEndian, toByteOffset: ip &- 2, as: UInt16.self)
    case .raw: break
    case .rawIPv4: return !isIPv6
    case .rawIPv6: return isIPv6
    case .linuxCooked:
      frame.storeBytes(of: type.bigEndian, toByteOffset: ip == 16 ? 14 : ip &- 2, as: UInt16.self)
    case .linuxCooked2:
      frame.storeBytes(of: type.bigEndian, toByteOffset: ip == 20 ? 0 : ip &- 2, as: UInt16.self)
    case .null, .loop: setLoopbackFamily(isIPv6, frame)
    case .ppp:
      let number: UInt8 = isIPv6 ? 0x57 : 0x21
      frame.storeBytes(of: number, toByteOffset: ip &- 1, as: UInt8.self)
    }
    return true
  }

  /// In the byte order that the frame came in. The number of IPv6 depends on the system; 30 is one that everyone reads.
  @inlinable
  func setLoopbackFamily(_ isIPv6: Bool, _ frame: UnsafeMutableRawPointer) {
    let old = UInt32(bigEndian: frame.loadUnaligned(as: UInt32.self))
    let isSwapped = old > 0xffff
    let has = isSwapped ? old.byteSwapped : old
    if (has != 2) == isIPv6 { return }
    let family: UInt32 = isIPv6 ? 30 : 2
    frame.storeBytes(of: (isSwapped ? family.byteSwapped : family).bigEndian, as: UInt32.self)
  }
}

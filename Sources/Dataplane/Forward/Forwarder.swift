import Contract
import Memory
import Wire

/// From a packet's destination to the frame that leaves: hop limit, route, next hop, MAC addresses.
struct Forwarder {
  let tables: ForwardTables
  let memory: FrameAddresses

  /// What became of a packet, and where it goes.
  struct Outcome {
    var reason: DropReason
    var side = Side.inside
    /// For who finds out what is missing: the number of the next hop.
    var hop: UInt32 = 0
  }

  /// One hop less (RFC 1812 section 5.3.1). False: there is none left.
  @inline(__always)
  static func age(_ ip: UnsafeMutableRawPointer) -> Bool {
    if ip.load(as: UInt8.self) >> 4 == 4 {
      let left = ip.load(fromByteOffset: 8, as: UInt8.self)
      guard left > 1 else { return false }
      ip.storeBytes(of: left &- 1, toByteOffset: 8, as: UInt8.self)
      // RFC 1141: the word that the hop limit is the upper half of becomes 0x0100 less.
      let sum = UInt32(UInt16(bigEndian: ip.loadUnaligned(fromByteOffset: 10, as: UInt16.self))) &+ 0x100
      let folded = UInt16(truncatingIfNeeded: sum &+ sum >> 16)
      ip.storeBytes(of: folded.bigEndian, toByteOffset: 10, as: UInt16.self)
      return true
    }
    let left = ip.load(fromByteOffset: 7, as: UInt8.self)
    guard left > 1 else { return false }
    ip.storeBytes(of: left &- 1, toByteOffset: 7, as: UInt8.self)
    return true
  }

  /// Finds the way of the packet whose IP header begins `offset` behind its frame, and writes the link header for it.
  /// `route` is what the table says of an IPv4 packet; nil where nobody has looked.
  @inline(__always)
  func send(_ ref: inout PacketRef, ip offset: Int, route: UInt32? = nil) -> Outcome {
    let ip = memory.address(start: ref.start) + offset
    let isIPv6 = ip.load(as: UInt8.self) >> 4 == 6
    var high: UInt64 = 0, low: UInt64
    let value: UInt32
    if isIPv6 {
      high = UInt64(bigEndian: ip.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
      low = UInt64(bigEndian: ip.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
      value = tables.routes.find6(high, low)
    } else {
      let address = UInt32(bigEndian: ip.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
      low = UInt64(address)
      value = route ?? tables.routes.find4(address)
    }
    guard value != RouteTable.none else { return Outcome(reason: .noRoute) }
    let hop = tables.hops + Int(value)
    switch hop.pointee.kind {
    case .local: return Outcome(reason: .forUs, hop: value)
    case .unreachable: return Outcome(reason: .noRoute, hop: value)
    case .onLink: break
    case .gateway:
      high = hop.pointee.high
      low = hop.pointee.low
    }
    let number = Int(hop.pointee.interface)
    let exit = tables.exits + number
    guard Int(ref.length) &- offset <= Int(exit.pointee.mtu) else { return Outcome(reason: .tooBigForLink, hop: value) }
    let answer = tables.neighbours.answer(high, low, isIPv6: hop.pointee.isIPv6, interface: number)
    guard answer != 0 else { return Outcome(reason: .noNeighbour, hop: value) }
    Self.write(&ref, ip, offset, exit, answer, isIPv6 ? EtherType.ipv6 : EtherType.ipv4)
    return Outcome(reason: .none, side: exit.pointee.side, hop: value)
  }

  /// The link header goes right in front of the IP header, whatever stood there.
  @inline(__always)
  private static func write(
    _ ref: inout PacketRef, _ ip: UnsafeMutableRawPointer, _ offset: Int, _ exit: UnsafeMutablePointer<Exit>,
    _ to: UInt64, _ type: UInt16
  ) {
    let tag = exit.pointee.tag, from = exit.pointee.mac
    let length = tag == 0 ? EthernetView.length : EthernetView.length &+ VLANTagView.length
    let start = ip - length
    start.storeBytes(of: (to &<< 16 | from &>> 32).bigEndian, as: UInt64.self)
    start.storeBytes(of: UInt32(truncatingIfNeeded: from).bigEndian, toByteOffset: 8, as: UInt32.self)
    if tag != 0 { start.storeBytes(of: tag.bigEndian, toByteOffset: 12, as: UInt32.self) }
    start.storeBytes(of: type.bigEndian, toByteOffset: length &- 2, as: UInt16.self)
    let step = offset &- length
    ref.start = UInt32(truncatingIfNeeded: Int(ref.start) &+ step)
    ref.offset = UInt16(truncatingIfNeeded: Int(ref.offset) &+ step)
    ref.length = UInt32(truncatingIfNeeded: Int(ref.length) &- step)
  }
}

import CWorkSet
import Contract
import Wire

/// Ours by MAC address, IPv4 without options, no fragment, TCP or UDP, to be forwarded: almost every packet there is.
///
/// It ends in two words that hold the five fields, so that a burst can be hashed at once. Everything else goes the full
/// way, which would say the same of these. Tests come in pairs where one branch can stand for two, and none depends on
/// which of TCP and UDP it is: that branch would be guessed wrong for every other packet.
struct ShortPath {
  /// The five fields as they lie in the packet, with no more done to them than loading: putting the endpoints in order
  /// is left to the loop that hashes several packets at once.
  struct Words {
    /// Source above, destination below.
    var addresses: UInt64
    /// Protocol (and time to live above it), source port, destination port.
    var ports: UInt64
  }

  /// Ethernet, an IPv4 header of five words, and the ports; beyond any frame when there is no short path, which is
  /// decided per burst: it exists for the keyed hash over Ethernet.
  let leastLength: Int
  /// IPv4 destinations whose bit is set may be ours, or may take a tunnel.
  let filter: UInt64
  /// Destination MACs as they lie in memory, and which of its bits count: none, when every MAC is accepted.
  let macMask: UInt64
  let clusterMulticast: UInt64
  let clusterUnicast: UInt64
  let unit: UInt64
  /// Whether the words' ends are exchanged, so that what comes from outside reads as what goes there.
  let isTurned: Bool

  @inline(__always)
  init(_ snapshot: UnsafePointer<ClassifySnapshot>, link: LinkType, from side: Side = .inside) {
    let exists = link == .ethernet && snapshot.pointee.hash == .keyed
    leastLength = exists ? EthernetView.length &+ IPv4View.minimumLength &+ PortsView.length : .max
    filter = snapshot.pointee.shortPathFilter
    let acceptance = side == .inside ? snapshot.pointee.acceptance : snapshot.pointee.outsideAcceptance
    macMask = acceptance.mask
    clusterMulticast = acceptance.clusterMulticast
    clusterUnicast = acceptance.clusterUnicast
    unit = acceptance.unit
    isTurned = side == .outside
  }

  /// Nil sends the frame the full way, acceptance included.
  @inline(__always)
  func words(_ frame: Bytes) -> Words? {
    guard frame.count >= leastLength else { return nil }
    let mac = frame.uint64InMemoryOrder(at: 0) & macMask
    guard mac == clusterMulticast || mac == clusterUnicast || mac == unit else { return nil }
    // EtherType 0x0800, then version 4 and five words of header.
    guard frame.uint32(at: 12) & 0xffff_ff00 == 0x0800_4500 else { return nil }
    // Total length, identification, fragment field, time to live, protocol. No fragment, and a protocol below 64.
    let middle = frame.uint64(at: 16)
    guard middle & 0x3fff_00c0 == 0, Self.withPorts &>> middle & 1 == 1, middle >> 48 >= Self.leastTotalLength
    else { return nil }
    let addresses = frame.uint64(at: 26), ports = frame.uint32(at: 34)
    let destination = UInt32(truncatingIfNeeded: addresses)
    guard filter & ClusterAddresses.bit(destination) == 0, !Self.mayBeIPsec(ports) else { return nil }
    return Words(addresses: addresses, ports: middle << 32 | UInt64(ports))
  }

  /// What comes from outside, with its ends exchanged.
  @inline(__always)
  func turned(_ words: Words) -> Words {
    guard isTurned else { return words }
    let ports = UInt32(truncatingIfNeeded: words.ports)
    return Words(
      addresses: words.addresses &<< 32 | words.addresses &>> 32,
      ports: words.ports & ~0xffff_ffff | UInt64(ports &<< 16 | ports &>> 16))
  }

  /// The SPI of ESP for us, where the frame is Ethernet, IPv4 without options, no fragment; 0 sends it the full way.
  @inline(__always)
  func spi(_ frame: Bytes, _ cluster: ClusterAddresses) -> UInt32 {
    guard frame.count >= leastLength, frame.count >= Self.espOffset &+ 12 else { return 0 }
    let mac = frame.uint64InMemoryOrder(at: 0) & macMask
    guard mac == clusterMulticast || mac == clusterUnicast || mac == unit else { return 0 }
    guard frame.uint32(at: 12) & 0xffff_ff00 == 0x0800_4500 else { return 0 }
    let middle = frame.uint64(at: 16)
    guard middle & 0x3fff_00ff == UInt64(IPProtocol.esp), middle >> 48 >= Self.leastESPLength,
      cluster.contains(high: 0, low: UInt64(frame.uint32(at: 30)), isIPv6: false)
    else { return 0 }
    return frame.uint32(at: 34)
  }

  /// SPI, sequence number, and as much of an IV as a sender id may take.
  @inline(__always) private static var leastESPLength: UInt64 { UInt64(IPv4View.minimumLength &+ 12) }
  @inline(__always) static var ipOffset: Int { EthernetView.length }
  @inline(__always) static var espOffset: Int { EthernetView.length &+ IPv4View.minimumLength }

  @inline(__always) private static var leastTotalLength: UInt64 {
    UInt64(IPv4View.minimumLength &+ PortsView.length)
  }

  /// A bit for each of the two protocols.
  @inline(__always) private static var withPorts: UInt64 {
    1 << UInt64(IPProtocol.tcp) | 1 << UInt64(IPProtocol.udp)
  }

  /// Is one of the two ports 500 or 4500? They differ in the bits 0x1060 alone, so one comparison without those bits
  /// finds both, and six innocent ports with them.
  @inline(__always)
  private static func mayBeIPsec(_ ports: UInt32) -> Bool {
    let rest = (ports & 0xef9f_ef9f) ^ 0x0194_0194
    // The usual test for a half word that is zero.
    return (rest &- 0x0001_0001) & ~rest & 0x8000_8000 != 0
  }

  @inline(__always)
  static func workSet(_ words: Words, _ key: UnsafePointer<hauberk_work_set_key>) -> UInt16 {
    UInt16(
      truncatingIfNeeded: hauberk_flow4(
        key, UInt32(truncatingIfNeeded: words.addresses >> 32), UInt32(truncatingIfNeeded: words.addresses),
        UInt16(truncatingIfNeeded: words.ports >> 16), UInt16(truncatingIfNeeded: words.ports),
        UInt8(truncatingIfNeeded: words.ports >> 32)))
  }
}

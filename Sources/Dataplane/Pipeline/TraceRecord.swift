package import Contract
import Wire

/// What a packet's headers say, as far as a trace tells it. No octet of what they carry is in here.
package struct TracedHeaders: BitwiseCopyable, Sendable {
  package var sourceHigh: UInt64 = 0
  package var sourceLow: UInt64 = 0
  package var destinationHigh: UInt64 = 0
  package var destinationLow: UInt64 = 0
  package var spi: UInt32 = 0
  package var sequence: UInt32 = 0
  /// Of the frame.
  package var length: UInt32 = 0
  /// Of ICMP: the type, and the code.
  package var sourcePort: UInt16 = 0
  package var destinationPort: UInt16 = 0
  package var etherType: UInt16 = 0
  /// 0 without a tag.
  package var vlan: UInt16 = 0
  package var protocolNumber: UInt8 = 0
  package var hasAddresses = false
  package var isIPv6 = false
  package var hasPorts = false
  package var hasSPI = false
  package var isFragment = false

  package init() {}

  @inline(never)
  init(_ frame: Bytes) {
    length = UInt32(truncatingIfNeeded: frame.count)
    guard frame.count >= EthernetView.length else { return }
    etherType = frame.uint16(at: 12)
    var linkLength = EthernetView.length
    if EtherType.isTag(etherType), frame.count >= EthernetView.length &+ VLANTagView.length {
      vlan = frame.uint16(at: 14) & 0xfff
      etherType = frame.uint16(at: 16)
      linkLength &+= VLANTagView.length
    }
    if etherType == EtherType.arp {
      readARP(frame.dropFirst(linkLength))
      return
    }
    let packet = Dissection(frame: frame, link: .ethernet)
    guard packet.fault == .none else { return }
    sourceHigh = packet.addresses.sourceHigh
    sourceLow = packet.addresses.sourceLow
    destinationHigh = packet.addresses.destinationHigh
    destinationLow = packet.addresses.destinationLow
    isIPv6 = packet.addresses.isIPv6
    hasAddresses = true
    protocolNumber = packet.protocolNumber
    isFragment = packet.isFragment
    if packet.isFirstFragment { readUpper(packet.upper) }
  }

  private mutating func readARP(_ packet: Bytes) {
    guard let arp = ARPView(packet) else { return }
    sourceLow = UInt64(arp.sender.value)
    destinationLow = UInt64(arp.target.value)
    hasAddresses = true
  }

  private mutating func readUpper(_ upper: Bytes) {
    switch protocolNumber {
    case IPProtocol.esp: readESP(upper)
    case IPProtocol.tcp, IPProtocol.udp:
      guard upper.count >= PortsView.length else { return }
      sourcePort = upper.uint16(at: 0)
      destinationPort = upper.uint16(at: 2)
      hasPorts = true
      // IKE on this port begins with four zeros, and a keepalive is one octet.
      let isESP = sourcePort == IKEView.encapsulationPort || destinationPort == IKEView.encapsulationPort
      if protocolNumber == IPProtocol.udp, isESP, upper.count >= 8 &+ ESPView.length, upper.uint32(at: 8) != 0 {
        readESP(upper.dropFirst(8))
      }
    case IPProtocol.icmp, IPProtocol.icmpv6:
      guard upper.count >= 2 else { return }
      sourcePort = UInt16(upper.uint8(at: 0))
      destinationPort = UInt16(upper.uint8(at: 1))
    default: break
    }
  }

  private mutating func readESP(_ bytes: Bytes) {
    guard let esp = ESPView(bytes) else { return }
    spi = esp.spi
    sequence = esp.sequence
    hasSPI = true
  }
}

/// What became of one packet on one worker. Fixed size: records travel in a ring.
package struct TraceRecord: BitwiseCopyable, Sendable {
  /// Where a worker got it.
  package enum Origin: UInt8, BitwiseCopyable, Sendable {
    case inside, outside
    case control
  }

  /// Of the clock on the wall.
  package var seconds: Int64 = 0
  package var microseconds: UInt32 = 0
  package var came = TracedHeaders()
  /// As it was when its fate was known: sealed, opened, or as it had come.
  package var left = TracedHeaders()
  var action: UInt32 = 0
  /// What `action` and `hop` are numbers of.
  package var generation: UInt32 = 0
  /// The number of its next hop, where it has an exit or lacks a neighbour.
  package var hop: UInt32 = 0
  package var workSet: UInt16 = 0
  /// How many packets were made out of it besides.
  package var made: UInt16 = 0
  package var origin = Origin.inside
  package var worker: UInt8 = 0
  /// The worker that it crossed from; `ownWorker` where it did not.
  package var crossedFrom: UInt8 = ownWorker
  /// A `DropReason`, 0 for none.
  package var reason: UInt8 = 0
  /// A `Side`; `noExit` where it left by none.
  package var exit: UInt8 = noExit
  package var isPunted = false

  package static var ownWorker: UInt8 { .max }
  package static var noExit: UInt8 { .max }

  package init() {}

  package var verdict: DropReason { DropReason(rawValue: reason) ?? .none }
  package var kind: SecureAction.Kind { SecureAction(bits: action).kind }
}

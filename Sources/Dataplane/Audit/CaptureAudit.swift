package import Wire

/// One destination, SPI and sender, and what its packets did.
package final class AuditedStream {
  package let destination: IPAddress
  package let spi: UInt32
  /// Nil where the SA has no sender ids, or none that are known.
  package let senderID: UInt32?
  package let sa: AuditedSA
  /// Nobody said what the SA is.
  package let isAssumed: Bool
  package fileprivate(set) var packets: UInt64 = 0
  package fileprivate(set) var duplicates: UInt64 = 0
  /// IVs of a counter mode that came again with other bytes.
  package fileprivate(set) var repeats: UInt64 = 0
  /// The same where an IV is no counter.
  package fileprivate(set) var sameIVs: UInt64 = 0
  fileprivate var runs = SequenceRuns()
  fileprivate let table: IVTable

  fileprivate init(
    destination: IPAddress, spi: UInt32, senderID: UInt32?, sa: AuditedSA, isAssumed: Bool, table: IVTable
  ) {
    self.destination = destination
    self.spi = spi
    self.senderID = senderID
    self.sa = sa
    self.isAssumed = isAssumed
    self.table = table
  }

  package var gaps: SequenceGaps { runs.gaps }
}

/// An IV of a counter mode that came again with other bytes.
package struct AuditRepeat {
  package let stream: AuditedStream
  package let iv: UInt64
  package let number: UInt64
  package let sequence: UInt32
  package let firstNumber: UInt64
  package let firstSequence: UInt32
}

package struct AuditLimits: Sendable {
  /// Each takes 43 to 86 bytes.
  package var packets = 1 << 27
  package var streams = 1 << 20
  /// How many repeats are kept to be shown.
  package var shownRepeats = 10

  package init() {}
}

/// Reads ESP as whoever is on the wire sees it: sequence numbers that are missing, packets that came twice, and IVs
/// that were used twice. Those end the secrecy of a counter mode, and no later repair brings it back.
package final class CaptureAudit {
  private struct StreamKey: Hashable {
    var destinationHigh: UInt64
    var destinationLow: UInt64
    var isIPv6: Bool
    var spi: UInt32
    var senderID: UInt32?
  }

  private struct SenderKey: Hashable {
    var spi: UInt32
    var senderID: UInt32
  }

  private let known: AuditedSAs
  private let link: LinkType
  private let limits: AuditLimits
  private var counted = [UInt64](repeating: 0, count: AuditCount.allCases.count)
  private var places: [StreamKey: Int] = [:]
  private var senderTables: [SenderKey: IVTable] = [:]
  private var remembered = 0

  package private(set) var packets: UInt64 = 0
  /// In the order of their first packets.
  package private(set) var streams: [AuditedStream] = []
  package private(set) var firstRepeats: [AuditRepeat] = []

  package init(_ known: AuditedSAs, link: LinkType, limits: AuditLimits = AuditLimits()) {
    self.known = known
    self.link = link
    self.limits = limits
  }

  package func count(of what: AuditCount) -> UInt64 { counted[Int(what.rawValue)] }

  /// The next packet's length as captured; nil at the end.
  package func takeNext(from input: CaptureInput) -> Int? {
    guard let packet = input.next() else { return nil }
    take(Bytes(packet.bytes, count: packet.length), wireLength: Int(packet.wireLength))
    return packet.length
  }

  func take(_ frame: Bytes, wireLength: Int) {
    packets += 1
    switch FoundESP.find(in: frame, wireLength: wireLength, link: link) {
    case .none(let what): count(what)
    case .esp(let found): take(found)
    }
  }

  private func count(_ what: AuditCount) { counted[Int(what.rawValue)] += 1 }

  private func take(_ found: FoundESP) {
    guard let esp = ESPView(found.bytes) else { return count(found.shortfall) }
    let named = known[esp.spi]
    let sa = named ?? .assumed
    guard esp.body.count >= sa.ivBytes else { return count(found.shortfall) }
    guard remembered < limits.packets, packets <= SeenPacket.mostNumber else { return count(.beyondLimit) }
    let senderID = sa.senderIDBits > 0 ? UInt32(esp.body.uint64(at: 0) >> (64 - UInt64(sa.senderIDBits))) : nil
    let key = StreamKey(
      destinationHigh: found.destinationHigh, destinationLow: found.destinationLow, isIPv6: found.isIPv6,
      spi: esp.spi, senderID: senderID)
    guard let stream = stream(key, sa, isAssumed: named == nil) else { return count(.beyondLimit) }
    stream.packets += 1
    stream.runs.insert(esp.sequence)
    enter(esp, isWhole: found.isWhole, into: stream)
  }

  private func enter(_ esp: ESPView, isWhole: Bool, into stream: AuditedStream) {
    let sa = stream.sa
    let iv =
      switch sa.ivBytes {
      // Without an IV, a packet is told from others by its number.
      case 0: UInt64(esp.sequence)
      case 8: esp.body.uint64(at: 0)
      default: SeenPacket.digest(of: esp.body.prefix(sa.ivBytes))
      }
    let payload = esp.body.dropFirst(sa.ivBytes)
    let packet = SeenPacket(number: packets, sequence: esp.sequence, iv: iv, payload: payload, isWhole: isWhole)
    let before = stream.table.count
    let verdict = stream.table.enter(packet, payload: payload)
    remembered += stream.table.count - before
    switch verdict {
    case .fresh: break
    case .duplicate: stream.duplicates += 1
    case .differs(let first) where sa.isCounterMode && sa.ivBytes > 0:
      stream.repeats += 1
      guard firstRepeats.count < limits.shownRepeats else { return }
      firstRepeats.append(
        AuditRepeat(
          stream: stream, iv: esp.body.uint64(at: 0), number: packets, sequence: esp.sequence,
          firstNumber: first.number, firstSequence: first.sequence))
    case .differs: stream.sameIVs += sa.ivBytes > 0 ? 1 : 0
    }
  }

  /// Nil when there are as many as may be.
  private func stream(_ key: StreamKey, _ sa: AuditedSA, isAssumed: Bool) -> AuditedStream? {
    if let place = places[key] { return streams[place] }
    guard streams.count < limits.streams else { return nil }
    let destination: IPAddress =
      key.isIPv6
      ? .v6(IPv6Address(high: key.destinationHigh, low: key.destinationLow))
      : .v4(IPv4Address(UInt32(truncatingIfNeeded: key.destinationLow)))
    let stream = AuditedStream(
      destination: destination, spi: key.spi, senderID: key.senderID, sa: sa, isAssumed: isAssumed,
      table: table(key))
    places[key] = streams.count
    streams.append(stream)
    return stream
  }

  /// A group has one key for all its members: there an IV must not come twice, whatever the destination.
  private func table(_ key: StreamKey) -> IVTable {
    guard let senderID = key.senderID else { return IVTable() }
    let sender = SenderKey(spi: key.spi, senderID: senderID)
    if let table = senderTables[sender] { return table }
    let table = IVTable()
    senderTables[sender] = table
    return table
  }
}

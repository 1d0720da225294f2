package import Contract
import ControlKit
package import Wire

/// A host or a router that a member has found, on the link of that side and tag.
package struct Acquaintance: Hashable, Sendable {
  package var side: Side
  /// Nil: the link without a tag.
  package var vlan: UInt16?
  package var address: IPAddress
  package var mac: MACAddress

  package init(_ address: IPAddress, side: Side, vlan: UInt16?, mac: MACAddress) {
    self.side = side
    self.vlan = vlan
    self.address = address
    self.mac = mac
  }
}

/// What members tell each other of their neighbours, so that work can move without a packet that waits for an answer: all
/// of them when somebody is new, and from then on what is new of them.
struct Acquaintances {
  /// The envelope's type, of nobody else's.
  static let type: UInt8 = 0xf1
  /// A frame of those, and how far apart.
  static let most = 40
  private static let pace: Nanoseconds = 4 * .millisecond
  private static let soon: Nanoseconds = 60 * .millisecond
  private static let later: Nanoseconds = 500 * .millisecond

  private var known: Set<Acquaintance> = []
  private var untold: [Acquaintance] = []
  private var next: Moment = 0
  /// When all of it is to be said.
  private var rounds: [Moment] = []

  /// All that this member knows now.
  mutating func know(_ all: [Acquaintance]) {
    let now = Set(all)
    untold.removeAll { !now.contains($0) }
    untold += all.filter { !known.contains($0) }
    known = now
  }

  /// Somebody is there who has heard nothing of it. He believes us when he knows us, so not at once; and what is lost is
  /// not asked for, so twice.
  mutating func tellAgain(_ now: Moment) { rounds = [now + Self.soon, now + Self.later] }

  var nextTimer: Moment? {
    guard !untold.isEmpty else { return rounds.first }
    return rounds.first.map { min($0, next) } ?? next
  }

  /// What is to be said now, if anything.
  mutating func take(_ now: Moment) -> [UInt8]? {
    if let round = rounds.first, now >= round {
      rounds.removeFirst()
      untold = Array(known)
    }
    guard !untold.isEmpty, now >= next else { return nil }
    next = now + Self.pace
    let part = untold.prefix(Self.most)
    untold.removeFirst(part.count)
    return Self.octets(Array(part))
  }

  // On the wire: side, tag or all ones, 4 or 6, address, MAC address

  static func octets(_ list: [Acquaintance]) -> [UInt8] {
    var writer = OctetWriter()
    for one in list {
      writer.put(one.side.rawValue)
      writer.put(one.vlan ?? .max)
      switch one.address {
      case .v4(let address):
        writer.put(UInt8(4))
        writer.put(address.value)
      case .v6(let address):
        writer.put(UInt8(6))
        writer.put(address.high)
        writer.put(address.low)
      }
      writer.put(UInt16(truncatingIfNeeded: one.mac.value >> 32))
      writer.put(UInt32(truncatingIfNeeded: one.mac.value))
    }
    return writer.octets
  }

  /// Nil where it is no such list.
  static func reading(_ octets: [UInt8]) -> [Acquaintance]? {
    var reader = OctetReader(octets)
    var list: [Acquaintance] = []
    while !reader.isAtEnd {
      guard list.count < most, let side = reader.take8().flatMap({ Side(rawValue: $0) }), let tag = reader.take16(),
        tag == .max || tag < 4095, let address = address(&reader), let high = reader.take16(), let low = reader.take32()
      else { return nil }
      let mac = MACAddress(UInt64(high) << 32 | UInt64(low))
      list.append(Acquaintance(address, side: side, vlan: tag == .max ? nil : tag, mac: mac))
    }
    return list
  }

  private static func address(_ reader: inout OctetReader) -> IPAddress? {
    switch reader.take8() {
    case 4: return reader.take32().map { .v4(IPv4Address($0)) }
    case 6:
      guard let high = reader.take64(), let low = reader.take64() else { return nil }
      return .v6(IPv6Address(high: high, low: low))
    default: return nil
    }
  }
}

import Contract
import Wire

/// One of `groups`.
enum GroupSection {
  private static let fields = ["key", "units", "maxSenders", "local", "sites"]
  /// RFC 9838: well before a sender's numbers end. A packet more is refused.
  static let mostPackets: UInt64 = 1 << 31

  static func read(_ reader: inout FieldReader, _ around: Surroundings) -> GroupDescription? {
    let name = reader.field("name", .name, default: "")
    let spi = reader.field("spi", .spi)
    let bits = reader.field("senderIDBits", .senderIDBits, default: 8)
    let isSecured = (ESPSection.fields + fields).contains { reader.contains($0) }
    let security = security(&reader, around, bits: bits, isWanted: isSecured)
    guard let spi, isSecured == (security != nil) else { return nil }
    var group = GroupDescription(name: name, spi: spi, senderIDBits: bits)
    group.security = security
    return group
  }

  private static func security(
    _ reader: inout FieldReader, _ around: Surroundings, bits: Int, isWanted: Bool
  ) -> GroupSecurity? {
    let address = around.address(&reader, peer: nil, isWanted: isWanted)
    var esp = ESPSection.read(&reader, isIPv6: address?.isIPv6, isWanted: isWanted)
    let key = KeyFields.key("key", esp?.suite, &reader, isWanted: isWanted)
    let born = KeyFields.born(esp?.suite, &reader)
    let counts = FieldFormat<Int>.integer(in: 1...1 << bits)
    let units = isWanted ? reader.field("units", counts) : reader.optional("units", counts)
    let maxSenders = reader.field("maxSenders", counts, default: 64)
    let local = reader.field("local", .list(of: .prefix), default: [])
    let sites = reader.field(
      "sites", .list(of: .section { site(&$0, isIPv6: address?.isIPv6) }), default: [])
    if let units, let number = around.unit?.number, number >= units {
      reader.reject("units", "found \(units), expected more than \(number), the value of unit.number")
    } else if let units, let number = around.highestUnit, number >= units {
      // Whichever member it is that seals, he has sender ids of his own.
      reader.reject("units", "found \(units), expected more than \(number), the highest number in cluster.units")
    }
    if let suite = esp?.suite {
      around.refuseCounters(suite, reader)
      refuseWhatIsNotForMany(&esp, reader)
    }
    if let key { around.enter(key, "key", reader) }
    guard let esp, let address, let key, let born, let units else { return nil }
    return GroupSecurity(
      esp, address: address, key: KeyDescription(key, born: born), units: units, maxSenders: maxSenders, local: local,
      sites: sites)
  }

  private static func refuseWhatIsNotForMany(_ esp: inout ESPDescription?, _ reader: borrowing FieldReader) {
    guard let found = esp else { return }
    if !found.suite.isCounterMode {
      reader.reject(
        "cipher", "\(found.suite) has no counter that tells senders apart (RFC 6054), expected an AEAD or AES-CTR")
      // Nothing else is missed then.
      esp = nil
    }
    if found.isExtended {
      reader.reject("esn", "ESN is not used on multi-sender SAs (RFC 9838), expected false")
    }
    if found.mode == .transport {
      reader.reject("mode", "found 'transport', expected tunnel: a group's packets go to the gateway of a site")
    }
    let packets = found.packets ?? ESPDescription.Limit(soft: mostPackets / 10 * 9, hard: mostPackets)
    if packets.hard > mostPackets {
      reader.reject("lifetime", "found \(packets.hard) packets, expected at most \(mostPackets) on a multi-sender SA")
    }
    esp?.packets = packets
  }

  private static func site(_ reader: inout FieldReader, isIPv6: Bool?) -> GroupSite? {
    let gateway = reader.field("gateway", .address)
    let networks = reader.field("networks", .list(of: .prefix, count: 1...YAMLLimits.maximumItems))
    guard let gateway, let networks else { return nil }
    if let isIPv6, gateway.isIPv6 != isIPv6 {
      reader.reject(
        "gateway", "found '\(gateway)', expected an \(isIPv6 ? "IPv6" : "IPv4") address, as the group has one")
    }
    return GroupSite(gateway: gateway, networks: networks)
  }
}

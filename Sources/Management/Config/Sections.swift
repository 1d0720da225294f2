import Contract
import Wire

/// `unit`: this machine alone.
struct UnitSection {
  var mac: MACAddress
  var groups: [MACAddress]

  static func read(_ reader: inout FieldReader) -> UnitSection? {
    let mac = reader.field("mac", .mac.matching("a unicast MAC address") { !$0.isGroup })
    let groups = reader.field(
      "groups",
      .list(of: .mac.matching("a group MAC address", \.isGroup), count: 0...AcceptDescription.mostGroups),
      default: [])
    return mac.map { UnitSection(mac: $0, groups: groups) }
  }
}

/// `cluster`: what all members have in common.
struct ClusterSection {
  var addresses: [IPAddress]
  var hash: HashKind
  var key: WorkSetKey
  var unicastMAC: MACAddress?
  var multicastMAC: MACAddress?

  static func read(_ reader: inout FieldReader) -> ClusterSection? {
    ClusterSection(
      addresses: reader.field(
        "addresses", .list(of: .address, count: 0...ClassifyDescription.mostClusterAddresses), default: []),
      hash: reader.field("hash", .choice, default: .keyed),
      key: reader.field(
        "key", .secret("32 hexadecimal digits") { WorkSetKey($0) }, default: .zero),
      unicastMAC: reader.optional("unicastMAC", .mac.matching("a unicast MAC address") { !$0.isGroup }),
      // X20: a switch treats 01-00-5e and 33-33 as IP multicast, and may keep them from us.
      multicastMAC: reader.optional(
        "multicastMAC",
        .mac.matching("a group MAC address that begins with 03") { $0.value >> 40 == 0x03 }))
  }
}

/// `memory`: how much is set aside for packets, before the first one comes.
struct MemorySection {
  var frames: Int?
  var frameBytes: Int?

  static func read(_ reader: inout FieldReader) -> MemorySection? {
    let memory = MemorySection(
      // Magazines of 64 exchange frames; a worker needs a few bursts.
      frames: reader.optional(
        "frames", .integer(in: 1024...1 << 20).matching("a multiple of 64 from 1024 to 1048576") { $0 % 64 == 0 }),
      frameBytes: reader.optional("frameBytes", .integer(in: 512...16384)))
    let bytes = (memory.frames ?? 8192) * (memory.frameBytes ?? 2048)
    if bytes > 3 << 30 {
      reader.reject(
        memory.frames == nil ? "frameBytes" : "frames",
        "found \(bytes >> 20) MiB of frames, expected at most 3072 MiB")
    }
    return memory
  }
}

/// One of `tunnels`.
enum TunnelSection {
  static func read(_ reader: inout FieldReader) -> TunnelDescription? {
    let inbound = reader.field("inboundSPI", .spi)
    let outbound = reader.field("outboundSPI", .spi)
    let peer = reader.field("peer", .address)
    let local = reader.field("local", .list(of: .prefix), default: [])
    let remote = reader.field("remote", .list(of: .prefix), default: [])
    guard let inbound, let outbound, let peer else { return nil }
    return TunnelDescription(
      inboundSPI: inbound, outboundSPI: outbound, peer: peer, local: local, remote: remote)
  }
}

/// One of `groups`.
enum GroupSection {
  static func read(_ reader: inout FieldReader) -> GroupDescription? {
    let spi = reader.field("spi", .spi)
    let bits = reader.field("senderIDBits", .senderIDBits, default: 8)
    return spi.map { GroupDescription(spi: $0, senderIDBits: bits) }
  }
}

extension FieldFormat where Value == MACAddress {
  static var mac: FieldFormat { text("a MAC address") { MACAddress($0) } }
}

extension FieldFormat where Value == IPAddress {
  static var address: FieldFormat { text("an IPv4 or IPv6 address") { IPAddress($0) } }
}

extension FieldFormat where Value == IPPrefix {
  static var prefix: FieldFormat { text("a prefix such as 192.0.2.0/24") { IPPrefix($0) } }
}

extension FieldFormat where Value == UInt32 {
  /// RFC 4303 section 2.1 sets 1 to 255 aside, and 0 is never on the wire.
  static var spi: FieldFormat { integer(in: 256...UInt32.max) }
}

extension FieldFormat where Value == Int {
  /// RFC 6054 section 3.
  static var senderIDBits: FieldFormat {
    integer(in: 8...16).matching("8, 12 or 16") { [8, 12, 16].contains($0) }
  }
}

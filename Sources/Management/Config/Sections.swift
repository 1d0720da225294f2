import Contract
import Wire

/// `unit`: this machine alone.
struct UnitSection {
  /// Nil accepts frames to every MAC address.
  var mac: MACAddress?
  var groups: [MACAddress]
  var number: Int?
  var stateDirectory: String?
  /// Files: who it is, as a member of a cluster.
  var certificate: String?
  var key: String?
  /// What of the two is not in the file: counters need both.
  var missing: [String]

  static func read(_ reader: inout FieldReader) -> UnitSection? {
    let unit = UnitSection(
      mac: reader.optional("mac", .mac.matching("a unicast MAC address") { !$0.isGroup }),
      groups: reader.field(
        "groups",
        .list(of: .mac.matching("a group MAC address", \.isGroup), count: 0...AcceptDescription.mostGroups),
        default: []),
      number: reader.optional("number", .integer(in: 0...UnitNumber.most)),
      // From another folder, a relative one would be another one, in which no key was ever used.
      stateDirectory: reader.optional("stateDirectory", .absolutePath),
      certificate: reader.optional("certificate", .absolutePath),
      key: reader.optional("key", .absolutePath),
      missing: ["number", "stateDirectory"].filter { !reader.contains($0) })
    if !reader.contains("mac"), !unit.groups.isEmpty {
      reader.reject("groups", "group addresses are given, but no 'mac', without which every frame is accepted")
    }
    return unit
  }
}

/// `cluster`: what all members have in common (C1).
struct ClusterSection {
  var addresses: [IPAddress]
  var hash: HashKind
  var key: WorkSetKey
  var unicastMAC: MACAddress?
  var multicastMAC: MACAddress?
  var membership: MembershipSection

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
        .mac.matching("a group MAC address that begins with 03") { $0.value >> 40 == 0x03 }),
      membership: MembershipSection.read(&reader))
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

extension FieldFormat where Value == String {
  /// What people call a tunnel or a group: shown as it is written.
  static var name: FieldFormat {
    text("a name of up to 40 characters without control characters") { text in
      text.unicodeScalars.count <= 40 && excerpt(of: text) == "'\(text)'" && !text.isEmpty ? text : nil
    }
  }
}

/// What the state file of a key says.
///
/// Little-endian: magic, version, count, fingerprint, born, width, units, unit, zero, incarnation; for each id in
/// ascending order id, worker, incarnation, mark; and the CRC-64 of all that. The length follows from the count, so
/// that a file that was cut, extended or written in part is known as such.
struct NonceState: Equatable {
  struct Record: Equatable {
    var id: UInt32
    /// Which worker had it last, in which incarnation: for a person who reads the file.
    var worker: UInt32
    var incarnation: UInt64
    /// No counter below this may be used again.
    var mark: UInt64
  }

  var key: NonceKey
  var width: SenderIDWidth
  var units: UInt32
  var unit: UInt32
  /// How many times the state has been opened.
  var incarnation: UInt64 = 0
  var records = NonceRecords()

  init(key: NonceKey, ids: SenderIDs) {
    self.key = key
    width = ids.width
    units = UInt32(ids.units)
    unit = UInt32(ids.unit)
  }

  func mark(of id: UInt32) -> UInt64 { records[id]?.mark ?? 0 }

  func hasBlock(_ id: UInt32) -> Bool { width.counters - mark(of: id) >= NonceBlock.counters }

  /// Moves the mark; the first counter of the block that lies before it now.
  mutating func takeBlock(of id: UInt32, worker: Int) -> UInt64 {
    let first = mark(of: id)
    records[id] = Record(id: id, worker: UInt32(worker), incarnation: incarnation, mark: first + NonceBlock.counters)
    return first
  }

  static let magic: [UInt8] = Array("HBKNONCE".utf8)
  static let version: UInt64 = 1
  static let headBytes = 8 + 4 + 4 + 16 + 8 + 4 * 4 + 8
  static let recordBytes = 4 + 4 + 8 + 8
  static let sumBytes = 8

  var octets: [UInt8] {
    var out = Self.magic
    Self.put(Self.version, 4, &out)
    Self.put(UInt64(records.list.count), 4, &out)
    out += key.fingerprint.octets
    Self.put(key.born, 8, &out)
    for field in [UInt64(width.rawValue), UInt64(units), UInt64(unit), 0] { Self.put(field, 4, &out) }
    Self.put(incarnation, 8, &out)
    for record in records.list {
      Self.put(UInt64(record.id), 4, &out)
      Self.put(UInt64(record.worker), 4, &out)
      Self.put(record.incarnation, 8, &out)
      Self.put(record.mark, 8, &out)
    }
    Self.put(Self.sum(out[...]), 8, &out)
    return out
  }

  /// nil when these are not the octets of a state, to the last bit.
  init?(octets: [UInt8]) {
    guard octets.count >= Self.headBytes + Self.sumBytes, Array(octets[..<8]) == Self.magic else { return nil }
    var at = 8
    func next(_ bytes: Int) -> UInt64 {
      defer { at += bytes }
      return Self.get(octets[at..<at + bytes])
    }
    let body = octets.count - Self.sumBytes
    guard Self.get(octets[body...]) == Self.sum(octets[..<body]), next(4) == Self.version else { return nil }
    let count = Int(next(4))
    guard octets.count == Self.headBytes + count * Self.recordBytes + Self.sumBytes else { return nil }
    let fingerprint = Array(octets[at..<at + 16])
    at += 16
    guard let key = NonceKey(fingerprint: fingerprint, born: next(8)),
      let width = SenderIDWidth(rawValue: Int(next(4)))
    else { return nil }
    self.key = key
    self.width = width
    units = UInt32(next(4))
    unit = UInt32(next(4))
    guard next(4) == 0 else { return nil }
    incarnation = next(8)
    var last: UInt32?
    for _ in 0..<count {
      let record = Record(
        id: UInt32(next(4)), worker: UInt32(next(4)), incarnation: next(8), mark: next(8))
      guard last.map({ $0 < record.id }) ?? true, record.id < UInt32(width.ids), record.mark <= width.counters else {
        return nil
      }
      last = record.id
      records[record.id] = record
    }
  }

  static func put(_ value: UInt64, _ bytes: Int, _ out: inout [UInt8]) {
    for byte in 0..<bytes { out.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
  }

  static func get(_ octets: ArraySlice<UInt8>) -> UInt64 {
    octets.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// CRC-64 as xz has it: finds every run of damage up to 64 bits long, and others but for one in 2^64.
  static func sum(_ octets: ArraySlice<UInt8>) -> UInt64 {
    var sum = UInt64.max
    for octet in octets {
      sum = table[Int((sum ^ UInt64(octet)) & 0xff)] ^ sum >> 8
    }
    return ~sum
  }

  private static let table: [UInt64] = (0..<256).map { index in
    (0..<8).reduce(UInt64(index)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xc96c_5795_d787_0f42 }
  }
}

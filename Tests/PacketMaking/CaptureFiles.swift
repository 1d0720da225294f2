// Capture files, octet by octet, so that a test can also make a wrong one.

/// One record of a capture file.
package struct Record: Hashable, Sendable {
  package var seconds: UInt32
  /// In the file's unit: micro- or nanoseconds.
  package var fraction: UInt32
  package var octets: [UInt8]
  /// Longer than the octets when the capture was cut.
  package var wireLength: UInt32

  package init(_ seconds: UInt32, _ fraction: UInt32, _ octets: [UInt8], wireLength: UInt32? = nil) {
    self.seconds = seconds
    self.fraction = fraction
    self.octets = octets
    self.wireLength = wireLength ?? UInt32(octets.count)
  }
}

/// Numbers in the byte order of the machine that is said to have written the file.
package struct FileOrder: Sendable {
  package var isBig: Bool
  package init(isBig: Bool) { self.isBig = isBig }
  package func callAsFunction<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    isBig ? big(number) : little(number)
  }
  package static let both = [FileOrder(isBig: true), FileOrder(isBig: false)]
}

/// A classic pcap file.
package func pcapFile(
  link: UInt32 = 1, order: FileOrder = FileOrder(isBig: false), nanoseconds: Bool = false,
  snapshotLength: UInt32 = 262_144, _ records: [Record]
) -> [UInt8] {
  var file = order(nanoseconds ? UInt32(0xa1b2_3c4d) : 0xa1b2_c3d4)
  file += order(UInt16(2)) + order(UInt16(4)) + order(UInt64(0)) + order(snapshotLength) + order(link)
  for record in records {
    file += order(record.seconds) + order(record.fraction)
    file += order(UInt32(record.octets.count)) + order(record.wireLength) + record.octets
  }
  return file
}

/// A pcapng file of one section and one interface (draft-ietf-opsawg-pcapng).
package func pcapngFile(
  link: UInt32 = 1, order: FileOrder = FileOrder(isBig: false), nanoseconds: Bool = false, _ records: [Record]
) -> [UInt8] {
  func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    let length = order(UInt32(padded.count + 12))
    return order(type) + length + padded + length
  }
  var file = block(0x0a0d_0d0a, order(UInt32(0x1a2b_3c4d)) + order(UInt16(1)) + order(UInt16(0)) + order(UInt64.max))
  // if_tsresol: 10^-9. Its absence means microseconds.
  let resolution = nanoseconds ? order(UInt16(9)) + order(UInt16(1)) + [9, 0, 0, 0] + order(UInt32(0)) : []
  file += block(1, order(UInt16(link)) + order(UInt16(0)) + order(UInt32(262_144)) + resolution)
  for record in records {
    let units: UInt64 = nanoseconds ? 1_000_000_000 : 1_000_000
    let time = UInt64(record.seconds) * units + UInt64(record.fraction)
    file += block(
      6,
      order(UInt32(0)) + order(UInt32(time >> 32)) + order(UInt32(time & 0xffff_ffff))
        + order(UInt32(record.octets.count)) + order(record.wireLength) + record.octets)
  }
  return file
}

/// A gzip member that stores its bytes as they are (RFC 1952, RFC 1951 section 3.2.4).
package func gzipFile(_ octets: [UInt8]) -> [UInt8] {
  var file: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
  var rest = octets[...]
  repeat {
    let chunk = rest.prefix(65_535)
    rest = rest.dropFirst(65_535)
    file += [rest.isEmpty ? 1 : 0] + little(UInt16(chunk.count)) + little(~UInt16(chunk.count)) + chunk
  } while !rest.isEmpty
  return file + little(crc32(octets)) + little(UInt32(truncatingIfNeeded: octets.count))
}

private func crc32(_ octets: [UInt8]) -> UInt32 {
  var crc = UInt32.max
  for octet in octets {
    crc ^= UInt32(octet)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
  }
  return ~crc
}

/// The records of a classic pcap file in little-endian order, as this machine writes them.
package func pcapRecords(_ file: [UInt8]) -> [Record]? {
  guard file.count >= 24, file[3] == 0xa1, file[2] == 0xb2 else { return nil }
  func number(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(file[at + $1]) << UInt32(8 * $1) } }
  var records: [Record] = []
  var at = 24
  while at < file.count {
    guard at + 16 <= file.count, case let length = Int(number(at + 8)), at + 16 + length <= file.count else {
      return nil
    }
    let octets = Array(file[at + 16..<at + 16 + length])
    records.append(Record(number(at), number(at + 4), octets, wireLength: number(at + 12)))
    at += 16 + length
  }
  return records
}

import Contract

/// As it travels; all numbers big-endian.
///
///     version 1 | flags 1 | set 2 | count 2 | records
///     record:   kind 1 | SPI 4 | digest 8 | tunnel or group, or nothing where it is lost
///     tunnel:   flags 1 | sequence 8 | packets 8 | bytes 8 | age 4 | opened 8 | their bytes 8 | window
///     group:    flags 1 | count 2 | of each sender: id 2 | window
///     window:   highest 8 | lost 8 | count 1 | of each gap: word 2 | missing 8
extension SetImage {
  private static let version: UInt8 = 1
  static let headOctets = 6
  static let recordOctets = 13
  static let tunnelOctets = 45 + WindowImage.leastOctets
  static let groupOctets = 3
  static let senderOctets = 2 + WindowImage.leastOctets

  private enum Kind: UInt8 { case lost, tunnel, group }

  var octets: [UInt8] {
    var writer = OctetWriter()
    writer.octets.reserveCapacity(min(Self.mostOctets, Self.headOctets + records.count * 128))
    writer.put(Self.version)
    writer.put(UInt8(isIncomplete ? 1 : 0))
    writer.put(UInt16(truncatingIfNeeded: set))
    writer.put(UInt16(truncatingIfNeeded: records.count))
    for record in records { record.write(to: &writer) }
    return writer.octets
  }

  /// Nil for what nobody of ours has written, or has of another set.
  init?(_ octets: [UInt8], of set: Int) {
    guard octets.count <= Self.mostOctets else { return nil }
    var reader = OctetReader(octets)
    guard reader.take(UInt8.self) == Self.version, let flags = reader.take(UInt8.self), flags <= 1,
      reader.take(UInt16.self).map({ Int($0) == set }) ?? false, let count = reader.take(UInt16.self)
    else { return nil }
    self.set = set
    isIncomplete = flags == 1
    var names = Set<StateName>()
    for _ in 0..<count {
      guard let record = Record(from: &reader), names.insert(record.name).inserted else { return nil }
      records.append(record)
    }
    guard reader.isAtEnd else { return nil }
  }
}

extension SetImage.Record {
  /// What it takes of `mostOctets`.
  var octetCount: Int {
    switch content {
    case .lost: SetImage.recordOctets
    case .tunnel(let tunnel): SetImage.recordOctets + 45 + tunnel.window.octetCount
    case .group(let group):
      SetImage.recordOctets + SetImage.groupOctets + group.senders.reduce(0) { $0 + 2 + $1.window.octetCount }
    }
  }

  fileprivate func write(to writer: inout OctetWriter) {
    let kind: UInt8 =
      switch content {
      case .lost: 0
      case .tunnel: 1
      case .group: 2
      }
    writer.put(kind)
    writer.put(name.spi)
    writer.put(name.digest)
    switch content {
    case .lost: break
    case .tunnel(let tunnel): tunnel.write(to: &writer)
    case .group(let group):
      writer.put(UInt8(group.isClosed ? 1 : 0))
      writer.put(UInt16(truncatingIfNeeded: group.senders.count))
      for sender in group.senders {
        writer.put(sender.id)
        sender.window.write(to: &writer)
      }
    }
  }

  fileprivate init?(from reader: inout OctetReader) {
    guard let kind = reader.take(UInt8.self), let spi = reader.take(UInt32.self), spi != 0,
      let digest = reader.take(UInt64.self)
    else { return nil }
    name = StateName(spi: spi, digest: digest)
    switch kind {
    case 0: content = .lost
    case 1:
      guard let tunnel = SetImage.Tunnel(from: &reader) else { return nil }
      content = .tunnel(tunnel)
    case 2:
      guard let group = SetImage.Group(from: &reader) else { return nil }
      content = .group(group)
    default: return nil
    }
  }
}

extension SetImage.Tunnel {
  fileprivate func write(to writer: inout OctetWriter) {
    writer.put(UInt8(isOver ? 1 : 0))
    writer.put(sequence)
    writer.put(packets)
    writer.put(bytes)
    writer.put(ageSeconds)
    writer.put(opened)
    writer.put(openedBytes)
    window.write(to: &writer)
  }

  fileprivate init?(from reader: inout OctetReader) {
    guard let flags = reader.take(UInt8.self), flags <= 1, let sequence = reader.take(UInt64.self),
      let packets = reader.take(UInt64.self), packets <= sequence, let bytes = reader.take(UInt64.self),
      let age = reader.take(UInt32.self), let opened = reader.take(UInt64.self),
      let openedBytes = reader.take(UInt64.self), let window = WindowImage(from: &reader)
    else { return nil }
    self.init(
      isOver: flags == 1, sequence: sequence, packets: packets, bytes: bytes, ageSeconds: age, opened: opened,
      openedBytes: openedBytes, window: window)
  }
}

extension SetImage.Group {
  fileprivate init?(from reader: inout OctetReader) {
    guard let flags = reader.take(UInt8.self), flags <= 1, let count = reader.take(UInt16.self) else { return nil }
    isClosed = flags == 1
    var last = -1
    for _ in 0..<count {
      // In their order, so each once.
      guard let id = reader.take(UInt16.self), Int(id) > last, let window = WindowImage(from: &reader) else {
        return nil
      }
      last = Int(id)
      senders.append(SetImage.Sender(id: id, window: window))
    }
  }
}

extension WindowImage {
  static let leastOctets = 17
  static let gapOctets = 10

  var octetCount: Int { Self.leastOctets + gaps.count * Self.gapOctets }

  fileprivate func write(to writer: inout OctetWriter) {
    writer.put(highest)
    writer.put(lost)
    writer.put(UInt8(truncatingIfNeeded: gaps.count))
    for gap in gaps {
      writer.put(gap.word)
      writer.put(gap.missing)
    }
  }

  fileprivate init?(from reader: inout OctetReader) {
    guard let highest = reader.take(UInt64.self), let lost = reader.take(UInt64.self),
      let count = reader.take(UInt8.self), count <= Self.mostGaps
    else { return nil }
    self.init(highest: highest, lost: lost)
    var last = -1
    for _ in 0..<count {
      guard let word = reader.take(UInt16.self), Int(word) > last, word < Self.mostWords,
        let missing = reader.take(UInt64.self), missing != 0
      else { return nil }
      // The highest has been seen, or it would not be that.
      if word == 0, missing >> 63 == 1 { return nil }
      last = Int(word)
      gaps.append(Gap(word: word, missing: missing))
    }
  }
}

private struct OctetWriter {
  var octets: [UInt8] = []

  mutating func put(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { octets.append(contentsOf: $0) }
  }
}

private struct OctetReader {
  private let octets: [UInt8]
  private var at = 0

  init(_ octets: [UInt8]) { self.octets = octets }

  var isAtEnd: Bool { at == octets.count }

  mutating func take<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
    let count = Number.bitWidth / 8
    guard octets.count - at >= count else { return nil }
    var value: Number = 0
    for octet in octets[at..<at + count] { value = value << 8 | Number(truncatingIfNeeded: octet) }
    at += count
    return value
  }
}

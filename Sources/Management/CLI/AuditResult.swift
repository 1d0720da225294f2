/// One destination, SPI and sender, as an audit found them.
package struct StreamResult: Sendable {
  package var destination = ""
  package var spi: UInt32 = 0
  package var senderID: UInt32?
  package var ivBytes = 8
  package var isCounterMode = true
  package var isAssumed = false
  package var packets: UInt64 = 0
  package var lowest: UInt64 = 0
  package var highest: UInt64 = 0
  package var missing: UInt64 = 0
  package var holes: UInt64 = 0
  package var duplicates: UInt64 = 0
  package var repeats: UInt64 = 0
  package var sameIVs: UInt64 = 0

  package init() {}

  var spiText: String { "0x" + Format.hex(UInt64(spi), digits: 8) }
  var senderText: String { senderID.map { "\($0)" } ?? "-" }
}

/// An IV that came again with other bytes, and where it came first. Packets are numbered from 1.
package struct RepeatResult: Sendable {
  package var stream: StreamResult
  package var iv: UInt64
  package var packet: UInt64
  package var sequence: UInt32
  package var firstPacket: UInt64
  package var firstSequence: UInt32

  package init(
    stream: StreamResult, iv: UInt64, packet: UInt64, sequence: UInt32, firstPacket: UInt64, firstSequence: UInt32
  ) {
    self.stream = stream
    self.iv = iv
    self.packet = packet
    self.sequence = sequence
    self.firstPacket = firstPacket
    self.firstSequence = firstSequence
  }

  var ivText: String { Format.hex(iv, digits: 16) }
}

/// Everything an audit has to tell, for the summary and for `--json`.
package struct AuditResult: Sendable {
  package var source = ""
  package var link = ""
  package var hasConfiguration = false
  package var packets: UInt64 = 0
  package var notAudited: [(name: String, meaning: String, count: UInt64)] = []
  package var streams: [StreamResult] = []
  package var firstRepeats: [RepeatResult] = []
  package var truncation: String?

  package init() {}

  package var audited: UInt64 { streams.reduce(0) { $0 + $1.packets } }
  package var duplicates: UInt64 { streams.reduce(0) { $0 + $1.duplicates } }
  package var repeats: UInt64 { streams.reduce(0) { $0 + $1.repeats } }

  /// What ends the command with an error: where it was, and what to do.
  package var complaint: String? {
    guard let worst = firstRepeats.first else { return nil }
    let times = repeats == 1 ? "once" : "\(Format.grouped(repeats)) times"
    // Without a word from the configuration it may be a cipher whose IV is no counter.
    let doubt = worst.stream.isAssumed ? " (unless its cipher is AES-CBC)" : ""
    return "an IV came again with other bytes, \(times), first in packet \(worst.packet): replace the keys of SPI "
      + "\(worst.stream.spiText) to \(worst.stream.destination)\(doubt), and find who used a counter twice"
  }

  package var json: JSON {
    .object([
      ("source", .string(source)),
      ("linkType", .string(link)),
      ("configured", .bool(hasConfiguration)),
      ("packets", .integer(packets)),
      ("audited", .integer(audited)),
      ("notAudited", .object(notAudited.map { ($0.name, .integer($0.count)) })),
      ("duplicates", .integer(duplicates)),
      ("repeats", .integer(repeats)),
      ("firstRepeats", .array(firstRepeats.map(\.json))),
      ("streams", .array(streams.map(\.json))),
      ("truncated", .bool(truncation != nil)),
    ])
  }
}

extension StreamResult {
  /// What names the stream.
  var names: [(String, JSON)] {
    [
      ("destination", .string(destination)), ("spi", .string(spiText)),
      ("senderID", senderID.map { .integer(UInt64($0)) } ?? .null),
    ]
  }

  var json: JSON {
    .object(
      names + [
        ("ivBytes", .integer(UInt64(ivBytes))),
        ("counterMode", .bool(isCounterMode)),
        ("assumed", .bool(isAssumed)),
        ("packets", .integer(packets)),
        ("lowest", .integer(lowest)),
        ("highest", .integer(highest)),
        ("missing", .integer(missing)),
        ("holes", .integer(holes)),
        ("duplicates", .integer(duplicates)),
        ("repeats", .integer(repeats)),
        ("sameIVs", .integer(sameIVs)),
      ])
  }
}

extension RepeatResult {
  var json: JSON {
    .object(
      stream.names + [
        ("iv", .string(ivText)),
        ("packet", .integer(packet)),
        ("sequence", .integer(UInt64(sequence))),
        ("firstPacket", .integer(firstPacket)),
        ("firstSequence", .integer(UInt64(firstSequence))),
      ])
  }
}

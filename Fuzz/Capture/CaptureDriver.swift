import FuzzKit

@testable import Dataplane

/// Any bytes as a capture file: gzip, libpcap's parser, what we make of its answers, and an audit of it all.
@main
enum CaptureDriver {
  static func main() {
    fuzz { data, size in
      guard let data, size > 0 else { return }
      let bytes = UnsafeRawBufferPointer(start: data, count: size)
      CaptureDriver.read(bytes)
      for sa in [nil] + known { CaptureDriver.audit(bytes, sa) }
    }
  }

  static func read(_ bytes: UnsafeRawBufferPointer) {
    guard let input = try? CaptureInput(.embedded(bytes, name: "fuzz")) else { return }
    var sink = Sink()
    while let packet = input.next() {
      precondition(packet.length >= 0, "a negative length")
      for offset in 0..<packet.length { sink.take(packet.bytes.load(fromByteOffset: offset, as: UInt8.self)) }
    }
    // The end is final: asking again finds no packet, and no other reason.
    let fault = input.fault?.description
    precondition(input.next() == nil, "a packet after the last one")
    precondition(input.fault?.description == fault, "the fault has changed")
    sink.keep()
  }

  /// What an SA may be: without an IV, with one that is random, with sender ids in it.
  private static let known: [AuditedSA?] = [
    AuditedSA(ivBytes: 0, senderIDBits: 0, isCounterMode: false),
    AuditedSA(ivBytes: 16, senderIDBits: 0, isCounterMode: false),
    AuditedSA(ivBytes: 8, senderIDBits: 8, isCounterMode: true),
  ]

  /// Every SPI that is there is an SA of that kind; nil where nobody has said what it is.
  static func audit(_ bytes: UnsafeRawBufferPointer, _ sa: AuditedSA?) {
    guard let first = try? CaptureInput(.embedded(bytes, name: "fuzz")),
      let input = try? CaptureInput(.embedded(bytes, name: "fuzz"))
    else { return }
    var sas = AuditedSAs()
    if let sa {
      let look = CaptureAudit(AuditedSAs(), link: first.link)
      while look.takeNext(from: first) != nil {}
      for stream in look.streams { sas[stream.spi] = sa }
    }
    var limits = AuditLimits()
    (limits.packets, limits.streams, limits.shownRepeats) = (200, 12, 3)
    let audit = CaptureAudit(sas, link: input.link, limits: limits)
    var taken: UInt64 = 0
    while audit.takeNext(from: input) != nil { taken += 1 }
    let counted = AuditCount.allCases.reduce(0) { $0 + audit.count(of: $1) }
    let streamed = audit.streams.reduce(0) { $0 + $1.packets }
    precondition(audit.packets == taken && counted + streamed == taken, "an audit loses a packet")
    precondition(
      audit.streams.count <= limits.streams && audit.firstRepeats.count <= limits.shownRepeats, "beyond a limit")
    for stream in audit.streams {
      let again = stream.duplicates + stream.repeats + stream.sameIVs
      precondition(stream.packets > 0 && again <= stream.packets, "more packets came again than came")
      precondition(stream.sa.isCounterMode || stream.repeats == 0, "a random IV is no counter")
    }
    for found in audit.firstRepeats {
      precondition(found.firstNumber < found.number && found.number <= taken, "a repeat before its first")
    }
  }
}

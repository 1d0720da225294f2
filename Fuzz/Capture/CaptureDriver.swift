import FuzzKit

@testable import Dataplane

/// Any bytes as a capture file: gzip, libpcap's parser, and what we make of its answers.
@main
enum CaptureDriver {
  static func main() {
    fuzz { data, size in
      guard let data, size > 0 else { return }
      CaptureDriver.read(UnsafeRawBufferPointer(start: data, count: size))
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
}

import Foundation
import PacketMaking

/// Captures that the tests play.
enum Samples {
  /// The capture inside the program, as a file.
  static let shippedPath = Program.root + "/Sources/Management/CSample/sample.pcap"
  static let shipped: [Record] = pcapRecords(Array(try! Data(contentsOf: URL(fileURLWithPath: shippedPath))))!

  /// Sound, odd and broken frames, each a millisecond after the other.
  static let mixed: [Record] = {
    var random = Seeded(seed: 2001)
    return (0..<2000).map { number in
      let frame = hostileFrame(&random)
      return Record(
        1_700_000_000 + UInt32(number / 1000), UInt32(number % 1000 * 1000), frame,
        wireLength: UInt32(frame.count + (number % 7 == 0 ? 20 : 0)))
    }
  }()

  /// Flows only, with nothing to drop.
  static func flows(_ count: Int) -> [Record] {
    (0..<count).map { number in
      let i = number % 254 + 1
      let packet = ipv4(.udp, from: "10.1.0.\(i)", to: "10.2.0.\(i)", udp(big(UInt32(number))))
      return Record(1_700_000_000, UInt32(number % 1_000_000), ethernet(.ipv4, packet))
    }
  }
}

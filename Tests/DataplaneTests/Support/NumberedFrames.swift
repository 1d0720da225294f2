import PacketMaking

/// Frames that tell their number: UDP of 64 flows, no two alike.
enum NumberedFrames {
  static func frame(_ number: Int, length: Int) -> [UInt8] {
    let payload = big(UInt64(number)) + noise[number % 251..<number % 251 + length - 50]
    return ethernet(.ipv4, ipv4(.udp, udp(from: UInt16(4000 + number % 64), payload)))
  }

  private static let noise: [UInt8] = {
    var random = Seeded(seed: 0x6e6f_6973)
    return random.octets(1 << 14)
  }()

  /// 10 000 of them, of 60 to 1514 octets, each length as often as any other.
  static let usual: [[UInt8]] = (0..<10_000).map { frame($0, length: 60 + $0 * 613 % 1455) }

  /// The number of a frame of ours; nil where it is somebody else's.
  static func number(of frame: [UInt8]) -> Int? {
    guard frame.count >= 50, frame[12] == 8, frame[13] == 0, frame[23] == 17 else { return nil }
    return frame[42..<50].reduce(0) { $0 << 8 | Int($1) }
  }
}

/// What came of numbered frames.
struct Arrived {
  let expected: [[UInt8]]
  var whole = 0
  var wrong = 0
  var twice = 0
  private var seen: [Bool]

  init(_ expected: [[UInt8]] = NumberedFrames.usual) {
    self.expected = expected
    seen = [Bool](repeating: false, count: expected.count)
  }

  mutating func note(_ frame: [UInt8]) {
    guard let number = NumberedFrames.number(of: frame) else { return }
    guard number < expected.count, frame == expected[number] else { return wrong += 1 }
    if seen[number] { twice += 1 } else { whole += 1 }
    seen[number] = true
  }

  var isComplete: Bool { whole == expected.count && wrong == 0 && twice == 0 }
}

import PacketMaking

/// A TCP or UDP packet in Ethernet as a receiver would take it, octet by octet: lengths that agree, checksums that are
/// right.
struct SegmentReader {
  var isSound = false
  var isTCP = false
  var source = 0
  var destination = 0
  var identification: UInt16 = 0
  var sequence: UInt32 = 0
  var flags: UInt8 = 0
  var payload: [UInt8] = []

  init?(_ frame: [UInt8]) {
    var at = 12
    while at + 4 <= frame.count, [0x8100, 0x88a8].contains(Self.number(frame, at, 2)) { at += 4 }
    guard at + 2 + 28 <= frame.count else { return nil }
    let packet = Array(frame[(at + 2)...])
    switch Self.number(frame, at, 2) {
    case 0x0800: readIPv4(packet)
    case 0x86dd: readIPv6(packet)
    default: return nil
    }
  }

  static func number(_ octets: [UInt8], _ at: Int, _ count: Int) -> Int {
    octets[at..<at + count].reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func readIPv4(_ packet: [UInt8]) {
    let length = Int(packet[0] & 15) * 4
    identification = UInt16(Self.number(packet, 4, 2))
    let header = Array(packet[..<length])
    let upper = Array(packet[length...])
    let addresses = Array(packet[12..<20])
    let isWhole = Self.number(packet, 2, 2) == packet.count && checksum(header) == 0
    isSound = readUpper(packet[9], upper, addresses) && isWhole
  }

  private mutating func readIPv6(_ packet: [UInt8]) {
    guard packet.count >= 48 else { return }
    let isWhole = Self.number(packet, 4, 2) == packet.count - 40
    isSound = readUpper(packet[6], Array(packet[40...]), Array(packet[8..<40])) && isWhole
  }

  private mutating func readUpper(_ next: UInt8, _ upper: [UInt8], _ addresses: [UInt8]) -> Bool {
    guard upper.count >= 8 else { return false }
    source = Self.number(upper, 0, 2)
    destination = Self.number(upper, 2, 2)
    let pseudo = addresses + big(UInt32(upper.count)) + [0, 0, 0, next]
    isTCP = next == 6
    if isTCP {
      guard upper.count >= 20 else { return false }
      sequence = UInt32(Self.number(upper, 4, 4))
      flags = upper[13]
      payload = Array(upper[(Int(upper[12] >> 4) * 4)...])
    } else {
      payload = Array(upper[8...])
      guard next == 17, Self.number(upper, 4, 2) == upper.count, Self.number(upper, 6, 2) != 0 else { return false }
    }
    return checksum(pseudo + upper) == 0
  }
}

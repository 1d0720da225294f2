import Contract
import FuzzGateway
import FuzzKit
import PacketMaking
import Wire

@testable import Dataplane

/// Clear frames to a gateway that seals, over a path of any width, near the end of its numbers or of its nonces. What it
/// seals the other end opens, and gets what was sent.
@main
enum SealDriver {
  static func main() {
    fuzz { data, size in
      guard let data, size > 5 else { return }
      var input = FuzzInput(data, size)
      SealDriver.play(&input)
    }
  }

  private static func play(_ input: inout FuzzInput) {
    let pair = FuzzPairs.pair(input.byte())
    let width = input.word()
    let longest = width & 3 == 0 ? 0 : width >> 2 % 2000
    let left = input.byte(), nonces = input.byte()
    let last = left & 3 == 3 && !pair.esp.isExtended ? UInt64(UInt32.max) - UInt64(left) : 0
    pair.near.reset(after: last, longest: longest, nonces: nonces & 3 == 3 ? nonces : 1 << 20)
    pair.far.reset(after: last)
    var frames: [[UInt8]] = []
    var seconds: [Int64] = []
    while !input.isEmpty, frames.count < 80 {
      frames.append(frame(pair, &input))
      seconds.append(Int64(input.byte() >> 6))
    }
    let outcomes = pair.near.run(frames, seconds: seconds)
    checkOrder(pair, outcomes)
    for (frame, outcome) in zip(frames, outcomes) {
      guard outcome.reason == .none else {
        // What is refused stays as it is; a packet that was cut cannot.
        let isCut = longest > 0 && frame.count > longest - 200
        precondition(isCut || outcome.octets == frame, "a refused packet was changed: \(outcome.reason)")
        continue
      }
      let leaving = [outcome.octets] + outcome.made
      if longest > 0 {
        for one in leaving {
          precondition(one.count - pair.linkBytes(of: one) <= longest, "longer than the path takes")
        }
      }
      let back = pair.far.run(leaving, isExact: true)
      if let bad = back.first(where: { $0.reason != .none }) {
        // What a link of IPv4 alone should not have carried in the first place.
        precondition(bad.reason == .linkFamily && pair.link == .rawIPv4, "what was sealed is not opened: \(bad.reason)")
        continue
      }
      // In transport mode the packet itself says where to, and that may be elsewhere.
      if pair.esp.mode == .transport, pair.isSealedThere(back[0].octets) { continue }
      check(pair, frame, back.map(\.octets))
    }
  }

  private static func frame(_ pair: FuzzPair, _ input: inout FuzzInput) -> [UInt8] {
    let kind = input.byte()
    if kind & 7 == 0 { return input.octets(input.word() % 3000) }
    var frame = pair.clear(
      isIPv6: kind & 8 != 0, input.word() % (kind & 0xc0 == 0xc0 ? 65_450 : 3000), options: kind >> 4 & 3,
      trafficClass: UInt8(input.byte()), dontFragment: kind & 7 == 1)
    if kind & 7 > 3 { _ = input.bend(&frame) }
    // The headers, where most is decided.
    if kind & 7 > 5 {
      var head = Array(frame.prefix(80))
      _ = input.bend(&head)
      frame.replaceSubrange(0..<head.count, with: head)
    }
    if kind & 7 == 7, frame.count > 20, input.byte() & 1 == 1 { frame.removeLast(input.byte() % 20) }
    return frame
  }

  /// Numbers leave in their order: a peer's window may be as narrow as it likes.
  private static func checkOrder(_ pair: FuzzPair, _ outcomes: [FuzzGateway.Outcome]) {
    var last: UInt32 = 0
    for outcome in outcomes where outcome.reason == .none {
      for frame in [outcome.octets] + outcome.made {
        let sequence = frame.withUnsafeBytes { octets in
          let packet = Dissection(frame: Bytes(octets), link: pair.link)
          let inside = packet.protocolNumber == IPProtocol.udp ? packet.upper.dropFirst(UDPView.length) : packet.upper
          return ESPView(inside)?.sequence ?? 0
        }
        precondition(sequence > last, "a number leaves behind a later one")
        last = sequence
      }
    }
  }

  /// What was sent, whole or in pieces.
  private static func check(_ pair: FuzzPair, _ frame: [UInt8], _ back: [[UInt8]]) {
    let link = pair.linkBytes(of: frame)
    let isIPv6 = frame[link] >> 4 == 6
    let field = Int(frame[link + 2]) << 8 | Int(frame[link + 3])
    let length = isIPv6 ? 40 + Int(frame[link + 4]) << 8 + Int(frame[link + 5]) : field
    // A length of 0 is all there is. Transport mode writes that down, and what hides it stays with it.
    if length == (isIPv6 ? 40 : 0) {
      let isChanged = pair.esp.paddedLength > 0 || pair.esp.mode == .transport || back.count > 1
      precondition(isChanged || back[0] == frame, "a packet without a length is another")
      return
    }
    if back.count == 1, pair.esp.mode == .transport, !isIPv6 {
      // The header is written anew, with a checksum that is right.
      var sent = Array(frame.prefix(link + length)), came = back[0]
      for place in link + 10..<link + 12 { (sent[place], came[place]) = (0, 0) }
      precondition(sent == came, "a packet comes back changed")
      return
    }
    guard back.count > 1 else {
      precondition(back[0].elementsEqual(frame.prefix(link + length)), "a packet comes back changed")
      return
    }
    precondition(!isIPv6 && frame[link + 6] & 0x40 == 0, "a packet was cut that may not be")
    let header = Int(frame[link] & 15) * 4
    let payload = frame[link + header..<link + length]
    var offset = (Int(frame[link + 6] & 0x1f) << 8 | Int(frame[link + 7])) * 8
    var at = payload.startIndex
    for (index, piece) in back.enumerated() {
      let has = Int(piece[link] & 15) * 4
      let words = Int(piece[link + 6]) << 8 | Int(piece[link + 7])
      precondition(checksum(Array(piece[link..<link + has])) == 0, "a piece's checksum is wrong")
      precondition(words & 0x1fff == offset / 8 & 0x1fff, "a piece lies in another place")
      let isLast = index == back.count - 1
      let hasMore = !isLast || frame[link + 6] & 0x20 != 0
      precondition(
        (words & 0x2000 != 0) == hasMore,
        "a piece is the last that is not, or is not and should be")
      let part = piece[(link + has)...]
      precondition(payload[at...].starts(with: part), "a piece has other octets")
      at += part.count
      offset += part.count
    }
    precondition(at == payload.endIndex, "pieces that make no whole")
  }
}

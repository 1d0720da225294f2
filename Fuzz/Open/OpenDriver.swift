import Contract
import FuzzGateway
import FuzzKit
import Glibc
import Wire

@testable import Dataplane

/// Packets to a gateway that opens: any octets, authentic packets with nonsense inside, and authentic ones that were
/// changed on the way. The first octet picks the tunnel, the second where its numbers begin.
@main
enum OpenDriver {
  /// Before the first wrap, at the end of 32 bits, beyond it.
  private static let starts: [UInt64] = [0, 1, 70, 1 << 32 - 3, 1 << 32 - 70, 1 << 40]

  static func main() {
    fuzz { data, size in
      guard let data, size > 2 else { return }
      var input = FuzzInput(data, size)
      OpenDriver.play(&input)
    }
  }

  private struct Sent {
    var octets: [UInt8]
    /// What has to come out: of a packet that nobody has touched.
    var clear: [UInt8]?
  }

  private static func play(_ input: inout FuzzInput) {
    let pair = FuzzPairs.pair(input.byte())
    let start = starts[input.byte() % starts.count]
    let last = pair.esp.isExtended ? start : min(start, UInt64(UInt32.max) - 2)
    pair.near.reset(after: last)
    pair.far.reset(after: last)
    var sent: [Sent] = []
    var authentic: [[UInt8]] = []
    while !input.isEmpty, sent.count < 100 {
      switch input.byte() & 7 {
      case 0: sent.append(Sent(octets: input.octets(input.word() % 1600)))
      case 1:
        guard !sent.isEmpty else { continue }
        var again = Sent(octets: sent[input.byte() % sent.count].octets)
        _ = input.bend(&again.octets)
        cut(&again.octets, &input)
        sent.append(again)
      case 2:
        // Behind headers that are right.
        let octets = input.octets(input.byte())
        sent.append(Sent(octets: pair.outer(octets, isDatagram: input.byte() & 1 == 1)))
      case let kind: seal(pair, kind, &input, &sent, &authentic)
      }
    }
    let before = pair.far.opened
    let outcomes = pair.far.run(sent.map(\.octets), isExact: true)
    let opened = pair.far.opened &- before
    precondition(opened <= UInt64(authentic.count), "more packets were opened than sealed")
    var used = [Bool](repeating: false, count: authentic.count)
    for (one, outcome) in zip(sent, outcomes) {
      if let clear = one.clear {
        precondition(outcome.reason == .none, "a packet that nobody has touched is refused: \(outcome.reason)")
        precondition(outcome.octets == clear, "a packet comes out changed")
      }
      guard outcome.reason == .none, !pair.isSealedThere(outcome.octets) else { continue }
      let place = authentic.indices.first { !used[$0] && contains(one.octets, authentic[$0]) }
      guard let place else { preconditionFailure("a packet was opened that nobody has sealed, or a second time") }
      used[place] = true
    }
  }

  private static func seal(
    _ pair: FuzzPair, _ kind: Int, _ input: inout FuzzInput, _ sent: inout [Sent], _ authentic: inout [[UInt8]]
  ) {
    let shape = input.byte()
    let clear = pair.clear(
      isIPv6: shape & 1 == 1, input.byte() * (shape & 2 == 0 ? 1 : 9), options: kind == 3 ? shape >> 4 % 11 : 0,
      trafficClass: shape & 4 == 0 ? 0 : UInt8(input.byte()), dontFragment: shape & 8 != 0)
    var isBent = false
    let forged = pair.near.forge(clear, link: pair.linkBytes) { start, count in
      // The inner header from the front, the trailer from the end.
      guard kind > 4 else { return }
      isBent = input.bend(count, start, from: kind > 5) || isBent
    }
    guard var forged else { return }
    authentic.append(forged.esp)
    let whole = forged.octets
    if kind == 4 || kind == 7 {
      _ = input.bend(&forged.octets)
      cut(&forged.octets, &input)
    }
    let isWhole = !isBent && forged.octets == whole
    sent.append(Sent(octets: forged.octets, clear: isWhole ? clear : nil))
  }

  private static func cut(_ octets: inout [UInt8], _ input: inout FuzzInput) {
    guard input.byte() & 7 == 7 else { return }
    octets.removeLast(min(octets.count, input.byte()))
  }

  private static func contains(_ frame: [UInt8], _ esp: [UInt8]) -> Bool {
    guard frame.count >= esp.count else { return false }
    return frame.withUnsafeBytes { frame in
      esp.withUnsafeBytes { esp in
        (0...frame.count - esp.count).contains { memcmp(frame.baseAddress! + $0, esp.baseAddress!, esp.count) == 0 }
      }
    }
  }
}

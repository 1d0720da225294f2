import Contract
import FuzzGateway
import FuzzKit
import PacketMaking
import Wire

@testable import Dataplane

/// Fragments of ESP and UDP to a gateway: of several datagrams at once, in any order, overlapping, with gaps, too long.
/// A datagram's octets follow from its number and their place, so that whatever becomes whole can be told to be.
@main
enum FragmentDriver {
  private static let most = 70_000
  /// An octet of a datagram by its place. The first datagrams are sealed packets.
  nonisolated(unsafe) private static var patterns: [Int: [UInt8]] = [:]

  static func main() {
    fuzz { data, size in
      guard let data, size > 2 else { return }
      var input = FuzzInput(data, size)
      FragmentDriver.play(&input)
    }
  }

  private static func pattern(_ datagram: Int) -> [UInt8] {
    if let known = patterns[datagram] { return known }
    let made = (0..<most).map { UInt8(truncatingIfNeeded: $0 / 8 &* 37 &+ $0 &+ datagram &* 101) }
    patterns[datagram] = made
    return made
  }

  private struct Sent {
    var frame: [UInt8]
    var seconds: Int64
    var clear: [UInt8]?
  }

  private static func play(_ input: inout FuzzInput) {
    let pair = FuzzPairs.pair(input.byte() & 1 == 0 ? 0 : 7)
    pair.near.reset()
    pair.far.reset()
    // Three sealed packets that may be cut as well; sealing anew gives the same octets.
    let clears = [100, 1400, 9000].map { pair.clear(isIPv6: false, $0) }
    let link = pair.linkBytes
    let sealed = clears.compactMap { pair.near.forge($0, link: link) { _, _ in }?.esp }
    let direct = Reassembly()
    defer { direct.deallocate() }
    var expected: [DropReason?] = []
    // Of these some octets were changed.
    var bent: Set<Int> = []
    var frames: [[UInt8]] = [], seconds: [Int64] = []
    var now: Int64 = 0
    while !input.isEmpty, frames.count < 400 {
      let flags = input.byte()
      now += flags & 0xc0 == 0xc0 ? Int64(input.byte() & 31) : 0
      let datagram = input.byte()
      let source = datagram < sealed.count ? sealed[datagram] : pattern(datagram)
      let packet = packet(pair, source, datagram, flags, &input, &bent)
      frames.append(pair.frame(isIPv6: pair.isOuterIPv6, packet))
      seconds.append(now)
      expected.append(verdict(direct, packet, now, bent.contains(datagram) ? nil : source))
    }
    let outcomes = pair.far.run(frames, seconds: seconds, isExact: true)
    for (reason, outcome) in zip(expected, outcomes) {
      if let reason {
        precondition(outcome.reason == reason, "the pipeline says \(outcome.reason), and reassembly \(reason)")
      } else if outcome.reason == .none {
        let isKnown = clears.contains(outcome.octets) || pair.isSealedThere(outcome.octets)
        precondition(isKnown, "a packet came out that was never sealed")
      }
    }
  }

  private static func packet(
    _ pair: FuzzPair, _ source: [UInt8], _ datagram: Int, _ flags: Int, _ input: inout FuzzInput,
    _ bent: inout Set<Int>
  ) -> [UInt8] {
    let offset = (flags & 4 == 0 ? input.byte() & 31 : input.word() & 0x1fff) * 8
    let length = flags & 8 == 0 ? (input.byte() & 31) * 8 : input.word() % 9200
    let isLast = flags & 3 == 3
    // What is not there is not the datagram's.
    let end = min(source.count, offset + length)
    var octets = offset < end ? Array(source[offset..<end]) : []
    if flags & 16 != 0, input.bend(&octets) { bent.insert(datagram) }
    let number: NextHeader = flags & 32 == 0 ? .esp : .udp
    if pair.isOuterIPv6 {
      let inside = fragment(
        number, offset: UInt16(offset / 8), more: !isLast, identification: UInt32(datagram), octets)
      let isBehind = input.byte() & 15 == 15
      return ipv6(
        isBehind ? .destinationOptions : .fragment, from: pair.from, to: pair.to,
        isBehind ? extensionHeader(.fragment, units: UInt8(input.byte() & 63), inside) : inside)
    }
    let options = input.byte()
    return ipv4(
      number, from: pair.from, to: pair.to,
      options: [UInt8](repeating: 1, count: options & 15 == 15 ? (options >> 4) % 11 * 4 : 0),
      identification: UInt16(datagram), moreFragments: !isLast, fragmentOffset: UInt16(offset / 8), octets)
  }

  /// What reassembly alone says of a packet; nil where it is whole, or no fragment at all.
  private static func verdict(
    _ reassembly: Reassembly, _ packet: [UInt8], _ now: Int64, _ source: [UInt8]?
  ) -> DropReason? {
    packet.withUnsafeBytes { octets in
      let bytes = Bytes(octets)
      let dissection = Dissection(quoted: bytes, isIPv6: packet[0] >> 4 == 6)
      guard dissection.fault == .none, dissection.isFragment else { return nil }
      var timeouts = 0
      switch reassembly.add(bytes, dissection.addresses, seconds: now, &timeouts) {
      case .held: return .reassembled
      case .refused(let reason): return reason
      case .whole(let number):
        let length = reassembly.length(number)
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { whole in
          reassembly.copy(number, to: whole.baseAddress!)
          check(Bytes(UnsafeRawBufferPointer(whole)), of: source)
        }
        reassembly.release(number)
        return nil
      }
    }
  }

  private static func check(_ whole: Bytes, of source: [UInt8]?) {
    let view = Dissection(quoted: whole, isIPv6: whole.uint8(at: 0) >> 4 == 6)
    precondition(view.fault == .none && !view.isFragment, "what is whole is a fragment, or no packet")
    guard let source else { return }
    let octets = UnsafeRawBufferPointer(start: view.upper.base, count: view.upper.count)
    precondition(octets.elementsEqual(source.prefix(octets.count)), "what is whole has octets of others")
  }
}

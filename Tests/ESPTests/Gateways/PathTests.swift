import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Paths that take less than a packet needs, and outer packets that were cut on the way.
@Suite struct PathTests {
  private var narrow: TunnelPair {
    var esp = ESPDescription(gcm)
    esp.pathMTU = 600
    return TunnelPair(esp)
  }

  @Test func `row 36: what may be cut is cut before it is sealed`() throws {
    let pair = narrow
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    for length in [548, 549, 600, 1100, 1500, 4000] {
      let frame = clear(length)
      let outcome = near.run(frame)
      #expect(outcome.reason == .none)
      let sealed = [outcome.octets] + outcome.made
      #expect(sealed.allSatisfy { $0.count <= 614 })
      let pieces = far.run(sealed)
      #expect(pieces.allSatisfy { $0.reason == .none && checksum(Array($0.packet[..<20])) == 0 })
      var whole: [UInt8] = []
      for (index, piece) in pieces.map(\.packet).enumerated() {
        let field = Int(piece[6]) << 8 | Int(piece[7])
        #expect((field & 0x1fff) * 8 == whole.count)
        #expect((field & 0x2000 != 0) == (index < pieces.count - 1))
        whole += piece[20...]
      }
      #expect(whole == Array(frame[34...]), "\(length)")
    }
  }

  @Test func `more padding than the path takes is as much as it takes`() throws {
    var esp = ESPDescription(gcm)
    esp.pathMTU = 600
    esp.paddedLength = 1500
    let pair = TunnelPair(esp)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let frames = [28, 500, 546].map { clear($0, dontFragment: $0 == 546) }
    let sealed = near.run(frames)
    #expect(sealed.allSatisfy { $0.reason == .none && $0.packet.count == 600 })
    let isSame = far.run(sealed.map(\.octets)).map(\.octets) == frames
    #expect(isSame)
  }

  @Test func `numbers leave in their order, whichever way a packet goes`() throws {
    let pair = narrow
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    // Plain ones, IPv6 that goes the general way, and some that are cut, in one burst.
    let frames = (0..<64).map { clear($0 % 5 == 0 ? 1400 : 100 + $0, isIPv6: $0 % 3 == 1 && $0 % 5 != 0) }
    let sealed = near.run(frames).flatMap { [$0.octets] + $0.made }
    let numbers = sealed.map { $0[38..<42].reduce(0) { $0 << 8 | Int($1) } }
    #expect(numbers == Array(1...sealed.count) && sealed.count > 64)
    #expect(far.run(sealed).allSatisfy { $0.reason == .none })
  }

  @Test func `a fragment that ends where no packet ends has no pieces`() throws {
    let near = try TestGateway(narrow.near)
    let last = UInt16(65535 / 8 - 100)
    let sound = ethernet(.ipv4, ipv4(.udp, fragmentOffset: last, [UInt8](repeating: 1, count: 800)))
    let frame = ethernet(.ipv4, ipv4(.udp, fragmentOffset: last, [UInt8](repeating: 1, count: 900)))
    #expect(near.run(sound).reason == .none)
    let outcome = near.run(frame)
    #expect(outcome.reason == .fragmentMalformed && outcome.made.isEmpty && outcome.octets == frame)
  }

  @Test func `row 36: whoever may not be cut is told what fits`() throws {
    let near = try TestGateway(narrow.near)
    let frame = clear(1400, dontFragment: true)
    let outcome = near.run(frame)
    #expect(outcome.reason == .tooBigForPath && outcome.octets == frame && outcome.made.count == 1)
    let answer = Array(outcome.made[0].dropFirst(14))
    #expect(checksum(Array(answer[..<20])) == 0 && checksum(Array(answer[20...])) == 0)
    #expect(Array(answer[16..<20]) == address(Host.alice) && Array(answer[12..<16]) == address("203.0.113.1"))
    #expect(answer[9] == 1 && answer[20] == 3 && answer[21] == 4)
    let fits = Int(answer[26]) << 8 | Int(answer[27])
    #expect(near.run(clear(fits, dontFragment: true)).reason == .none)
    #expect(near.run(clear(fits + 1, dontFragment: true)).reason == .tooBigForPath)
    #expect(Array(answer[28..<56]) == Array(frame[14..<42]))
  }

  @Test func `row 36: not more than fifty senders are told in a second`() throws {
    let near = try TestGateway(narrow.near)
    let frames = (0..<60).map { clear(1400 + $0 % 3, dontFragment: true) }
    func told(_ seconds: Int64) -> Int { near.run(frames, seconds: seconds).count { $0.made.count == 1 } }
    #expect(told(7) == 50 && told(7) == 0 && near.counters.unanswered == 70)
    #expect(told(8) == 50 && near.counters.unanswered == 80)
    #expect(near.counters.madePackets == 100 && near.counters.drops(.tooBigForPath) == 180)
  }

  private func cut(_ frame: [UInt8], _ size: Int, identification: UInt16) -> [[UInt8]] {
    let payload = Array(frame[34...])
    return stride(from: 0, to: payload.count, by: size).map { at in
      let end = min(payload.count, at + size)
      return ethernet(
        .ipv4,
        ipv4(
          NextHeader(frame[23]), from: "203.0.113.1", to: "203.0.113.2", identification: identification,
          moreFragments: end < payload.count, fragmentOffset: UInt16(at / 8), Array(payload[at..<end])))
    }
  }

  @Test func `row 37: outer fragments are put together, in any order, among others`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let frames = (0..<20).map { clear(300 + 37 * $0) }
    var pieces = near.run(frames).enumerated().flatMap { cut($1.octets, 128, identification: UInt16($0)) }
    var random = Seeded(seed: 9)
    for index in pieces.indices.reversed() { pieces.swapAt(index, random.below(index + 1)) }
    let outcomes = far.run(pieces)
    let opened = outcomes.filter { $0.reason == .none }.map(\.octets)
    #expect(opened.count == 20 && Set(opened) == Set(frames))
    #expect(outcomes.filter { $0.reason == .reassembled }.count == pieces.count - 20)
  }

  @Test func `row 37: overlaps, and too many at once, are refused`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let sealed = near.run(clear(600)).octets
    let pieces = cut(sealed, 256, identification: 1)
    var other = pieces[0]
    other[50] ^= 1
    #expect(far.run([pieces[0], pieces[0], other]).map(\.reason) == [.reassembled, .reassembled, .fragmentOverlap])
    // Nothing is left of it: the rest alone makes nothing whole.
    #expect(far.run(pieces[1]).reason == .reassembled && far.run(pieces[2]).reason == .reassembled)
    let firsts = (0..<80).map { cut(sealed, 256, identification: UInt16(100 + $0))[0] }
    #expect(far.run(firsts).filter { $0.reason == .reassemblyFull }.count == 80 - (Reassembly.capacity - 1))
    // Half a minute later there is room again.
    #expect(far.run([firsts[79]], seconds: 31)[0].reason == .reassembled)
    #expect(far.counters.reassemblyTimeouts == 64)
  }
}

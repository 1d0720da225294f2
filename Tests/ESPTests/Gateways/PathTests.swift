import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

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
    // What is cut is not dropped.
    #expect(near.counters(.outbound).drops.isEmpty)
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

  @Test func `numbers are in the order in which packets leave, whatever was cut or went the general way`() throws {
    let near = try TestGateway(narrow.near)
    // A packet with options is not plain; one that is long is cut; the rest is plain, where ipsec-mb is.
    let frames = (0..<150).map { number in
      number % 7 == 3 ? clear(2000) : number % 5 == 1 ? withOptions(clear(80)) : clear(60 + number)
    }
    let sent = near.run(frames).flatMap { [$0.octets] + $0.made }
    let numbers = sent.map { octets in octets[38..<42].reduce(0) { $0 << 8 | Int($1) } }
    #expect(numbers == Array(1...sent.count) && sent.count > 150)
  }

  @Test func `windows move in the order in which packets come, whichever way they go`() throws {
    var esp = ESPDescription(gcm)
    esp.window = 64
    let pair = TunnelPair(esp)
    let sealed = try TestGateway(pair.near).run((0..<101).map { _ in clear(60) }).map(\.octets)
    let far = try TestGateway(pair.far)
    #expect(far.run([withOptions(sealed[0]), sealed[100]]).map(\.reason) == [.none, .none])
    #expect(far.run([withOptions(sealed[1]), sealed[2]]).map(\.reason) == [.outsideWindow, .outsideWindow])
  }

  /// The same packet with a word of options in its (outer) IPv4 header: not the common one.
  private func withOptions(_ frame: [UInt8]) -> [UInt8] {
    var octets = Array(frame[..<34] + [1, 1, 1, 1] + frame[34...])
    let length = octets.count - 14
    octets[14] = 0x46
    octets.replaceSubrange(16..<18, with: [UInt8(length >> 8), UInt8(length & 0xff)])
    octets.replaceSubrange(24..<26, with: [0, 0])
    let sum = checksum(Array(octets[14..<38]))
    octets.replaceSubrange(24..<26, with: [UInt8(sum >> 8), UInt8(sum & 0xff)])
    return octets
  }

  @Test(arguments: [false, true])
  func `row 36: not one octet more than the path takes`(_ stories: Bool) throws {
    for pathMTU in 597...604 {
      var esp = ESPDescription(gcm)
      esp.pathMTU = pathMTU
      let near = try TestGateway(TunnelPair(esp).near, stories: stories)
      // An SA's first packet goes the general way.
      #expect(near.run(clear(60)).reason == .none)
      // Padded to a multiple of four, with 54 octets around.
      let fits = (pathMTU - 52) / 4 * 4 - 2
      let outcomes = near.run((fits - 6...fits + 6).map { clear($0, dontFragment: true) })
      for (length, outcome) in zip(fits - 6...fits + 6, outcomes) {
        #expect(outcome.reason == (length <= fits ? .none : .tooBigForPath), "\(length) into \(pathMTU)")
        #expect(outcome.reason != .none || outcome.packet.count <= pathMTU)
      }
      #expect(near.counters(.outbound).drops.map { [$0.name: $0.count] } == [["tooBigForPath": 6]])
    }
  }

  @Test func `row 36: a fragment is cut once more, and options are repeated where they say so`() throws {
    let pair = narrow
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    // Router alert is copied (its highest bit says so), record route is not.
    let options: [UInt8] = [0x94, 4, 0, 0, 7, 7, 4, 1, 2, 3, 4, 0]
    let payload = (0..<1200).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    for (offset, hasMore) in [(UInt16(0), false), (0, true), (64, true), (64, false)] {
      let frame = ethernet(
        .ipv4, ipv4(.udp, options: options, identification: 99, moreFragments: hasMore, fragmentOffset: offset, payload)
      )
      let outcome = near.run(frame)
      #expect(outcome.reason == .none && outcome.made.count == 2)
      let pieces = far.run([outcome.octets] + outcome.made)
      #expect(pieces.allSatisfy { $0.reason == .none && checksum(Array($0.packet[..<32])) == 0 })
      var whole: [UInt8] = []
      for (index, piece) in pieces.map(\.packet).enumerated() {
        let field = Int(piece[6]) << 8 | Int(piece[7])
        #expect((field & 0x1fff) * 8 == Int(offset) * 8 + whole.count)
        #expect((field & 0x2000 != 0) == (index < pieces.count - 1 || hasMore))
        #expect(Array(piece[4..<6]) == big(UInt16(99)) && piece[0] == 0x48)
        #expect(
          Array(piece[20..<32]) == (index == 0 ? options : [0x94, 4, 0, 0] + Array(repeating: 1, count: 7) + [0]))
        #expect(Int(piece[2]) << 8 | Int(piece[3]) == piece.count)
        whole += piece[32...]
      }
      #expect(whole == payload)
    }
  }

  @Test(arguments: [false, true])
  func `row 36: answers go to whoever asks, and never to errors or later fragments`(_ isIPv6: Bool) throws {
    var description = narrow.near
    description.clusterAddresses.append(IPAddress("2001:db8:1::1")!)
    let near = try TestGateway(description)
    let long = [UInt8](repeating: 5, count: 1200)
    func frame(_ type: UInt8, offset: UInt16 = 0) -> [UInt8] {
      isIPv6
        ? ethernet(
          .ipv6,
          offset == 0
            ? ipv6(.icmpv6, icmp(type: type, long))
            : ipv6(.fragment, fragment(.icmpv6, offset: offset, more: false, icmp(type: type, long))))
        : ethernet(.ipv4, ipv4(.icmp, dontFragment: true, fragmentOffset: offset, icmp(type: type, long)))
    }
    // An echo is how a path is measured.
    for type in isIPv6 ? [UInt8(128), 129] : [8, 0, 13] {
      let outcome = near.run(frame(type))
      #expect(outcome.reason == .tooBigForPath && outcome.made.count == 1, "type \(type)")
    }
    for type in isIPv6 ? [UInt8(1), 2, 3, 4] : [3, 4, 5, 11, 12] {
      let outcome = near.run(frame(type))
      #expect(outcome.reason == .tooBigForPath && outcome.made.isEmpty, "type \(type)")
    }
    #expect(near.run(frame(isIPv6 ? 128 : 8, offset: 20)).made.isEmpty)
    guard isIPv6 else { return }
    let answer = Array(near.run(frame(128)).made[0].dropFirst(14))
    #expect(answer[40] == 2 && answer.count <= 1280 && Array(answer[8..<24]) == address("2001:db8:1::1"))
    // An IPv6 path takes 1280 in any case.
    #expect(Array(answer[44..<48]) == big(UInt32(1280)))
    let pseudo = Array(answer[8..<40]) + big(UInt32(answer.count - 40)) + [0, 0, 0, 58]
    #expect(checksum(pseudo + answer[40...]) == 0)
  }

  @Test func `row 37: outer fragments are put together, in any order, among others`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let frames = (0..<20).map { clear(300 + 37 * $0) }
    var pieces = near.run(frames).enumerated().flatMap { outerFragments($1.octets, 128, identification: UInt16($0)) }
    var random = Seeded(seed: 9)
    for index in pieces.indices.reversed() { pieces.swapAt(index, random.below(index + 1)) }
    let outcomes = far.run(pieces)
    let opened = outcomes.filter { $0.reason == .none }.map(\.octets)
    #expect(opened.count == 20 && Set(opened) == Set(frames))
    #expect(outcomes.filter { $0.reason == .reassembled }.count == pieces.count - 20)
    #expect(far.counters.unfinishedFragments == 0)
  }

  @Test(arguments: [false, true])
  func `row 37: over IPv6 as well, behind extension headers, with marks of any fragment`(_ hasOptions: Bool) throws {
    let pair = TunnelPair(ESPDescription(gcm), isOuterIPv6: true)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let frame = clear(700, trafficClass: 2)
    let payload = Array(near.run(frame).packet[40...])
    // The outer mark of any one of the fragments counts (RFC 3168 section 5.3).
    for marked in [nil, 0, 1, 2] {
      far.expect(after: 0)
      let pieces = stride(from: 0, to: payload.count, by: 256).enumerated().map { number, at in
        let end = min(payload.count, at + 256)
        let piece = fragment(
          .esp, offset: UInt16(at / 8), more: end < payload.count, identification: UInt32(marked ?? 9),
          Array(payload[at..<end]))
        return ethernet(
          .ipv6,
          ipv6(
            hasOptions ? .destinationOptions : .fragment, from: "2001:db8:1::1", to: "2001:db8:2::1",
            trafficClass: number == marked ? 3 : 2, hasOptions ? extensionHeader(.fragment, piece) : piece))
      }
      let outcomes = far.run([1, 2, 0].map { pieces[$0] })
      #expect(outcomes.map(\.reason) == [.reassembled, .reassembled, .none])
      #expect(
        outcomes[2].octets == (marked == nil ? frame : clear(700, trafficClass: 3)), "\(String(describing: marked))")
    }
  }

  /// RFC 791: source, destination, protocol and name say which fragments belong together.
  @Test func `row 37: the same name twice, from two peers, to two of us, in two protocols`() throws {
    var udpESP = ESPDescription(gcm)
    udpESP.encapsulation = ESPDescription.Encapsulation()
    let pairs = [TunnelPair(ESPDescription(gcm)), TunnelPair(udpESP)]
    var description = pairs[0].far
    description.clusterAddresses.append(IPAddress("203.0.113.3")!)
    let far = try TestGateway(description)
    let near = try TestGateway(pairs[0].near), nearUDP = try TestGateway(pairs[1].near)
    nearUDP.goOn(after: 10)
    let frames = (0..<4).map { clear(400 + 8 * $0) }
    var sealed = near.run(Array(frames[..<3])).map(\.octets) + [nearUDP.run(frames[3]).octets]
    // Of the addresses outside none is authenticated.
    sealed[1][29] = 77
    sealed[2][33] = 3
    let cut = sealed.map { sealed in
      outerFragments(sealed, 160, identification: 5).map { piece in
        var piece = piece
        piece.replaceSubrange(26..<34, with: sealed[26..<34])
        return piece
      }
    }
    let mixed = cut[0].indices.flatMap { number in cut.map { $0[number] } }
    let outcomes = far.run(mixed)
    #expect(Set(outcomes.filter { $0.reason == .none }.map(\.octets)) == Set(frames))
    #expect(outcomes.count { $0.reason == .reassembled } == mixed.count - 4)
  }

  /// Where the end turns out to lie before what is there already, no length is the right one: a hole would count as full.
  @Test func `row 37: what lies beyond the last fragment belongs to no packet`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    func piece(_ at: Int, _ count: Int, more: Bool) -> [UInt8] {
      ethernet(
        .ipv4,
        ipv4(
          .esp, from: "203.0.113.1", to: "203.0.113.2", identification: 7, moreFragments: more,
          fragmentOffset: UInt16(at / 8), [UInt8](repeating: 1, count: count)))
    }
    // As many octets as the last one says there are, and a hole in the middle.
    let reasons = far.run([piece(0, 8, more: true), piece(96, 32, more: true), piece(40, 24, more: false)]).map(
      \.reason)
    #expect(reasons == [.reassembled, .reassembled, .fragmentMalformed])
    // And the other way round, where the end is known first.
    #expect(
      far.run([piece(40, 24, more: false), piece(96, 32, more: true)]).map(\.reason) == [
        .reassembled, .fragmentMalformed,
      ])
    // Two ends.
    #expect(
      far.run([piece(40, 24, more: false), piece(8, 8, more: false)]).map(\.reason) == [
        .reassembled, .fragmentMalformed,
      ])
    let sealed = near.run(clear(300)).octets
    #expect(far.run(outerFragments(sealed, 128, identification: 7)).last?.octets == clear(300))
  }

  @Test func `row 37: overlaps, and too many at once, are refused`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    let sealed = near.run(clear(600)).octets
    let pieces = outerFragments(sealed, 256, identification: 1)
    var other = pieces[0]
    other[50] ^= 1
    #expect(far.run([pieces[0], pieces[0], other]).map(\.reason) == [.reassembled, .reassembled, .fragmentOverlap])
    #expect(far.counters.unfinishedFragments == 2)
    // In part the same, from either side.
    for (first, second) in [(0, 16), (16, 0), (8, 24), (24, 8)] {
      let overlapping = [first, second].map { at in
        let octets = [UInt8](repeating: UInt8(1), count: 256)
        return ethernet(
          .ipv4,
          ipv4(
            .esp, from: "203.0.113.1", to: "203.0.113.2", identification: UInt16(2 + first), moreFragments: true,
            fragmentOffset: UInt16(at), octets))
      }
      #expect(far.run(overlapping).map(\.reason) == [.reassembled, .fragmentOverlap], "\(first), \(second)")
    }
    // What comes of it later is refused as well (RFC 5722 section 4).
    #expect(far.run(pieces[1]).reason == .fragmentOverlap && far.run(pieces[2]).reason == .fragmentOverlap)
    let firsts = (0..<80).map { outerFragments(sealed, 256, identification: UInt16(100 + $0))[0] }
    #expect(far.run(firsts).filter { $0.reason == .reassemblyFull }.count == 80 - (Reassembly.capacity - 5))
    // Who has waited for long gives way: nobody shuts all others out by beginnings without an end.
    #expect(far.run([firsts[79]], seconds: 2)[0].reason == .reassembled)
    #expect(far.run([firsts[78]], seconds: 1)[0].reason == .reassemblyFull)
    // Half a minute later there is room again.
    #expect(far.run([firsts[78]], seconds: 33)[0].reason == .reassembled)
    #expect(far.counters.reassemblyTimeouts == 60)
    // Not one became whole: consumed, and yet lost.
    #expect(far.counters.unfinishedFragments == far.counters.drops(.reassembled))
  }
}

/// As a router on the way cuts an outer packet over IPv4.
func outerFragments(_ frame: [UInt8], _ size: Int, identification: UInt16) -> [[UInt8]] {
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

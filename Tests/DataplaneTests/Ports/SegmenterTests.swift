import PacketMaking
import Testing
import Wire

@testable import Dataplane

/// What must be true of the segments that one frame becomes. Judged by SegmentReader, which shares nothing with the
/// segmenter.
@Suite struct SegmenterTests {
  static let most = 1500

  private func train(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) } }

  @Test(arguments: [1, 535, 536, 537, 1448, 10_000, 65_000], [false, true])
  func streamsAreDividedAndNothingIsLost(_ count: Int, _ isIPv6: Bool) throws {
    let data = train(count)
    let whole = tcp(
      sequence: 0xffff_ff00, flags: TCPFlag.acknowledge | TCPFlag.push | TCPFlag.fin,
      options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], data)
    let frame =
      isIPv6
      ? ethernet(.ipv6, ipv6(.tcp, whole))
      : ethernet(.ipv4, ipv4(.tcp, identification: 0xfffe, dontFragment: true, whole))
    let offload = Offload(kind: isIPv6 ? Offload.tcp6 : Offload.tcp4, segmentSize: 536)
    let segments = try #require(divide(of: frame, offload))
    #expect(segments.count == (count + 535) / 536)
    var all: [UInt8] = []
    for (number, segment) in segments.enumerated() {
      let read = try #require(SegmentReader(segment))
      #expect(read.isSound, "segment \(number)")
      #expect(read.sequence == 0xffff_ff00 &+ UInt32(all.count))
      #expect(isIPv6 || read.identification == 0xfffe &+ UInt16(number))
      let isLast = number == segments.count - 1
      #expect(read.flags == (isLast ? 0x19 : 0x10))
      #expect(read.payload.count == (isLast ? count - number * 536 : 536))
      all += read.payload
    }
    expectSame(all, data)
  }

  @Test(arguments: [false, true]) func datagramsKeepTheirSize(_ isIPv6: Bool) throws {
    let data = train(9 * 1000 + 1)
    let frame =
      isIPv6
      ? ethernet(.ipv6, ipv6(.udp, udp(data)))
      : ethernet(.ipv4, ipv4(.udp, options: [1, 1, 1, 0], identification: 7, udp(data)))
    let segments = try #require(divide(of: frame, Offload(kind: Offload.udp, segmentSize: 1000)))
    let read = try segments.map { try #require(SegmentReader($0)) }
    #expect(read.allSatisfy { $0.isSound })
    #expect(read.map { $0.payload.count } == [Int](repeating: 1000, count: 9) + [1])
    expectSame(read.flatMap { $0.payload }, data)
  }

  @Test func theLinkBoundsStreamsAndRefusesDatagrams() throws {
    let stream = ethernet(.ipv4, ipv4(.tcp, tcp(flags: TCPFlag.acknowledge, train(5000))))
    let segments = try #require(divide(of: stream, Offload(kind: Offload.tcp4, segmentSize: 4000), mtu: 576))
    #expect(segments.map { $0.count }.max() == 576 + 14)
    #expect(try segments.allSatisfy { try #require(SegmentReader($0)).isSound })
    let datagrams = ethernet(.ipv4, ipv4(.udp, udp(train(5000))))
    #expect(divide(of: datagrams, Offload(kind: Offload.udp, segmentSize: 1472)) != nil)
    #expect(divide(of: datagrams, Offload(kind: Offload.udp, segmentSize: 1473)) == nil)
  }

  @Test func tagsStayAndArePutBack() throws {
    let inner = vlan(9, .ipv4, ipv4(.tcp, tcp(flags: TCPFlag.acknowledge, train(3000))))
    let segments = try #require(
      divide(of: ethernet(.vlan, inner), Offload(kind: Offload.tcp4, segmentSize: 1000), tag: 0x88a8_6005))
    #expect(segments.count == 3)
    for segment in segments {
      #expect(Array(segment[12..<20]) == [0x88, 0xa8, 0x60, 0x05, 0x81, 0x00, 0x00, 0x09])
      #expect(try #require(SegmentReader(segment)).isSound)
    }
  }

  @Test func congestionIsAnsweredOnce() throws {
    let frame = ethernet(.ipv4, ipv4(.tcp, tcp(flags: 0x80 | TCPFlag.acknowledge, train(300))))
    let segments = try #require(
      divide(of: frame, Offload(kind: Offload.tcp4 | Offload.congestion, segmentSize: 100)))
    #expect(try segments.map { try #require(SegmentReader($0)).flags } == [0x90, 0x10, 0x10])
  }

  @Test func paddingBehindThePacketIsLeftOut() throws {
    let frame = ethernet(.ipv4, ipv4(.tcp, tcp(flags: TCPFlag.acknowledge, train(100)))) + [9, 9, 9, 9, 9]
    let segments = try #require(divide(of: frame, Offload(kind: Offload.tcp4, segmentSize: 60)))
    expectSame(try segments.flatMap { try #require(SegmentReader($0)).payload }, train(100))
  }

  /// The pseudo-header's sum is in the sender's word, for who else would know where a source route ends.
  @Test func aSourceRouteIsCountedByItsLastAddress() throws {
    let last = "2001:db8::99"
    let route: [UInt8] = [6, 2, 0, 1, 0, 0, 0, 0] + address(last)
    var upper = tcp(flags: TCPFlag.acknowledge, train(2000))
    let pseudo = address(Host.alice6) + address(last) + big(UInt32(upper.count)) + [0, 0, 0, 6]
    upper.replaceSubrange(16..<18, with: big(~checksum(pseudo)))
    let frame = ethernet(.ipv6, ipv6(.routing, route + upper))
    let offload = Offload(
      flags: 1, kind: Offload.tcp6, segmentSize: 1000, checksumStart: 14 + 40 + 24, checksumOffset: 16)
    let segments = try #require(divide(of: frame, offload))
    #expect(segments.count == 2)
    for segment in segments {
      let upper = Array(segment[78...])
      let pseudo = address(Host.alice6) + address(last) + big(UInt32(upper.count)) + [0, 0, 0, 6]
      #expect(checksum(pseudo + upper) == 0)
    }
  }

  @Test func whatContradictsItselfIsRefused() {
    let data = train(3000)
    let stream = ipv4(.tcp, tcp(flags: TCPFlag.acknowledge, data))
    let tcp4 = Offload(kind: Offload.tcp4, segmentSize: 1000)
    func refused(_ frame: [UInt8], _ offload: Offload) -> Bool { divide(of: frame, offload) == nil }
    #expect(!refused(ethernet(.ipv4, stream), tcp4))
    #expect(refused(ethernet(.ipv6, stream), tcp4), "the type is another")
    #expect(refused(ethernet(.ipv4, stream), Offload(kind: Offload.tcp6, segmentSize: 1000)))
    #expect(refused(ethernet(.ipv4, stream), Offload(kind: Offload.udp, segmentSize: 1000)))
    #expect(refused(ethernet(.ipv4, stream), Offload(kind: 3, segmentSize: 1000)), "fragments, not segments")
    #expect(refused(ethernet(.ipv4, stream), Offload(kind: Offload.tcp4, segmentSize: 0)))
    for flags in [TCPFlag.syn, TCPFlag.reset, 0x20] {
      #expect(refused(ethernet(.ipv4, ipv4(.tcp, tcp(flags: flags, data))), tcp4))
    }
    #expect(refused(ethernet(.ipv4, ipv4(.tcp, moreFragments: true, tcp(flags: 16, data))), tcp4))
    #expect(refused(ethernet(.ipv4, ipv4(.tcp, tcp(flags: 16))), tcp4), "no payload")
    #expect(refused(ethernet(.ipv6, ipv6(.tcp, payloadLength: 0, tcp(flags: 16, data))), tcp4))
    #expect(refused(ethernet(.ipv4, ipv4(.tcp, [1, 2, 3])), tcp4))
    #expect(refused(Array(ethernet(.ipv4, stream).prefix(13)), tcp4))
    #expect(
      refused(
        ethernet(.ipv4, stream),
        Offload(flags: 1, kind: Offload.tcp4, segmentSize: 1000, checksumStart: 30, checksumOffset: 16)))
    #expect(
      !refused(
        ethernet(.ipv4, stream),
        Offload(flags: 1, kind: Offload.tcp4, segmentSize: 1000, checksumStart: 34, checksumOffset: 16)))
  }

  @Test func hostileHeadersNeverReadOrWriteBeyond() {
    var random = Seeded(seed: 4)
    var taken = 0
    for _ in 0..<20_000 {
      let frame = bentTrain(&random)
      let offload = Offload(
        flags: UInt8(random.below(2)), kind: [1, 4, 5, 0x81, 0x84, 3, 255][random.below(7)],
        segmentSize: UInt16(random.chance(of: 4) ? random.below(65_536) : random.below(64)),
        checksumStart: UInt16(random.chance(of: 2) ? 34 : random.below(300)),
        checksumOffset: UInt16(random.chance(of: 2) ? 16 : random.below(300)))
      let mtu = random.chance(of: 4) ? random.below(100) : 1500
      guard let segments = divide(of: frame, offload, tag: UInt32(random.below(2)), mtu: mtu) else { continue }
      taken += 1
      #expect(segments.allSatisfy { $0.count <= mtu + 14 + 20 })
    }
    #expect(taken > 800)
  }

  /// A train with a few octets wrong or missing, or any frame at all.
  private func bentTrain(_ random: inout Seeded) -> [UInt8] {
    guard !random.chance(of: 4) else { return hostileFrame(&random) }
    let data = random.octets(random.below(400))
    let upper = random.chance(of: 2) ? udp(data) : tcp(flags: UInt8(random.below(256)) & ~0x26, data)
    let next: NextHeader = upper.count == data.count + 8 ? .udp : .tcp
    let isIPv6 = random.chance(of: 2)
    var frame = tagged(random.below(5), isIPv6 ? .ipv6 : .ipv4, isIPv6 ? ipv6(next, upper) : ipv4(next, upper))
    for _ in 0..<random.below(3) { frame[random.below(min(frame.count, 100))] = UInt8(random.below(256)) }
    if random.chance(of: 4) { frame.removeLast(random.below(frame.count)) }
    return frame
  }
}

/// Everything that comes out of one frame, each segment in a block of exactly its length; nil when it is refused.
private func divide(of frame: [UInt8], _ offload: Offload, tag: UInt32 = 0, mtu: Int = 1500) -> [[UInt8]]? {
  withExactBytes(frame) { block in
    var segmenter = Segmenter()
    guard segmenter.begin(Bytes(block), offload, tag: tag, mtu: mtu) else {
      precondition(!segmenter.isActive, "segments of what was refused")
      return nil
    }
    var all: [[UInt8]] = []
    while segmenter.isActive {
      let out = UnsafeMutableRawBufferPointer.allocate(byteCount: segmenter.nextLength, alignment: 1)
      segmenter.next(into: out.baseAddress!)
      all.append(Array(out))
      out.deallocate()
      precondition(all.count <= frame.count, "segments without end")
    }
    return all
  }
}

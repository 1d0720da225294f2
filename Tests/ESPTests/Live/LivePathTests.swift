import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// From wire to wire through two live gateways.
@Suite struct LivePathTests {
  private static let suite = ESPDescription(gcm)

  /// A TCP segment with its checksum right.
  private static func segment(
    _ options: [UInt8], flags: UInt8 = TCPFlag.syn, isIPv6: Bool = false, fragmentOffset: UInt16 = 0
  ) -> [UInt8] {
    var octets = tcp(flags: flags, options: options, text("hello"))
    let (from, to) = isIPv6 ? ("2001:db8:a::2", "2001:db8:b::2") : ("10.1.0.2", "10.2.0.2")
    octets.replaceSubrange(16..<18, with: big(sum(octets, from, to)))
    return isIPv6
      ? ipv6(.tcp, from: from, to: to, octets)
      : ipv4(.tcp, from: from, to: to, fragmentOffset: fragmentOffset, octets)
  }

  private static func sum(_ segment: [UInt8], _ from: String, _ to: String) -> UInt16 {
    checksum(address(from) + address(to) + [0, 6] + big(UInt16(segment.count)) + segment)
  }

  private static func isSound(_ packet: [UInt8]) -> Bool {
    packet[0] >> 4 == 6
      ? checksum(Array(packet[8..<40]) + [0, 6] + big(UInt16(packet.count - 40)) + packet[40...]) == 0
      : checksum(Array(packet[12..<20]) + [0, 6] + big(UInt16(packet.count - 20)) + packet[20...]) == 0
  }

  private static func value(_ packet: [UInt8], at place: Int) -> Int {
    let tcp = packet[0] >> 4 == 6 ? 40 : 20
    return Int(packet[tcp + place]) << 8 | Int(packet[tcp + place + 1])
  }

  static let even: [UInt8] = [2, 4, 0x05, 0xb4]
  static let odd: [UInt8] = [1, 2, 4, 0x05, 0xb4, 0, 0, 0]

  @Test(arguments: [true, false])
  func `segments that hosts agree on fit into the tunnel, whichever gateway sees to it`(_ isNear: Bool) throws {
    var esp = Self.suite
    esp.pathMTU = 1400
    let (near, far, classify) = try PipedGateway.pair(esp)
    var one = near.gateway.description
    one.classify = isNear ? classify.near : classify.far
    one.gateway = PipedGateway.description(isNear ? 1 : 2, 1) { $0.segmentLimit = .automatic }
    try (isNear ? near : far).gateway.reload(one)
    // 1400 less the outer header, SPI and number, IV, tag, pad length and next header: 1346 octets of inner packet,
    // of which 1344 end where padding does.
    let longest = 1400 - 20 - 8 - 8 - 16 & ~3 - 2
    let options = [Self.even, Self.odd]
    for isIPv6 in [false, true] {
      for (number, option) in options.enumerated() {
        near.feed(Self.segment(option, isIPv6: isIPv6), .inside)
        let packets = try carry(near, far, until: 1)
        try #require(packets.count == 1)
        #expect(Self.value(packets[0], at: number == 0 ? 22 : 23) == longest - (isIPv6 ? 60 : 40))
        #expect(Self.isSound(packets[0]))
      }
    }
  }

  @Test func `what is short enough stays, as does what only looks like it`() throws {
    let (near, far, _) = try PipedGateway.pair(Self.suite) { $0.segmentLimit = .octets(1000) }
    let others = [
      Self.segment([2, 4, 0x03, 0xe8]), Self.segment(Self.even, flags: TCPFlag.acknowledge), Self.segment([]),
      // Octets that are no option any more, a length of nothing, one that goes beyond, another length than MSS has.
      Self.segment([0, 2, 4, 0x05, 0xb4, 0, 0, 0]), Self.segment([3, 0, 2, 4, 5, 0xb4, 0, 0]),
      Self.segment([1, 1, 1, 2]), Self.segment([2, 3, 0xff, 0]), Self.segment([8, 40, 2, 4]),
    ]
    for packet in others {
      near.feed(packet, .inside)
      let packets = try carry(near, far, until: 1)
      try #require(packets.count == 1)
      #expect(packets[0].dropFirst(20) == packet.dropFirst(20))
    }
    near.feed(Self.segment(Self.even), .inside)
    let packets = try carry(near, far, until: 1)
    #expect(packets.count == 1 && Self.value(packets[0], at: 22) == 1000 && Self.isSound(packets[0]))
  }

  @Test func `without the option nothing of TCP is touched`() throws {
    let (near, far, _) = try PipedGateway.pair(Self.suite)
    let packet = Self.segment(Self.even)
    near.feed(packet, .inside)
    let packets = try carry(near, far, until: 1)
    #expect(packets.count == 1 && packets[0].dropFirst(20) == packet.dropFirst(20))
  }

  @Test func `IPv4 that the next link does not take is cut, unless that is forbidden`() throws {
    let (near, far, _) = try PipedGateway.pair(Self.suite) { description in
      let isFar = description.interfaces[1].addresses[0].address == IPAddress("203.0.113.2")
      description.interfaces[0].mtu = isFar ? 1280 : 9000
      description.interfaces[1].mtu = 9000
    }
    let payload = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    // Record route is not copied, the stream's number is.
    let options: [UInt8] = [7, 7, 4, 0, 0, 0, 0, 0x88, 4, 1, 2, 0]
    let whole = ipv4(.udp, from: "10.1.0.2", to: "10.2.0.2", options: options, payload)
    near.feed(whole, .inside)
    let pieces = try carry(near, far, until: 3)
    #expect(pieces.map(\.count) == [1280, 1280, 32 + 3000 - 2 * 1248])
    var joined = [UInt8](repeating: 0, count: payload.count)
    for (number, piece) in pieces.enumerated() {
      let place = (Int(piece[6] & 0x1f) << 8 | Int(piece[7])) * 8
      joined.replaceSubrange(place..<place + piece.count - 32, with: piece[32...])
      #expect(checksum(Array(piece[..<32])) == 0)
      #expect((piece[6] & 0x20 != 0) == (number < 2))
      #expect(piece[8] == 62)
      #expect(Array(piece[20..<31]) == (number == 0 ? options.dropLast() : [1, 1, 1, 1, 1, 1, 1] + options[7..<11]))
    }
    #expect(joined == payload)
    #expect(far.gateway.counters[0].madePackets == 2)

    near.feed(ipv4(.udp, from: "10.1.0.2", to: "10.2.0.2", dontFragment: true, payload), .inside)
    near.feed(ipv6(.udp, from: "2001:db8:a::2", to: "2001:db8:b::2", payload), .inside)
    var told: [DropReason] = []
    let deadline = Deadline(milliseconds: 5000)
    while told.count < 2, !deadline.isOver {
      #expect(try carry(near, far, until: 1, seconds: 0).isEmpty)
      told += far.punted().map(\.reason)
      giveWay()
    }
    #expect(told == [.tooBigForLink, .tooBigForLink])
  }

  @Test func `packets of one burst that go different ways go each its own`() throws {
    let (near, far, _) = try PipedGateway.pair(Self.suite) { description in
      description.routes = (0..<100).map { number in
        RouteDescription(IPPrefix("10.2.\(100 + number).0/24")!, via: nil)
      }
    }
    for number in 0..<64 {
      let to =
        number.isMultiple(of: 4) ? "2001:db8:b::2" : number.isMultiple(of: 2) ? "10.2.0.2" : "10.2.\(100 + number).9"
      near.feed(
        number.isMultiple(of: 4)
          ? ipv6(.udp, from: "2001:db8:a::2", to: to, udp(from: UInt16(number), to: 9, []))
          : ipv4(.udp, from: "10.1.0.2", to: to, udp(from: UInt16(number), to: 9, [])), .inside)
    }
    let packets = try carry(near, far, until: 32)
    let numbers = packets.map { $0[0] >> 4 == 6 ? $0[41] : $0[21] }
    #expect(numbers == (0..<64).filter { $0.isMultiple(of: 2) })
    var told: [DropReason] = []
    far.wait {
      told += far.punted().map(\.reason)
      return told.count >= 32
    }
    #expect(told.count == 32 && told.allSatisfy { $0 == .noRoute })
  }

  /// Nobody else's packets leave in the pieces of one that claims to be longer than it is.
  @Test func `a clear packet whose header claims more than came is refused`() throws {
    var classify = TunnelPair(ESPDescription(gcm), local: ["10.1.0.0/16"], remote: ["10.2.0.0/16"]).near
    classify.policies = [
      PolicyDescription(.bypass, source: IPPrefix("10.1.0.0/16")!, destination: IPPrefix("203.0.113.0/24")!)
    ]
    let near = try PipedGateway(
      classify,
      PipedGateway.description(1, 1) { description in
        description.interfaces[0].mtu = 9000
        description.interfaces[1].mtu = 1500
      })
    near.know("203.0.113.2", 1)
    func packet(_ claimed: Int?) -> [UInt8] {
      ipv4(.udp, from: "10.1.0.2", to: "203.0.113.2", totalLength: claimed, udp([UInt8](repeating: 0x11, count: 1600)))
    }
    near.feed(packet(60_000), .inside)
    near.feed(packet(1629), .inside)
    near.feed(packet(nil), .inside)
    let left = try near.await(2, .outside)
    #expect(left.map { $0.count - 14 } == [1500, 148])
    near.wait { near.gateway.counters[0].drops(.innerTruncated) == 2 }
    #expect(near.gateway.counters[0].drops(.innerTruncated) == 2)
  }
}

import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Sealed by one gateway and opened by the other, a packet is what it was: every suite, engine, mode and length.
@Suite struct IdentityTests {
  private func check(
    _ pair: TunnelPair, _ engine: CryptoEngine.Kind?, stories: Bool, _ frames: [[UInt8]], _ what: String
  ) throws {
    let near = try TestGateway(pair.near, engine: engine, stories: stories)
    let far = try TestGateway(pair.far, engine: engine, stories: stories)
    let sealed = near.run(frames)
    let bad = sealed.first { $0.reason != .none }
    #expect(bad == nil, "\(what): not sealed, \(String(describing: bad?.reason))")
    #expect(zip(sealed, frames).allSatisfy { $0.octets != $1 })
    let opened = far.run(sealed.map(\.octets))
    for (index, outcome) in opened.enumerated() where outcome.reason != .none || outcome.octets != frames[index] {
      Issue.record("\(what): packet \(index) of \(frames[index].count) octets came back changed: \(outcome.reason)")
      return
    }
    // Row 27: packets and bytes are counted in both directions.
    let octets = UInt64(frames.reduce(0) { $0 + $1.count - 14 })
    #expect(near.counters(.outbound).packets == UInt64(frames.count) && near.counters(.outbound).bytes == octets)
    #expect(far.counters(.inbound).packets == UInt64(frames.count) && far.counters(.inbound).bytes == octets)
  }

  @Test(arguments: engines, [false, true])
  func `rows 20, 28 to 32: every suite with and without extended numbers`(
    _ engine: CryptoEngine.Kind, _ isExtended: Bool
  ) throws {
    let frames = (28...100).map { clear($0) } + [1400, 1500].map { clear($0) }
    for suite in CipherSuite.allCases {
      var esp = ESPDescription(suite)
      esp.isExtended = isExtended
      try check(TunnelPair(esp), engine, stories: false, frames, "\(suite), \(engine)")
    }
  }

  @Test(arguments: [false, true], [false, true])
  func `row 34: 4-in-4, 6-in-6, 4-in-6, 6-in-4, the plain way and the general one`(
    _ isOuterIPv6: Bool, _ stories: Bool
  ) throws {
    let frames = (48...90).flatMap { [clear($0), clear($0, isIPv6: true)] }
    try check(TunnelPair(ESPDescription(gcm), isOuterIPv6: isOuterIPv6), nil, stories: stories, frames, "tunnel")
  }

  @Test(arguments: [false, true])
  func `rows 34 and 35: transport mode, behind options and extension headers`(_ isEncapsulated: Bool) throws {
    var esp = ESPDescription(gcm)
    esp.mode = .transport
    if isEncapsulated { esp.encapsulation = ESPDescription.Encapsulation() }
    for isIPv6 in [false, true] {
      // Transport mode is between the gateways themselves.
      let from = isIPv6 ? "2001:db8:1::1" : "203.0.113.1", to = isIPv6 ? "2001:db8:2::1" : "203.0.113.2"
      let datagram = udp(from: 7, to: 9, text("some words"))
      let frames =
        isIPv6
        ? [
          ethernet(.ipv6, ipv6(.udp, from: from, to: to, datagram)),
          ethernet(.ipv6, ipv6(.hopByHop, from: from, to: to, extensionHeader(.udp, datagram))),
          ethernet(.ipv6, ipv6(.destinationOptions, from: from, to: to, extensionHeader(.udp, datagram))),
        ]
        : [
          ethernet(.ipv4, ipv4(.udp, from: from, to: to, datagram)),
          ethernet(.ipv4, ipv4(.udp, from: from, to: to, options: [1, 1, 1, 0], datagram)),
        ]
      try check(TunnelPair(esp, isOuterIPv6: isIPv6), nil, stories: false, frames, "transport")
    }
  }

  /// RFC 4303 section 3.3.4: transport mode takes whole packets alone.
  @Test func `row 34: no fragment goes into transport mode`() throws {
    var esp = ESPDescription(gcm)
    esp.mode = .transport
    let from = ["203.0.113.1", "2001:db8:1::1"], to = ["203.0.113.2", "2001:db8:2::1"]
    let four = try TestGateway(TunnelPair(esp).near), six = try TestGateway(TunnelPair(esp, isOuterIPv6: true).near)
    for (offset, hasMore) in [(UInt16(0), true), (9, true), (9, false)] {
      let one = ipv4(.udp, from: from[0], to: to[0], moreFragments: hasMore, fragmentOffset: offset, udp(text("words")))
      #expect(four.run(ethernet(.ipv4, one)).reason == .fragmentInTransport)
      let other = fragment(.udp, offset: offset, more: hasMore, udp(text("words")))
      #expect(six.run(ethernet(.ipv6, ipv6(.fragment, from: from[1], to: to[1], other))).reason == .fragmentInTransport)
      let hidden = extensionHeader(.fragment, other)
      #expect(
        six.run(ethernet(.ipv6, ipv6(.hopByHop, from: from[1], to: to[1], hidden))).reason == .fragmentInTransport)
    }
    #expect(four.counters(.outbound).packets == 0 && six.counters(.outbound).packets == 0)
  }

  @Test(arguments: [false, true])
  func `rows 40 and 44: in UDP, whose checksum is right where IPv6 wants one`(_ isOuterIPv6: Bool) throws {
    var esp = ESPDescription(gcm)
    esp.encapsulation = ESPDescription.Encapsulation()
    let pair = TunnelPair(esp, isOuterIPv6: isOuterIPv6)
    try check(pair, nil, stories: false, (28...60).map { clear($0) }, "UDP")
    let sealed = try TestGateway(pair.near).run(clear(64)).packet
    let header = isOuterIPv6 ? 40 : 20
    #expect(Array(sealed[header..<header + 4]) == big(UInt16(4500)) + big(UInt16(4500)))
    if isOuterIPv6 {
      let pseudo = Array(sealed[8..<40]) + big(UInt32(sealed.count - 40)) + [0, 0, 0, 17]
      #expect(checksum(pseudo + sealed[40...]) == 0)
    } else {
      #expect(Array(sealed[26..<28]) == [0, 0])
    }
  }

  @Test func `row 25: padding against traffic analysis is stripped, and hides lengths`() throws {
    var esp = ESPDescription(gcm)
    esp.paddedLength = 600
    let pair = TunnelPair(esp)
    try check(pair, nil, stories: false, (28...700).map { clear($0) }, "padded")
    let lengths = Set(try TestGateway(pair.near).run((28...600).map { clear($0) }).map(\.octets.count))
    #expect(lengths.count == 1)
  }

  /// With NULL what is added can be read: it says nothing of what the frame held before.
  @Test func `row 25: padding against traffic analysis is zeros`() throws {
    var esp = ESPDescription(try CipherSuite(.null, keyBits: 0, integrity: .hmacSHA256))
    esp.paddedLength = 500
    let near = try TestGateway(TunnelPair(esp).near)
    for length in [28, 77, 300, 500] {
      #expect(near.run(ethernet(.ipv4, ipv4(.udp, udp([UInt8](repeating: 0xee, count: 700))))).reason == .none)
      let packet = near.run(clear(length)).packet
      #expect(packet.count == 20 + 8 + 504 + 16)
      #expect(Array(packet[28..<28 + length]) == Array(clear(length).dropFirst(14)))
      #expect(packet[28 + length..<528].allSatisfy { $0 == 0 }, "\(length)")
      #expect(Array(packet[528..<532]) == [1, 2, 2, 4])
    }
  }

  /// Segmentation offload leaves lengths of 0 in captures: such a packet is all that the frame holds.
  @Test(arguments: [false, true])
  func `row 39: packets without a length`(_ isOuterIPv6: Bool) throws {
    let octets = [UInt8](repeating: 3, count: 3000)
    let frames = [
      ethernet(.ipv4, ipv4(.tcp, totalLength: 0, tcp(octets))), ethernet(.ipv4, ipv4(.icmp, totalLength: 0, octets)),
      ethernet(.ipv6, ipv6(.tcp, payloadLength: 0, tcp(octets))),
      ethernet(.ipv6, ipv6(.udp, payloadLength: 0, udp(text("few")))),
    ]
    for stories in [false, true] {
      let pair = TunnelPair(ESPDescription(gcm), isOuterIPv6: isOuterIPv6)
      let near = try TestGateway(pair.near, stories: stories), far = try TestGateway(pair.far, stories: stories)
      let sealed = near.run(frames)
      #expect(sealed.allSatisfy { $0.reason == .none })
      let opened = far.run(sealed.map(\.octets))
      #expect(opened.map(\.reason) == [.none, .none, .none, .none])
      let isSame = opened.map(\.octets) == frames
      #expect(isSame)
    }
  }

  @Test func `row 39: jumbo frames`() throws {
    try check(TunnelPair(ESPDescription(gcm)), nil, stories: false, [1501, 4000, 9000].map { clear($0) }, "jumbo")
  }

  @Test(arguments: [1, 2, 63, 64, 65, 130])
  func `row 48: bursts of any size`(_ count: Int) throws {
    try check(TunnelPair(ESPDescription(gcm)), nil, stories: false, (0..<count).map { clear(64 + $0) }, "\(count)")
  }

  @Test func `rows 21 and 22: the outer header is as long as the packet, and its checksum is right`() throws {
    let gateway = try TestGateway(TunnelPair(ESPDescription(gcm)).near)
    for length in 28...120 {
      for dontFragment in [false, true] {
        let packet = gateway.run(clear(length, trafficClass: 0xb9, dontFragment: dontFragment)).packet
        #expect(Int(packet[2]) << 8 | Int(packet[3]) == packet.count && packet.count == 36 + (length + 5) / 4 * 4 + 16)
        #expect(checksum(Array(packet[..<20])) == 0)
        #expect(packet[1] == 0xb9 && packet[6] == (dontFragment ? 0x40 : 0))
      }
    }
  }
}

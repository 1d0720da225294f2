import Contract
@testable import Dataplane
import PacketMaking
import Rings
import Testing
import Wire

/// What is not to be opened is not, says why, and changes nothing.
@Suite struct ESPRefusalTests {
  @Test(arguments: engines)
  func `rows 5 and 23: a flipped bit anywhere is rejected, and the window does not move`(
    _ engine: CryptoEngine.Kind
  ) throws {
    for suite in CipherSuite.allCases {
      let pair = TunnelPair(ESPDescription(suite))
      let near = try TestGateway(pair.near, engine: engine), far = try TestGateway(pair.far, engine: engine)
      let sealed = near.run(clear(40)).octets
      // Every octet behind the outer header, a bit that differs from octet to octet. The SPI names another SA.
      let flipped = (34..<sealed.count).map { at in
        var copy = sealed
        copy[at] ^= 1 << UInt8(at % 8)
        return copy
      }
      let reasons = far.run(flipped).map(\.reason)
      #expect(reasons[..<4].allSatisfy { $0 == .unknownSPI } && !reasons.contains(.none), "\(suite)")
      #expect(reasons[8...].allSatisfy { $0 == .integrity }, "\(suite): \(reasons)")
      #expect(far.counters(.inbound).packets == 0 && far.counters(.inbound).sequence == 0)
      #expect(far.run(sealed).reason == .none, "\(suite)")
    }
  }

  @Test(arguments: [false, true])
  func `rows 1 to 4, 15 and 16: the window, through the pipeline`(_ stories: Bool) throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far, stories: stories)
    let sealed = near.run((0..<1300).map { clear(60 + $0 % 40) }).map(\.octets)
    // The same number twice in one burst, around one with a bad tag.
    var bad = sealed[1]
    bad[60] ^= 1
    #expect(far.run([sealed[0], bad, sealed[0], sealed[2]]).map(\.reason) == [.none, .integrity, .replayed, .none])
    #expect(far.run(sealed[0]).reason == .replayed)
    // Late, but inside: once.
    #expect(far.run([sealed[1], sealed[1]]).map(\.reason) == [.none, .replayed])
    // Far ahead, and what is left of the window then: number 1300 leaves 277 and all before outside.
    #expect(far.run([sealed[1299], sealed[275], sealed[276]]).map(\.reason) == [.none, .outsideWindow, .none])
    let counted = far.counters(.inbound)
    #expect(counted.packets == 5 && counted.sequence == 1300 && counted.lost > 0)
    #expect(
      Dictionary(uniqueKeysWithValues: counted.drops.map { ($0.name, $0.count) }) == [
        "integrity": 1, "replayed": 3, "outsideWindow": 1,
      ])
  }

  @Test func `row 18: every length of a cut packet has a reason`() throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let sealed = try TestGateway(pair.near).run(clear(80)).octets
    let far = try TestGateway(pair.far)
    for length in 14..<sealed.count {
      #expect(far.run(Array(sealed[..<length])).reason != .none)
    }
    for total in 20..<sealed.count - 14 {
      var runt = sealed
      runt.replaceSubrange(16..<18, with: big(UInt16(total)))
      #expect(far.run(runt).reason != .none, "total length \(total)")
    }
    #expect(far.run(sealed).reason == .none)
  }

  @Test func `row 26: what is inside has to be the SA's traffic`() throws {
    // The far end expects less than the near end sends.
    let wide = TunnelPair(ESPDescription(gcm))
    let narrow = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/25"], remote: ["198.51.100.0/24"])
    for stories in [false, true] {
      let near = try TestGateway(wide.near), far = try TestGateway(narrow.far, stories: stories)
      let inside = near.run(clear(64)).octets
      let source = near.run(ethernet(.ipv4, ipv4(.udp, from: "192.0.2.129", udp()))).octets
      let destination = near.run(ethernet(.ipv4, ipv4(.udp, to: "198.51.101.2", udp()))).octets
      let reasons = far.run([inside, source, destination]).map(\.reason)
      #expect(reasons == [.none, .selectorMismatch, .selectorMismatch])
    }
  }

  /// What a policy takes out of a tunnel's networks is not the tunnel's, in either direction; nor is what another tunnel
  /// has of them.
  @Test(arguments: [false, true])
  func `row 26: a policy before the tunnel's networks counts on opening as well`(_ stories: Bool) throws {
    let pair = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: ["198.51.100.0/24"])
    let near = try TestGateway(pair.near)
    let sealed = near.run([7, 8, 200].map { ethernet(.ipv4, ipv4(.udp, to: "198.51.100.\($0)", udp())) }).map(\.octets)
    var policies = pair.far
    policies.policies = [
      PolicyDescription(.discard, source: IPPrefix("198.51.100.7/32")!, destination: IPPrefix("0.0.0.0/0")!)
    ]
    var tunnels = pair.far
    tunnels.tunnels.append(CounterTests.twoTunnels().far.tunnels[1])
    (tunnels.tunnels[1].local, tunnels.tunnels[1].remote) = ([IPPrefix("198.51.100.7/32")!], tunnels.tunnels[0].remote)
    tunnels.tunnels.swapAt(0, 1)
    for description in [policies, tunnels] {
      let far = try TestGateway(description, stories: stories)
      #expect(far.run(sealed).map(\.reason) == [.selectorMismatch, .none, .none])
    }
  }

  /// The far end answers on port 80 and nothing else: what comes in is that traffic, seen from the other side.
  @Test(arguments: [false, true], [false, true])
  func `row 26: protocols and ports are selectors, too`(_ stories: Bool, _ isTransport: Bool) throws {
    var esp = ESPDescription(gcm)
    if isTransport { esp.mode = .transport }
    let wide = TunnelPair(esp)
    var narrow = wide.far
    (narrow.tunnels[0].local, narrow.tunnels[0].remote) = ([], [])
    let all = IPPrefix("0.0.0.0/0")!
    var policy = PolicyDescription(.protect("pair"), source: all, destination: all)
    policy.protocolNumber = 17
    policy.sourcePorts = 80...80
    policy.destinationPorts = 1024...2000
    narrow.policies = [policy]
    let near = try TestGateway(wide.near), far = try TestGateway(narrow, stories: stories)
    func frame(_ next: NextHeader, _ from: UInt16, _ to: UInt16, options: [UInt8] = [], offset: UInt16 = 0) -> [UInt8] {
      ethernet(
        .ipv4,
        ipv4(
          next, from: "203.0.113.1", to: "203.0.113.2", options: options, fragmentOffset: offset,
          next == .tcp ? tcp(from: from, to: to) : udp(from: from, to: to)))
    }
    var cases: [(frame: [UInt8], reason: DropReason)] = [
      (frame(.udp, 1024, 80), .none), (frame(.udp, 2000, 80), .none), (frame(.udp, 80, 1024), .selectorMismatch),
      (frame(.udp, 1023, 80), .selectorMismatch), (frame(.udp, 2001, 80), .selectorMismatch),
      (frame(.udp, 1024, 81), .selectorMismatch), (frame(.tcp, 1024, 80), .selectorMismatch),
      (frame(.udp, 1024, 80, options: [1, 1, 1, 0]), .none),
      (frame(.udp, 80, 1024, options: [1, 1, 1, 0]), .selectorMismatch),
    ]
    // A later fragment has no ports, and no policy that names ports is about it.
    if !isTransport { cases.append((frame(.udp, 1024, 80, offset: 9), .selectorMismatch)) }
    let sealed = near.run(cases.map(\.frame))
    #expect(sealed.allSatisfy { $0.reason == .none })
    #expect(far.run(sealed.map(\.octets)).map(\.reason) == cases.map(\.reason))
    #expect(far.counters(.inbound).drops.first { $0.name == "selectorMismatch" }?.count == (isTransport ? 6 : 7))
  }

  @Test func `rows 33 and 46: no SA and no policy, every packet, and never in clear`() throws {
    let pair = TunnelPair(ESPDescription(gcm), local: ["10.0.0.0/8"], remote: ["10.0.0.0/8"])
    let near = try TestGateway(pair.near)
    #expect(near.run((0..<70).map { clear(60 + $0) }).allSatisfy { $0.reason == .noPolicy })
    var other = TunnelPair(ESPDescription(gcm)).far
    other.tunnels[0].inboundSPI = 0x9999
    let far = try TestGateway(other)
    let sealed = try TestGateway(TunnelPair(ESPDescription(gcm)).near).run((0..<70).map { clear(60 + $0) })
    #expect(far.run(sealed.map(\.octets)).allSatisfy { $0.reason == .unknownSPI })
  }

  @Test(arguments: [false, true])
  func `row 33: a tunnel without keys drops every packet, both ways, and its neighbour none`(_ stories: Bool) throws {
    var pair = CounterTests.twoTunnels()
    pair.near.tunnels[1].security = nil
    let far = try TestGateway(pair.far, stories: stories)
    let near = try TestGateway(pair.near, stories: stories)
    let frames = (0..<130).map { CounterTests.frame(40 + $0, to: $0 % 2) }
    let sealed = near.run(frames)
    for (index, outcome) in sealed.enumerated() {
      #expect(outcome.reason == (index % 2 == 0 ? .none : .noPolicy), "packet \(index)")
      if index % 2 == 1 { #expect(outcome.octets == frames[index]) }
    }
    #expect(near.counters.keptPackets == 65 && near.counters.drops(.noPolicy) == 65)
    // What the far end, which has the keys, sends.
    let back = far.run(
      (0..<130).map { number in
        ethernet(.ipv4, ipv4(.udp, from: "198.51.\(100 + number % 2).9", to: "192.0.2.1", udp()))
      })
    #expect(back.allSatisfy { $0.reason == .none })
    let opened = near.run(back.map(\.octets))
    #expect(opened.enumerated().allSatisfy { $0.element.reason == ($0.offset % 2 == 0 ? .none : .unknownSPI) })
  }

  @Test func `row 33: without a live sender id nothing is sent`() throws {
    let near = try TestGateway(TunnelPair(ESPDescription(gcm)).near, hasNonces: false)
    #expect(near.run([clear(60), clear(61)]).allSatisfy { $0.reason == .noSenderID })
    #expect(near.counters(.outbound).packets == 0)
  }

  @Test func `row 13 and lifetimes: the last packet, then none; control is told before`() throws {
    var esp = ESPDescription(gcm)
    esp.packets = ESPDescription.Limit(soft: 5, hard: 8)
    let near = try TestGateway(TunnelPair(esp).near)
    let reasons = near.run((0..<12).map { _ in clear(60) }).map(\.reason)
    #expect(reasons == Array(repeating: .none, count: 8) + Array(repeating: .lifetimeOver, count: 4))
    var limits = 0
    while let report = near.reports.dequeue() { limits += report.kind == .softLimit ? 1 : 0 }
    #expect(limits == 1)

    esp.packets = nil
    esp.bytes = ESPDescription.Limit(soft: 150, hard: 250)
    let counted = try TestGateway(TunnelPair(esp).near)
    #expect(
      counted.run((0..<5).map { _ in clear(100) }).map(\.reason) == [
        .none, .none, .lifetimeOver, .lifetimeOver, .lifetimeOver,
      ])
  }

  @Test func `a lifetime in seconds: by the packets' own clock, told before, and nothing after`() throws {
    var esp = ESPDescription(gcm)
    esp.seconds = ESPDescription.Limit(soft: 10, hard: 20)
    let near = try TestGateway(TunnelPair(esp).near)
    func limits() -> Int {
      var limits = 0
      while let report = near.reports.dequeue() { limits += report.kind == .softLimit ? 1 : 0 }
      return limits
    }
    near.associations.tables.epoch.pointee = 1000
    #expect(near.run([clear(60), clear(61)], seconds: 1009).map(\.reason) == [.none, .none] && limits() == 0)
    #expect(near.run([clear(60), clear(61)], seconds: 1010).map(\.reason) == [.none, .none] && limits() == 1)
    #expect(near.run([clear(60)], seconds: 1019).map(\.reason) == [.none] && limits() == 0)
    let late = near.run([clear(60), clear(61)], seconds: 1020)
    #expect(late.map(\.reason) == [.lifetimeOver, .lifetimeOver] && late[0].octets == clear(60))
    let counters = near.counters(.outbound)
    #expect(counters.isEnding && counters.packets == 5 && counters.drops.map(\.count) == [2])
    // A clock that goes back is no new life, and no shorter one.
    #expect(near.run([clear(60)], seconds: 1019).map(\.reason) == [.none])
  }

  @Test func `rows 41 and 42: keepalives are consumed, short datagrams counted`() throws {
    var esp = ESPDescription(gcm)
    esp.encapsulation = ESPDescription.Encapsulation()
    let far = try TestGateway(TunnelPair(esp).far)
    func datagram(_ payload: [UInt8]) -> [UInt8] {
      ethernet(.ipv4, ipv4(.udp, from: "203.0.113.1", to: "203.0.113.2", udp(from: 4500, to: 4500, payload)))
    }
    #expect(
      far.run([datagram([0xff]), datagram([]), datagram([1, 2, 3])]).map(\.reason) == [
        .natKeepalive, .udpTooShort, .udpTooShort,
      ])
  }

  /// A NAT may give the peer another port, or another address, at any time. What is authentic is opened wherever it comes
  /// from. We answer where the configuration says: whoever follows a peer follows an attacker who replays from elsewhere
  /// as well, unless he asks the peer first, which is IKE's.
  @Test(arguments: [false, true])
  func `row 43: the peer's port changes on a live SA; it is heard, and answered where it was`(_ isIPv6: Bool) throws {
    var esp = ESPDescription(gcm)
    esp.encapsulation = ESPDescription.Encapsulation(localPort: 4500, peerPort: 4501)
    let pair = TunnelPair(esp, isOuterIPv6: isIPv6)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    // The near end calls the far one's port 4501; to the far one, what arrives came to port 4500.
    let sealed = near.run((0..<9).map { clear(60 + $0) }).map { outcome in
      var octets = outcome.octets
      octets.replaceSubrange((isIPv6 ? 56 : 36)..<(isIPv6 ? 58 : 38), with: big(UInt16(4500)))
      return octets
    }
    let port = isIPv6 ? 54 : 34
    var moved = sealed
    for index in 3..<6 { moved[index].replaceSubrange(port..<port + 2, with: big(UInt16(61000 + index))) }
    // Another address, too.
    for index in 6..<9 { moved[index][isIPv6 ? 37 : 29] ^= 1 }
    let opened = far.run(moved)
    #expect(opened.map(\.reason) == Array(repeating: .none, count: 9))
    #expect(opened.map(\.octets) == (0..<9).map { clear(60 + $0) })
    let answer = far.run(clear(60)).octets
    #expect(Array(answer[port..<port + 4]) == big(UInt16(4500)) + big(UInt16(4501)))
    #expect(Array(answer[isIPv6 ? 38..<54 : 30..<34]) == address(isIPv6 ? "2001:db8:1::1" : "203.0.113.1"))
    // The window is the SA's, not the address's.
    #expect(far.run(sealed).allSatisfy { $0.reason == .replayed })
  }
}

import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Row 38: what the two headers say to each other.
@Suite struct MarkTests {
  /// RFC 6040 figure 4: what becomes of the inner mark (row), given the outer one (column); nil is dropped.
  static let table: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]

  @Test(arguments: [false, true], [false, true])
  func `row 38: all sixteen pairs of congestion marks, on the way out`(_ isIPv6: Bool, _ stories: Bool) throws {
    let pair = TunnelPair(ESPDescription(gcm))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far, stories: stories)
    for inner in UInt8(0)...3 {
      for outer in UInt8(0)...3 {
        let frame = clear(70, isIPv6: isIPv6, trafficClass: 0x48 | inner)
        var sealed = near.run(frame).octets
        #expect(sealed[15] == 0x48 | inner)
        sealed[15] = 0x48 | outer
        let opened = far.run(sealed)
        guard let expected = Self.table[Int(inner)][Int(outer)] else {
          #expect(opened.reason == .congestionLost)
          continue
        }
        let marked = clear(70, isIPv6: isIPv6, trafficClass: 0x48 | expected)
        #expect(opened.reason == .none && opened.octets == marked, "inner \(inner), outer \(outer)")
      }
    }
  }

  @Test(arguments: [false, true])
  func `row 38: in compatibility mode the path sees no ECN, and changes none`(_ isOuterIPv6: Bool) throws {
    var esp = ESPDescription(gcm)
    esp.ecn = .compatibility
    let pair = TunnelPair(esp, isOuterIPv6: isOuterIPv6)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    for inner in UInt8(0)...3 {
      for outer in UInt8(0)...3 {
        for isIPv6 in [false, true] {
          let frame = clear(70, isIPv6: isIPv6, trafficClass: 0x48 | inner)
          var sealed = near.run(frame).octets
          #expect(Self.trafficClass(sealed) == 0x48)
          Self.setTrafficClass(&sealed, 0x48 | outer)
          let opened = far.run(sealed)
          #expect(opened.reason == .none && opened.octets == frame, "inner \(inner), outer \(outer)")
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func `row 38: over IPv6 the marks are the same`(_ isIPv6: Bool) throws {
    let pair = TunnelPair(ESPDescription(gcm), isOuterIPv6: true)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    for inner in UInt8(0)...3 {
      for outer in UInt8(0)...3 {
        var sealed = near.run(clear(70, isIPv6: isIPv6, trafficClass: 0x48 | inner)).octets
        #expect(Self.trafficClass(sealed) == 0x48 | inner)
        Self.setTrafficClass(&sealed, 0x48 | outer)
        let opened = far.run(sealed)
        guard let expected = Self.table[Int(inner)][Int(outer)] else {
          #expect(opened.reason == .congestionLost)
          continue
        }
        let marked = clear(70, isIPv6: isIPv6, trafficClass: 0x48 | expected)
        #expect(opened.reason == .none && opened.octets == marked, "inner \(inner), outer \(outer)")
      }
    }
    #expect(far.counters(.inbound).drops.map { [$0.name: $0.count] } == [["malformed": 1]])
  }

  @Test(arguments: [false, true], [false, true])
  func `row 38: every DSCP is copied, and on opening the inner one stays`(
    _ isOuterIPv6: Bool, _ isIPv6: Bool
  ) throws {
    let pair = TunnelPair(ESPDescription(gcm), isOuterIPv6: isOuterIPv6)
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    for dscp in UInt8(0)..<64 {
      let frame = clear(70, isIPv6: isIPv6, trafficClass: dscp << 2)
      var sealed = near.run(frame).octets
      #expect(Self.trafficClass(sealed) == dscp << 2)
      Self.setTrafficClass(&sealed, ~dscp << 2)
      #expect(far.run(sealed).octets == frame)
    }
  }

  private static func trafficClass(_ frame: [UInt8]) -> UInt8 {
    frame[14] >> 4 == 4 ? frame[15] : frame[14] << 4 | frame[15] >> 4
  }

  private static func setTrafficClass(_ frame: inout [UInt8], _ value: UInt8) {
    if frame[14] >> 4 == 4 {
      frame[15] = value
    } else {
      frame[14] = frame[14] & 0xf0 | value >> 4
      frame[15] = frame[15] & 0x0f | value << 4
    }
  }

  /// Inner packets of either kind, with a hop limit and a flow label of their own.
  private static let inside = [
    ethernet(.ipv4, ipv4(.udp, timeToLive: 9, udp())),
    ethernet(.ipv6, ipv6(.udp, flowLabel: 0x12345, hopLimit: 9, udp())),
  ]

  @Test(arguments: [false, true], [false, true])
  func `row 38: hop limit, copied or set`(_ isOuterIPv6: Bool, _ stories: Bool) throws {
    for (limit, expected) in [(ESPDescription.HopLimit.copy, UInt8(9)), (.set(64), 64), (.set(255), 255)] {
      var esp = ESPDescription(gcm)
      esp.hopLimit = limit
      let pair = TunnelPair(esp, isOuterIPv6: isOuterIPv6)
      let near = try TestGateway(pair.near, stories: stories), far = try TestGateway(pair.far)
      for frame in Self.inside {
        let sealed = near.run(frame)
        #expect(sealed.packet[isOuterIPv6 ? 7 : 8] == expected)
        #expect(isOuterIPv6 || checksum(Array(sealed.packet[..<20])) == 0)
        // Whatever the path has left of it.
        var worn = sealed.octets
        worn[isOuterIPv6 ? 21 : 22] = 1
        #expect(far.run(worn).octets == frame)
      }
    }
  }

  @Test func `row 38: flow label, copied or set`() throws {
    for (label, expected) in [
      (ESPDescription.FlowLabel.copy, [UInt32(0), 0x12345]), (.set(0), [0, 0]), (.set(0xfffff), [0xfffff, 0xfffff]),
      (.set(0xabcde), [0xabcde, 0xabcde]),
    ] {
      var esp = ESPDescription(gcm)
      esp.flowLabel = label
      let pair = TunnelPair(esp, isOuterIPv6: true)
      let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
      for (frame, expected) in zip(Self.inside, expected) {
        let sealed = near.run(frame)
        let first = sealed.packet[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        #expect(first == 6 << 28 | expected)
        #expect(far.run(sealed.octets).octets == frame)
      }
    }
  }

  @Test(arguments: [false, true])
  func `row 38: may the outer packet be cut? As inside, never, or always`(_ stories: Bool) throws {
    for (rule, expected) in [
      (ESPDescription.DontFragment.copy, [UInt8(0), 0x40, 0x40]), (.set, [0x40, 0x40, 0x40]), (.clear, [0, 0, 0]),
    ] {
      var esp = ESPDescription(gcm)
      esp.dontFragment = rule
      let near = try TestGateway(TunnelPair(esp).near, stories: stories)
      let frames = [clear(70), clear(70, dontFragment: true), clear(70, isIPv6: true)]
      let packets = near.run(frames + frames).map(\.packet)
      #expect(packets.map { $0[6] } == expected + expected && packets.allSatisfy { $0[7] == 0 })
      #expect(packets.allSatisfy { checksum(Array($0[..<20])) == 0 })
      // RFC 6864: what may be cut has a name of its own.
      let names = packets.filter { $0[6] == 0 }.map { Array($0[4..<6]) }
      #expect(Set(names).count == names.count)
    }
  }

  @Test func `row 38: what is to be set is set, what is to be copied is copied`() throws {
    var esp = ESPDescription(gcm)
    esp.dscp = .set(46)
    esp.ecn = .compatibility
    esp.hopLimit = .copy
    esp.dontFragment = .set
    let four = try TestGateway(TunnelPair(esp).near).run(clear(70, trafficClass: 3)).packet
    #expect(four[1] == 46 << 2 && four[8] == 64 && four[6] == 0x40 && checksum(Array(four[..<20])) == 0)
    esp.flowLabel = .copy
    esp.dscp = .copy
    let inner = ethernet(.ipv6, ipv6(.udp, trafficClass: 0x50, flowLabel: 0x12345, hopLimit: 9, udp()))
    let six = try TestGateway(TunnelPair(esp, isOuterIPv6: true).near).run(inner).packet
    #expect(Array(six[..<4]) == [0x65, 0x01, 0x23, 0x45] && six[7] == 9 && six[6] == 50)
  }
}

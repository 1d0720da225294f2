import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Row 38: what the two headers say to each other.
@Suite struct MarkTests {
  /// RFC 6040 figure 4: what becomes of the inner mark (row), given the outer one (column); nil is dropped.
  static let table: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]

  @Test(arguments: [false, true], [false, true])
  func `congestion marks on the way out`(_ isIPv6: Bool, _ stories: Bool) throws {
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

  @Test func `what is to be set is set, what is to be copied is copied`() throws {
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

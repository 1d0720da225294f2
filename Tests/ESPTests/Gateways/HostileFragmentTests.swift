import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Fragments and headers as only an attacker makes them: nothing becomes whole that is not, and nothing that is not
/// authentic goes on.
@Suite struct HostileFragmentTests {
  /// Fragments of one IPv4 datagram, added in this order: offset and length in octets, and whether more is to come.
  private func add(_ pieces: [(offset: Int, length: Int, more: Bool)], options: Int = 0) -> [String] {
    let reassembly = Reassembly()
    defer { reassembly.deallocate() }
    // A datagram before this one has left its octets behind.
    var timeouts = 0
    func give(_ identification: UInt16, _ piece: (offset: Int, length: Int, more: Bool), fill: UInt8) -> String {
      let packet = ipv4(
        .esp, options: [UInt8](repeating: 1, count: options), identification: identification, moreFragments: piece.more,
        fragmentOffset: UInt16(piece.offset / 8), [UInt8](repeating: fill, count: piece.length))
      return withExactBytes(packet) {
        switch reassembly.add(Bytes($0), AddressPair(), seconds: 0, &timeouts) {
        case .held: return "held"
        case .refused(let reason): return reason.name
        case .whole(let number):
          reassembly.release(number)
          return "whole"
        }
      }
    }
    _ = [give(1, (0, 800, true), fill: 0xee), give(1, (800, 8, false), fill: 0xee)]
    return pieces.map { give(2, $0, fill: 1) }
  }

  @Test func `a gap is not made good by octets behind the end`() {
    // What is missing, 8 to 16, is as long as what lies too far back.
    #expect(add([(0, 8, true), (24, 8, true), (16, 8, false)]) == ["held", "held", "fragmentMalformed"])
    #expect(add([(24, 8, true), (0, 8, true), (16, 8, false)]).last == "fragmentMalformed")
    #expect(add([(16, 8, false), (24, 8, true)]) == ["held", "fragmentMalformed"])
    #expect(add([(0, 8, true), (16, 8, false), (8, 8, true)]) == ["held", "held", "whole"])
  }

  @Test func `what is longer than a header can say is no packet`() {
    func pieces(_ last: Int) -> [(offset: Int, length: Int, more: Bool)] {
      (0..<8).map { (offset: $0 * 8184, length: 8184, more: true) } + [(offset: 65472, length: last, more: false)]
    }
    #expect(add(pieces(43)).last == "whole")
    #expect(add(pieces(44)).last == "fragmentMalformed")
    #expect(add(pieces(43), options: 4).last == "fragmentMalformed")
  }

  @Test(arguments: [NextHeader.udp, .esp])
  func `a fragment of a fragment goes nowhere`(_ next: NextHeader) throws {
    let far = try TestGateway(TunnelPair(ESPDescription(gcm), isOuterIPv6: true).far)
    let inside = fragment(next, offset: 0, more: true, udp(from: 1, to: 2, [UInt8](repeating: 0, count: 64)))
    let frame = ethernet(
      .ipv6, ipv6(.fragment, from: "2001:db8:1::1", to: "2001:db8:2::1", fragment(.fragment, more: false, inside)))
    let outcome = far.run(frame)
    #expect(outcome.reason == .fragmentMalformed)
    #expect(far.counters.receivedPackets == 1 && far.counters.keptPackets == 0)
  }

  @Test(arguments: [0, 1, 7, 8, 31])
  func `ESP behind a long chain of headers is opened, and behind too long a chain refused`(_ headers: Int) throws {
    let pair = TunnelPair(ESPDescription(gcm), isOuterIPv6: true)
    let frame = clear(80)
    let sealed = try TestGateway(pair.near).run(frame).octets
    var payload = Array(sealed[54...])
    for number in 0..<headers {
      payload = extensionHeader(number == 0 ? .esp : .destinationOptions, units: 255, payload)
    }
    if headers == 31 {
      // As close to 64 KiB as a packet may be: the frame's own headroom lies beyond.
      payload = extensionHeader(.destinationOptions, units: UInt8((65535 - payload.count) / 8 - 1), payload)
    }
    let packet = ipv6(headers == 0 ? .esp : .destinationOptions, from: "2001:db8:1::1", to: "2001:db8:2::1", payload)
    let far = try TestGateway(pair.far)
    let outcome = far.run(ethernet(.ipv6, packet))
    #expect(outcome.reason == (headers > 7 ? .espTooDeep : .none))
    if outcome.reason == .none {
      let isSame = outcome.octets == frame
      #expect(isSame)
    }
  }

  @Test func `a group's packet that was cut in front of its sender's id is told by its length`() throws {
    var description = ClassifyDescription()
    description.clusterAddresses = [IPAddress("203.0.113.2")!]
    var group = GroupDescription(name: "group", spi: 0x7001, senderIDBits: 16)
    let key = KeyDescription(Secret([UInt8](repeating: 3, count: gcm.materialBytes)), born: 1)
    let all = [IPPrefix("0.0.0.0/0")!]
    group.security = GroupSecurity(
      ESPDescription(gcm), address: description.clusterAddresses[0], key: key, units: 1, maxSenders: 4, local: all,
      sites: [GroupSite(gateway: IPAddress("203.0.113.1")!, networks: all)])
    description.groups = [group]
    let far = try TestGateway(description)
    let whole = ethernet(
      .ipv4, ipv4(.esp, from: "203.0.113.1", to: "203.0.113.2", big(UInt32(0x7001)) + [UInt8](repeating: 9, count: 60)))
    for length in 42...45 { #expect(far.run(Array(whole.prefix(length))).reason == .espTooShort, "\(length)") }
    #expect(far.run(Array(whole.prefix(46))).reason == .innerTruncated)
    #expect(far.run(whole).reason == .integrity)
  }
}

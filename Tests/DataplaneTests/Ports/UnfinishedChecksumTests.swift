import Memory
import PacketMaking
import Testing
import Wire

@testable import Dataplane

/// What a sender has left to a device, told from what is finished, and from what is not to be judged.
@Suite struct UnfinishedChecksumTests {
  private func isUnfinished(_ frame: [UInt8]) -> Bool {
    withExactBytes(frame) { UnfinishedChecksum.isIn(Bytes($0).base, $0.count) }
  }

  private struct Upper {
    let octets: [UInt8]
    let place: Int
    let number: UInt8
    let next: NextHeader
  }

  private let uppers = (0..<6).flatMap { length in
    let data = [UInt8](repeating: 0x5a, count: length * 7)
    return [
      Upper(octets: udp(data), place: 6, number: 17, next: .udp),
      Upper(octets: tcp(data), place: 16, number: 6, next: .tcp),
    ]
  }

  /// With the sum of the pseudo-header in the checksum's place, and with the checksum.
  private func both(_ upper: Upper, _ addresses: [UInt8]) -> (unfinished: [UInt8], whole: [UInt8]) {
    let pseudo = addresses + [0, upper.number] + big(UInt16(upper.octets.count))
    var octets = upper.octets
    octets.replaceSubrange(upper.place..<upper.place + 2, with: big(~checksum(pseudo)))
    var whole = octets
    whole.replaceSubrange(upper.place..<upper.place + 2, with: big(checksum(octets)))
    return (octets, whole)
  }

  @Test func theUnfinishedAreFoundAndTheFinishedAreNot() {
    let v4 = address(Host.alice) + address(Host.bob), v6 = address(Host.alice6) + address(Host.bob6)
    for upper in uppers {
      let (unfinished4, whole4) = both(upper, v4), (unfinished6, whole6) = both(upper, v6)
      for (frame, expected) in [
        (ethernet(.ipv4, ipv4(upper.next, unfinished4)), true), (ethernet(.ipv4, ipv4(upper.next, whole4)), false),
        (ethernet(.ipv6, ipv6(upper.next, unfinished6)), true), (ethernet(.ipv6, ipv6(upper.next, whole6)), false),
        (ethernet(.vlan, vlan(7, .ipv4, ipv4(upper.next, unfinished4))), true),
        (ethernet(.vlan, vlan(7, .ipv6, ipv6(upper.next, whole6))), false),
        // Ethernet fills up what is short.
        (ethernet(.ipv4, ipv4(upper.next, unfinished4)) + [0, 0, 0], true),
      ] {
        #expect(isUnfinished(frame) == expected, "\(upper.number), \(upper.octets.count) octets: \(frame)")
      }
    }
  }

  /// By chance, or because it was so: the sum is right although it looks like a pseudo-header's.
  @Test func whatOnlyLooksLikeItIsNone() {
    let v4 = address(Host.alice) + address(Host.bob)
    let pseudo = v4 + [0, 17, 0, 10]
    var octets = both(Upper(octets: udp([0, 0]), place: 6, number: 17, next: .udp), v4).unfinished
    #expect(isUnfinished(ethernet(.ipv4, ipv4(.udp, octets))))
    // The payload makes the sum right: everything together is to be the complement of nothing.
    octets.replaceSubrange(8..<10, with: big(checksum(pseudo + octets)))
    #expect(!isUnfinished(ethernet(.ipv4, ipv4(.udp, octets))))
  }

  @Test func fragmentsAndWhatIsCutAreNotJudged() {
    let v4 = address(Host.alice) + address(Host.bob)
    let octets = both(Upper(octets: tcp(text("some data")), place: 16, number: 6, next: .tcp), v4).unfinished
    let frame = ethernet(.ipv4, ipv4(.tcp, octets))
    #expect(isUnfinished(frame))
    for (place, value) in [(20, 0x20), (21, 1), (14, 0x46), (23, 1)] {
      var other = frame
      other[place] = UInt8(value)
      #expect(!isUnfinished(other), "octet \(place)")
    }
    for length in 0..<frame.count { #expect(!isUnfinished(Array(frame.prefix(length))), "\(length) octets") }
  }

  @Test func anythingMayCome() {
    var random = Seeded(seed: 7)
    for _ in 0..<20_000 {
      _ = isUnfinished(hostileFrame(&random))
      _ = isUnfinished(plausibleFrame(&random))
    }
  }
}

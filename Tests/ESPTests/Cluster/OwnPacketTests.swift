import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// What no other member can work on, whosever the packet's work set is.
@Suite(.serialized) struct OwnPacketTests {
  private static let group = "33:33:00:00:00:01"

  /// A question or an answer after 2001:db8::1.
  private static func discovery(_ type: UInt8, to: String, mac: String) -> [UInt8] {
    ethernet(
      .ipv6, to: mac,
      ipv6(.icmpv6, from: "fe80::9", to: to, hopLimit: 255, [type, 0, 0, 0, 0, 0, 0, 0] + address("2001:db8::1")))
  }

  static let own: [(String, [UInt8])] = [
    ("a ping of the unit", ethernet(.ipv4, ipv4(.icmp, from: "192.0.2.1", to: "192.0.2.254", icmp(type: 8)))),
    ("a datagram to the unit", ethernet(.ipv4, ipv4(.udp, from: "192.0.2.1", to: "192.0.2.254", udp()))),
    ("a question to a group", discovery(135, to: "ff02::1", mac: group)),
    ("an answer to a group", discovery(136, to: "ff02::1", mac: group)),
    ("an answer to a link-local address", discovery(136, to: "fe80::1", mac: Host.bobMAC)),
  ]

  @Test(arguments: own)
  func `C25, X20: each member looks at it itself`(_ name: String, _ frame: [UInt8]) throws {
    let member = try PipedMember(PipedMember.all(of: 1))
    member.work()
    let group = frame[0] == 0x33 ? MACAddress(Self.group) : nil
    member.piped.put([frame], .inside, to: group)
    member.piped.wait { member.sum(\.receivedPackets) == 1 }
    member.pass()
    #expect(member.drops(.forUs) == 1 && member.drops(.notMine) == 0 && member.isBalanced)
  }

  @Test func `everything else is by its work set, discovery beyond the link among it`() throws {
    let member = try PipedMember(PipedMember.all(of: 1))
    member.work()
    member.piped.put(
      [
        Self.discovery(135, to: "2001:db8:7::1", mac: Host.bobMAC), PipedMember.datagram(1),
        ethernet(.ipv4, ipv4(.icmp, from: "192.0.2.1", to: Host.bob, icmp(type: 8))),
      ], .inside)
    member.piped.wait { member.sum(\.receivedPackets) == 3 }
    member.pass()
    #expect(member.drops(.notMine) == 3 && member.drops(.forUs) == 0 && member.isBalanced)
  }

  @Test func `a member that has left, and has no lease any more, still finds the end of its drain`() throws {
    let member = try PipedMember(PipedMember.all(of: 0))
    member.piped.gateway.beginDrain()
    var last = member.piped.gateway.lookAtDrain(), next = 0, isEnd = false
    member.piped.wait {
      // Others' traffic goes on.
      member.put(next..<next + 2)
      next += 2
      let look = member.piped.gateway.lookAtDrain()
      isEnd = look.isEnd(after: last)
      if !look.isSame(as: last) { last = look }
      return isEnd || next > 2000
    }
    #expect(isEnd)
  }
}

import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Of the suite whose tests run one at a time: they hold threads.
extension MemberTests {
  /// Somebody is missing (X19): hosts that are heard right then are worked for. What others send waits, and is lost if
  /// another half of the cluster is heard meanwhile.
  @Suite(.serialized) struct NewcomerTests {
    private static let known = "02:00:00:00:00:21", new = "02:00:00:00:00:22", third = "02:00:00:00:00:23"
    private static let never = UInt64.max / 2

    /// Since when it doubts; and it has heard one host.
    private func doubtful() throws -> (PipedMember, since: UInt64) {
      let member = try PipedMember(PipedMember.all(of: 0))
      member.work()
      let since = hauberk_boot_nanoseconds()
      member.desk.doubtNewcomers(since: since, learning: Self.never, waiting: Self.never)
      // What others say is heard at once, and still before anybody who waits for ever is due.
      member.desk.noteListening(until: Self.never)
      member.pass()
      come(member, [0], from: Self.known)
      #expect(left(member) == [0])
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: Self.never)
      return (member, since)
    }

    private func come(_ member: PipedMember, _ numbers: [Int], from host: String, _ side: Side = .inside) {
      let before = received(member)
      member.piped.put(
        numbers.map { number in
          ethernet(
            .ipv4, from: host,
            ipv4(.udp, from: "192.0.2.1", to: Host.bob, udp(from: UInt16(number), big(UInt32(number)))))
        }, side)
      member.piped.wait { received(member) == before + numbers.count }
      member.pass()
      member.pass()
    }

    private func received(_ member: PipedMember) -> Int {
      member.piped.gateway.ports.reduce(0) {
        $0 + Int($1.inside.counters.receivedPackets) + Int($1.outside.counters.receivedPackets)
      }
    }

    private func left(_ member: PipedMember) -> [Int] {
      member.pass()
      member.pass()
      return member.numbers()
    }

    @Test func `who was heard is worked for at once, and who was not waits, and is worked for from then on`() throws {
      let (member, since) = try doubtful()
      come(member, [1, 2], from: Self.known)
      come(member, [3, 4], from: Self.new)
      come(member, [5], from: Self.known)
      #expect(left(member) == [1, 2, 5] && member.sum(\.heldPackets) == 2 && member.isBalanced)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      #expect(left(member) == [3, 4] && member.sum(\.heldPackets) == 0)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: Self.never)
      come(member, [6], from: Self.new)
      come(member, [7], from: Self.third)
      #expect(left(member) == [6] && member.sum(\.heldPackets) == 1)
      // Known on one side is not known on the other.
      come(member, [8], from: Self.new, .outside)
      #expect(left(member) == [] && member.sum(\.heldPackets) == 2 && member.isBalanced)
    }

    @Test func `what waits when another half is heard is lost, for it may be worked on there`() throws {
      let (member, since) = try doubtful()
      come(member, [1, 2], from: Self.new)
      member.desk.refuseNewcomers(until: hauberk_boot_nanoseconds() + 3_600_000_000_000)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      #expect(left(member) == [] && member.drops(.otherHalf) == 2)
      come(member, [3], from: Self.new)
      come(member, [4], from: Self.known)
      #expect(left(member) == [4] && member.drops(.otherHalf) == 3 && member.isBalanced)
      // They are one again.
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: Self.never)
      come(member, [5], from: Self.new)
      member.desk.trustNewcomers()
      member.pass()
      come(member, [6], from: Self.new)
      #expect(left(member) == [6] && member.drops(.otherHalf) == 4 && member.isBalanced)
    }

    @Test func `when nobody is missing any more, what waits comes before what comes`() throws {
      let (member, _) = try doubtful()
      come(member, [1, 2], from: Self.new)
      member.threads.hold()
      member.desk.trustNewcomers()
      member.piped.put([PipedMember.datagram(3)], .inside)
      member.threads.letGo()
      member.piped.wait { member.sum(\.keptPackets) == 4 }
      #expect(left(member) == [1, 2, 3] && member.sum(\.heldPackets) == 0 && member.isBalanced)
    }

    @Test func `nobody is learned while another half is heard`() throws {
      let (member, since) = try doubtful()
      member.desk.refuseNewcomers(until: hauberk_boot_nanoseconds() + 3_600_000_000_000)
      member.desk.doubtNewcomers(since: since, learning: Self.never, waiting: Self.never)
      come(member, [1], from: Self.new)
      #expect(left(member) == [] && member.sum(\.heldPackets) == 1)
    }

    @Test func `who is missing next is asked anew`() throws {
      let (member, since) = try doubtful()
      member.desk.doubtNewcomers(since: since + 1, learning: 0, waiting: Self.never)
      come(member, [1], from: Self.known)
      #expect(left(member) == [] && member.sum(\.heldPackets) == 1)
    }

    @Test func `what came before a work set began here may be another member's work`() throws {
      let (member, since) = try doubtful()
      func publish(_ owner: UInt8) {
        member.publish(PipedMember.all(of: owner))
        member.piped.wait { member.finish() }
      }
      come(member, [1], from: Self.new)
      publish(0)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      #expect(left(member) == [1])
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: Self.never)
      publish(1)
      come(member, [2], from: Self.third)
      publish(0)
      come(member, [3], from: Self.third)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      #expect(left(member) == [3] && member.drops(.holdDoubtful) == 1 && member.isBalanced)
    }

    @Test func `nobody is let in before all that others have said meanwhile is heard`() throws {
      let (member, since) = try doubtful()
      come(member, [1], from: Self.new)
      member.desk.noteListening(until: since)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 3_600_000_000_000)
      #expect(left(member) == [] && member.sum(\.heldPackets) == 1)
      member.desk.noteListening(until: Self.never)
      #expect(left(member) == [1])
      // But nobody waits for ever for a thread that does not come to that.
      member.desk.noteListening(until: since)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 2_000_000)
      come(member, [2], from: Self.third)
      member.piped.wait { member.drops(.otherHalf) == 1 }
      #expect(left(member) == [] && member.drops(.otherHalf) == 1 && member.isBalanced)
    }

    @Test func `who is to end does not wait for anybody`() throws {
      let (member, _) = try doubtful()
      come(member, [1], from: Self.new)
      member.piped.gateway.stop()
      #expect(member.drops(.draining) == 1 && member.sum(\.heldPackets) == 0 && member.isBalanced)
    }

    @Test func `a lapse takes along what waits`() throws {
      let (member, _) = try doubtful()
      come(member, [1, 2, 3], from: Self.new)
      member.desk.lease(until: 0)
      member.piped.wait { member.drops(.fenced) == 3 }
      #expect(left(member) == [] && member.drops(.fenced) == 3 && member.isBalanced)
    }

    @Test func `only so many wait, and who asks for an address does not`() throws {
      let (member, since) = try doubtful()
      let most = 8192 / Newcomers.shareOfFrames / 2
      for first in stride(from: 0, to: most + 40, by: 40) {
        come(member, Array(first..<first + 40), from: Self.new)
      }
      #expect(member.sum(\.heldPackets) == most && member.drops(.holdFull) == member.drops(.held) - most)
      let full = member.drops(.holdFull)
      let before = received(member)
      member.piped.put([ethernet(.arp, from: Self.third, arp())], .inside)
      member.piped.wait { received(member) == before + 1 }
      member.pass()
      #expect(member.drops(.holdFull) == full && member.sum(\.heldPackets) == most)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      member.piped.wait { member.sum(\.heldPackets) == 0 }
      #expect(left(member) == Array(0..<most))
      // For whom there was no room has waited all the same.
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: Self.never)
      for first in stride(from: 0, to: most + 40, by: 40) {
        come(member, Array(first..<first + 40), from: Self.third)
      }
      let other = "02:00:00:00:00:24"
      come(member, [500], from: other)
      member.desk.doubtNewcomers(since: since, learning: 0, waiting: 0)
      member.piped.wait { member.sum(\.heldPackets) == 0 }
      let held = member.drops(.held)
      come(member, [501], from: other)
      #expect(left(member) == Array(0..<most) + [501] && member.drops(.held) == held && member.isBalanced)
      // That was then.
      member.desk.doubtNewcomers(since: hauberk_boot_nanoseconds(), learning: 0, waiting: 0)
      come(member, [502], from: other)
      #expect(left(member) == [502] && member.drops(.held) == held + 1)
    }
  }
}

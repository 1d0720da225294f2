import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Testing
import Wire

/// The early filter where it works: in front of a queue, with packets from a cable (C24).
@Suite(.serialized, .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct EarlyPortTests {
  /// What comes, of which nine in ten are another member's; the last of each is told by its number.
  static let description = EarlyFilterTests.description()
  static let flows = (0..<200).map { number in
    ethernet(.ipv4, ipv4(.udp, from: "10.1.0.\(number)", udp(from: 4000, Talk.filling(number, 60))))
  }
  /// No program at a fixed place of the headers can judge them.
  static let others = [
    ethernet(.vlan, vlan(417, .ipv4, ipv4(.udp, udp(Talk.filling(1, 60))))),
    ethernet(.arp, arp() + Talk.filling(2, 18)),
    ethernet(.ipv4, ipv4(.udp, options: [1, 1, 1, 1], udp(Talk.filling(3, 60)))),
  ]

  static func isForeign(_ set: Int) -> Bool { set % 10 != 0 }

  static let expected: [[UInt8]] = {
    let plane = Plane(description)
    return flows.filter { !isForeign(plane.set($0)!) } + others
  }()

  static var filter: EarlyFilter { EarlyFilter(EarlyRules(description)!, isForeign: isForeign) }
  static var dropped: UInt64 { UInt64(flows.count + others.count - expected.count) }

  @Test func aPacketSocketGetsWhatIsNotAnothers() throws {
    let found = try Namespace.run {
      try Namespace.makeCable("in0", "in1")
      let memory = try LiveMemory(frames: 1024), early = try EarlyMemory()
      var queue = try PacketQueue.open("in0", frames: [memory.frames])[0]
      try PacketQueue.filter([queue], by: early)
      let far = try RawSocket("in1")
      early.set(Self.filter)
      for frame in Self.flows + Self.others { _ = far.send(frame) }
      let some = memory.receive(&queue, Self.expected.count)
      early.set(nil)
      for frame in Self.flows { _ = far.send(frame) }
      let all = memory.receive(&queue, Self.flows.count)
      let counts = (early.counts.filtered, queue.counters.receivedPackets)
      queue.close()
      queue.counters.deallocate()
      return (some, all, counts, memory.isWhole)
    }
    expectSame(found.0, Self.expected)
    expectSame(found.1, Self.flows)
    #expect(found.2.0 == Self.dropped)
    #expect(found.2.0 + found.2.1 == UInt64(2 * Self.flows.count + Self.others.count), "each is counted once")
    #expect(found.3)
  }

  @Test(arguments: XDPHook.allCases)
  func anXDPSocketGetsWhatIsNotAnothers(hook: XDPHook) throws {
    let found = try Namespace.run {
      let rig = try XDPRig(hook: hook)
      let far = try RawSocket("in1")
      rig.inside.early.set(Self.filter)
      for frame in Self.flows + Self.others { _ = far.send(frame) }
      var received: [[UInt8]] = []
      let deadline = Deadline(milliseconds: 10_000)
      while received.count < Self.expected.count, !deadline.isOver {
        received += rig.receive(rig.workers[0].inside)
        rig.workers[0].inside.flush()
      }
      received += rig.receive(rig.workers[0].inside)
      return (received, rig.inside.counts, rig.outside.counts.filtered, rig.close())
    }
    expectSame(found.0, Self.expected)
    #expect(found.1.filtered == Self.dropped && found.1.redirected == UInt64(Self.expected.count))
    #expect(found.2 == 0 && found.3 == 0, "the other side's, and frames that did not come back")
  }
}

import Memory
import PacketMaking
import Testing
import Wire

@testable import Dataplane

extension TapQueue: LivePortUnderTest {}
extension PcapQueue: LivePortUnderTest {}

/// TAP devices and libpcap, with real kernels at both ends.
@Suite(.serialized, .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct OtherQueueTests {
  /// The kernel of our own namespace talks by a TAP device, and a bridge carries that to another one's.
  private func overTap(
    _ a: @escaping @Sendable () throws -> Void, _ b: @escaping @Sendable () throws -> Void
  ) throws -> Bridged {
    let net = try Between()
    let here = net.here
    return try bridged(
      Between(a: net.here, here: net.here, b: net.b),
      open: { memory in
        var options = TapOptions()
        options.mac = MACAddress(0x0200_0000_0a01)
        let tap = try TapQueue.open("tap-test", options, frames: [memory.frames])[0]
        try here.shell("ip addr add \(Between.a)/24 dev tap-test; ip link show tap-test | grep -q 02:00:00:00:0a:01")
        try here.askPatiently(on: "tap-test")
        return (tap, try PacketQueue.open("right", frames: [memory.frames])[0])
      }, a: a, b: b)
  }

  @Test func datagramsCrossATap() throws {
    let count = 10_000
    let meeting = Meeting()
    let result = try overTap(
      { try Talk.exchange(Peer(udp: Between.a, 4000, to: Between.b, 5000), count, meeting) },
      { try Talk.exchange(Peer(udp: Between.b, 5000, to: Between.a, 4000), count, meeting) })
    #expect(result.passed.udp == 2 * count)
    #expect(result.passed.unsound == 0)
    #expect(result.passed.longest == 1514)
    #expect(result.one.finishedChecksums >= count)
    #expect(result.one.drops.isEmpty)
    #expect(result.isWhole)
  }

  @Test func bulkFromTheLocalKernelArrivesInSegments() throws {
    let bytes = 8 << 20
    let meeting = Meeting()
    let result = try overTap(
      {
        meeting.wait()
        try Talk.sendBulk(Peer(calling: Between.b, 5001), bytes)
      },
      {
        let listener = try Peer(listening: Between.b, 5001)
        meeting.wait()
        try Talk.receiveBulk(Peer(accepting: listener), bytes)
      })
    #expect(result.one.segmented > bytes / 65_536 / 2)
    #expect(result.passed.longest == 1514)
    #expect(result.passed.unsound == 0)
    #expect(result.isWhole)
  }

  @Test func aTapThatWasDeletedIsMadeAgain() throws {
    let here = try NetworkNamespace()
    try here.run {
      let memory = try LiveMemory(frames: 1024)
      var queues = try TapQueue.open("tap-test", frames: [memory.frames, memory.frames])
      try here.shell("sysctl -qw net.ipv6.conf.tap-test.disable_ipv6=1")
      #expect(queues.map(\.state) == [.up, .up])
      try here.shell("ip link set tap-test down")
      #expect(queues.map(\.state) == [.down, .down])
      memory.send(&queues[0], [PacketQueueLifeTests.ours])
      #expect(Counted(queues[0].counters).drops == [.linkDown: 1])
      try here.shell("ip link set tap-test up; ip link del tap-test")
      #expect(queues.map(\.state) == [.gone, .gone])
      memory.send(&queues[1], [PacketQueueLifeTests.ours])
      #expect(memory.receive(&queues[1], 1, milliseconds: 50).isEmpty)
      #expect(Counted(queues[1].counters).drops == [.linkDown: 1])
      let old = queues
      queues = try TapQueue.open("tap-test", frames: [memory.frames, memory.frames], counters: old.map(\.counters))
      for queue in old { queue.close() }
      #expect(queues.map(\.state) == [.up, .up])
      let peer = try Peer(frames: "tap-test")
      memory.send(&queues[1], [PacketQueueLifeTests.ours])
      #expect(peer.receive() == PacketQueueLifeTests.ours)
      for queue in queues {
        queue.close()
        queue.counters.deallocate()
      }
      #expect(memory.isWhole)
    }
    #expect(throws: (any Error).self) { try here.shell("ip link show tap-test 2>/dev/null") }
  }

  /// A sender's checksums have to be his own here: libpcap does not tell that they are unfinished.
  @Test func framesCrossLibpcap() throws {
    // It keeps 64 KB for each frame, of 8 MB.
    let ahead = 48
    let net = try Between()
    try net.a.shell("ethtool -K eth0 tx off >/dev/null")
    try net.b.shell("ethtool -K eth0 tx off >/dev/null")
    let count = 10_000
    let meeting = Meeting()
    let result = try bridged(
      net,
      open: { memory in
        (try PcapQueue.open("left", frames: memory.frames), try PcapQueue.open("right", frames: memory.frames))
      },
      a: { try Talk.exchange(Peer(udp: Between.a, 4000, to: Between.b, 5000), count, meeting, ahead: ahead) },
      b: { try Talk.exchange(Peer(udp: Between.b, 5000, to: Between.a, 4000), count, meeting, ahead: ahead) })
    #expect(result.passed.udp == 2 * count)
    #expect(result.passed.unsound == 0)
    #expect(result.one.drops.isEmpty && result.other.drops.isEmpty)
    #expect(result.isWhole)
  }

  /// A train that nobody told of: it is longer than any link would let in.
  @Test func libpcapsTrainsAreDivided() throws {
    let net = try Between()
    try net.here.run {
      let memory = try LiveMemory(frames: 1024)
      var queue = try PcapQueue.open("left", frames: memory.frames)
      let frame = ethernet(
        .ipv4, to: Host.bobMAC, ipv4(.tcp, tcp(flags: TCPFlag.acknowledge, Talk.filling(5, 40_000))))
      // The cable takes it, and then the port is told that it would not have.
      try net.here.shell("ip link set left mtu 65000")
      try net.a.shell("ip link set eth0 mtu 65000")
      try net.a.run { try Peer(frames: "eth0").send(frame) }
      try net.here.shell("ip link set left mtu 1500")
      let got = memory.receive(&queue, 28)
      let read = got.compactMap { SegmentReader($0) }.filter { $0.isTCP }
      #expect(read.count == 28)
      #expect(read.allSatisfy { $0.isSound })
      #expect(got.map(\.count).max() == 1514)
      expectSame(read.flatMap(\.payload), Talk.filling(5, 40_000))
      queue.close()
      queue.counters.deallocate()
      #expect(memory.isWhole)
    }
  }

  @Test func libpcapFindsAnInterfaceAgain() throws {
    let cable = try PacketQueueLifeTests.Cable()
    try cable.here.run {
      let memory = try LiveMemory(frames: 1024)
      var queue = try PcapQueue.open("left", frames: memory.frames)
      #expect(queue.state == .up)
      try cable.here.shell("ip link del left")
      #expect(queue.state == .gone)
      memory.send(&queue, [PacketQueueLifeTests.ours])
      #expect(memory.receive(&queue, 1, milliseconds: 50).isEmpty)
      #expect(Counted(queue.counters).drops == [.linkDown: 1])
      #expect(throws: PortError.self) { try PcapQueue.open("left", frames: memory.frames) }
      try cable.plug()
      let old = queue
      queue = try PcapQueue.open("left", frames: memory.frames, counters: old.counters)
      old.close()
      #expect(queue.state == .up)
      let peer = try cable.there.run { try Peer(frames: "eth0") }
      peer.send(PacketQueueLifeTests.theirs)
      expectSame(memory.receive(&queue, 1), [PacketQueueLifeTests.theirs])
      memory.send(&queue, [PacketQueueLifeTests.ours])
      #expect(peer.receive() == PacketQueueLifeTests.ours)
      queue.close()
      queue.counters.deallocate()
      #expect(memory.isWhole)
    }
  }
}

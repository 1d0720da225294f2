import Glibc
import Memory
import PacketMaking
import Testing
import Wire

@testable import Dataplane

/// One AF_PACKET queue, what it meets, and what becomes of its frames.
@Suite(.serialized, .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct PacketQueueLifeTests {
  /// `left` is here, `eth0` in `there`; nothing else is on the cable.
  struct Cable {
    let here: NetworkNamespace
    let there: NetworkNamespace

    init() throws {
      here = try NetworkNamespace()
      there = try NetworkNamespace()
      for end in [here, there] { try end.shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1") }
      try here.connect("left", to: there, "eth0")
    }

    func plug() throws { try here.connect("left", to: there, "eth0") }
  }

  static let ours =
    ethernet(0x88b5, to: Host.bobMAC, text("from the queue, long enough for a frame of 60 octets")) + [7, 8]
  static let theirs =
    ethernet(0x88b5, to: Host.aliceMAC, text("from the peer, long enough for a frame of 60 octets")) + [5, 6]

  private func opened(
    _ cable: Cable, _ options: PacketOptions = PacketOptions(), frames: Int = 1024,
    _ body: (inout PacketQueue, LiveMemory) throws -> Void
  ) throws {
    try cable.here.run {
      let memory = try LiveMemory(frames: frames)
      var queue = try PacketQueue.open("left", options, frames: [memory.frames])[0]
      defer {
        queue.close()
        queue.counters.deallocate()
      }
      try body(&queue, memory)
      #expect(memory.isWhole)
    }
  }

  @Test func whatIsNotThereIsRefusedInASentence() throws {
    try NetworkNamespace().run {
      let memory = try LiveMemory(frames: 1024)
      #expect {
        try PacketQueue.open("nowhere", frames: [memory.frames])
      } throws: { "\(($0 as? PortError)?.description ?? "")" == "nowhere: no such interface (No such device)" }
    }
  }

  @Test func tagsThatTheKernelTookOutArePutBack() throws {
    let cable = try Cable()
    try opened(cable) { queue, memory in
      let one = ethernet(.vlan, vlan(417, priority: 5, .ipv4, ipv4(.udp, udp(Talk.filling(1, 60)))))
      let two = ethernet(.serviceVLAN, vlan(9, .vlan, vlan(10, .ipv6, ipv6(.udp, udp(Talk.filling(2, 60))))))
      try cable.there.run {
        let peer = try Peer(frames: "eth0")
        peer.send(one)
        peer.send(two)
      }
      let got = memory.receive(&queue, 2)
      expectSame(got, [one, two])
      memory.send(&queue, [one])
      #expect(queue.counters.sentPackets == 1)
    }
  }

  @Test func whatLeavesHereIsNotReceived() throws {
    let cable = try Cable()
    try opened(cable) { queue, memory in
      memory.send(&queue, [Self.ours, Self.ours])
      let other = try Peer(frames: "left")
      other.send(Self.ours)
      try cable.there.run { try Peer(frames: "eth0").send(Self.theirs) }
      expectSame(memory.receive(&queue, 2, milliseconds: 300), [Self.theirs])
    }
  }

  @Test func framesToOthersAreSeenByThePromiscuous() throws {
    for isPromiscuous in [true, false] {
      let cable = try Cable()
      var options = PacketOptions()
      options.isPromiscuous = isPromiscuous
      try opened(cable, options) { queue, memory in
        if !isPromiscuous {
          try queue.join(MACAddress(0x0100_5e00_0012))
          try cable.here.shell("ip maddr show dev left | grep -q 01:00:5e:00:00:12")
        }
        let isMarked = (try? cable.here.shell("ip -d link show left | grep -q 'promiscuity 1'")) != nil
        #expect(isMarked == isPromiscuous)
        // A device without a filter of its own becomes promiscuous by this.
        if !isPromiscuous { try queue.join(MACAddress(0x0200_0000_0017)) }
        try cable.there.run { try Peer(frames: "eth0").send(Self.theirs) }
        #expect(memory.receive(&queue, 1).count == 1)
      }
    }
  }

  @Test func whatTheDeviceDoesNotTakeIsCountedByCause() throws {
    let cable = try Cable()
    try opened(cable) { queue, memory in
      let long = ethernet(0x88b5, Talk.filling(1, 1600))
      let peer = try cable.there.run { try Peer(frames: "eth0") }
      memory.send(&queue, [Self.ours, long, Self.ours, [1, 2, 3], Self.ours])
      #expect(Counted(queue.counters).drops == [.tooBig: 1, .refused: 1])
      #expect(queue.counters.sentPackets == 3)
      for _ in 0..<3 { #expect(peer.receive() == Self.ours) }
    }
  }

  /// What finds no frame of ours stays in the ring; what finds no room there is counted, once.
  @Test func nothingIsLostWithoutBeingCounted() throws {
    let cable = try Cable()
    var options = PacketOptions()
    options.ringBytes = 256 << 10
    try opened(cable, options, frames: 128) { queue, memory in
      let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: 4 * Burst.capacity)
      defer { refs.deallocate() }
      try cable.there.run {
        let peer = try Peer(frames: "eth0")
        for _ in 0..<500 { peer.send(Self.theirs) }
      }
      var held = 0
      for _ in 0..<4 {
        var burst = Burst(refs + held)
        queue.receive(into: &burst)
        queue.flush()
        held += burst.count
      }
      #expect(held == 128)
      for index in 0..<held { memory.frames.give(refs[index]) }
      // 128 slots, all of which were full while 500 were sent; those that became free took nothing any more.
      #expect(memory.receive(&queue, 1, milliseconds: 300).isEmpty)
      for _ in 0..<128 { queue.flush() }
      #expect(queue.counters.receivedPackets == 128)
      #expect(queue.counters.drops(.ringFull) == 372)
    }
  }

  @Test func aTrainWaitsForFrames() throws {
    let net = try Between()
    try net.here.run {
      let memory = try LiveMemory(frames: 128)
      var queue = try PacketQueue.open("left", frames: [memory.frames])[0]
      defer {
        queue.close()
        queue.counters.deallocate()
      }
      try net.a.shell("ip neigh add \(Between.b) lladdr \(Host.bobMAC) dev eth0")
      try net.a.run {
        let peer = try Peer(udp: Between.a, 4000, to: Between.b, 5000)
        peer.sendInTrains(of: 500)
        for _ in 0..<5 { peer.send(Talk.filling(3, 25_000)) }
      }
      let frames = memory.receive(&queue, 250)
      let payloads = frames.compactMap { SegmentReader($0) }.filter { $0.destination == 5000 }
      #expect(payloads.count == 250)
      #expect(payloads.allSatisfy { $0.isSound })
      expectSame(payloads.suffix(50).flatMap(\.payload), Talk.filling(3, 25_000))
      #expect(memory.isWhole)
    }
  }

  @Test func aLinkThatReturnsIsUsedAgain() throws {
    let cable = try Cable()
    try opened(cable) { queue, memory in
      #expect(queue.state == .up)
      try cable.here.shell("ip link set left down")
      #expect(queue.state == .down)
      memory.send(&queue, [Self.ours, Self.ours])
      #expect(memory.receive(&queue, 1, milliseconds: 100).isEmpty)
      #expect(Counted(queue.counters).drops == [.linkDown: 2])
      // Whoever sleeps for traffic is not woken for ever by the news that there will be none.
      for _ in 0..<128 { queue.flush() }
      var sleeper = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
      #expect(poll(&sleeper, 1, 50) == 0)
      try cable.here.shell("ip link set left up")
      try cable.there.shell("ip link set eth0 down")
      #expect(queue.state == .down)
      try cable.there.shell("ip link set eth0 up")
      // The kernel takes its time to tell.
      let deadline = Deadline(milliseconds: 5000)
      while queue.state != .up, !deadline.isOver { giveWay() }
      #expect(queue.state == .up)
      try expectTraffic(cable, &queue, memory)
    }
  }

  @Test(arguments: [1, 2]) func anInterfaceThatReturnsIsFoundAgain(_ count: Int) throws {
    let cable = try Cable()
    try cable.here.run {
      let memory = try LiveMemory(frames: 1024)
      var queues = try PacketQueue.open("left", frames: [FrameSource](repeating: memory.frames, count: count))
      try cable.here.shell("ip link del left")
      for index in queues.indices {
        #expect(queues[index].state == .gone)
        memory.send(&queues[index], [Self.ours])
        #expect(memory.receive(&queues[index], 1, milliseconds: 100).isEmpty)
        #expect(Counted(queues[index].counters).drops == [.linkDown: 1])
        #expect(throws: PortError.self) { try PacketQueue.open("left", frames: [memory.frames]) }
      }
      try cable.plug()
      // The new one has the same name, and the old one stays gone.
      #expect(queues.allSatisfy { $0.state == .gone })
      let old = queues
      queues = try PacketQueue.open(
        "left", frames: [FrameSource](repeating: memory.frames, count: count), counters: old.map(\.counters))
      for queue in old { queue.close() }
      #expect(queues.allSatisfy { $0.state == .up })
      let peer = try cable.there.run { try Peer(frames: "eth0") }
      peer.send(Self.theirs)
      // One of them gets it, and one only.
      let got = queues.indices.reduce(0) { $0 + memory.receive(&queues[$1], 2, milliseconds: 200).count }
      #expect(got == 1)
      for index in queues.indices { memory.send(&queues[index], [Self.ours]) }
      for _ in queues { #expect(peer.receive() == Self.ours) }
      for queue in queues { #expect(Counted(queue.counters).drops == [.linkDown: 1]) }
      for queue in queues {
        queue.close()
        queue.counters.deallocate()
      }
      #expect(memory.isWhole)
    }
  }

  private func expectTraffic(_ cable: Cable, _ queue: inout PacketQueue, _ memory: LiveMemory) throws {
    let peer = try cable.there.run { try Peer(frames: "eth0") }
    peer.send(Self.theirs)
    expectSame(memory.receive(&queue, 1), [Self.theirs])
    memory.send(&queue, [Self.ours])
    #expect(peer.receive() == Self.ours)
  }
}

import Memory
import PacketMaking
import Synchronization
import Testing

@testable import Dataplane

/// AF_PACKET between real kernels, in namespaces that vanish with the test.
@Suite(.serialized, .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct PacketQueueTests {
  static func pair(_ memory: LiveMemory) throws -> (PacketQueue, PacketQueue) {
    (
      try PacketQueue.open("left", frames: [memory.frames])[0],
      try PacketQueue.open("right", frames: [memory.frames])[0]
    )
  }

  @Test func framesOfEverySizeCrossBothWays() throws {
    let net = try Between()
    let count = 10_000
    let meeting = Meeting()
    let result = try bridged(
      net, open: Self.pair,
      a: { try Talk.exchange(Peer(udp: Between.a, 4000, to: Between.b, 5000), count, meeting) },
      b: { try Talk.exchange(Peer(udp: Between.b, 5000, to: Between.a, 4000), count, meeting) })
    #expect(result.passed.udp == 2 * count)
    #expect(result.passed.unsound == 0)
    #expect(result.passed.longest == 1514)
    // Peers leave their checksums to the cable, which has nobody for it.
    #expect(result.one.finishedChecksums >= count)
    #expect(result.other.finishedChecksums >= count)
    #expect(result.one.drops.isEmpty && result.other.drops.isEmpty)
    #expect(result.one.received + result.other.received == result.passed.frames)
    #expect(result.one.sent + result.other.sent == result.passed.frames)
    #expect(result.isWhole)
  }

  @Test(arguments: [false, true]) func bulkArrivesInSegments(_ isIPv6: Bool) throws {
    let net = try Between()
    let bytes = 8 << 20
    let address = isIPv6 ? Between.b6 : Between.b
    let meeting = Meeting()
    let result = try bridged(
      net, open: Self.pair,
      a: {
        meeting.wait()
        try Talk.sendBulk(Peer(calling: address, 5001), bytes)
      },
      b: {
        let listener = try Peer(listening: address, 5001)
        meeting.wait()
        try Talk.receiveBulk(Peer(accepting: listener), bytes)
      })
    #expect(result.one.segmented > bytes / 65_536 / 2, "the sender has divided by itself")
    #expect(result.passed.tcp > bytes / 1460)
    #expect(result.passed.longest == 1514)
    #expect(result.passed.unsound == 0)
    #expect(result.one.drops.filter { $0.key != .ringFull }.isEmpty)
    #expect(result.other.drops.filter { $0.key != .ringFull }.isEmpty)
    #expect(result.isWhole)
  }

  @Test func trainsOfDatagramsBecomeDatagrams() throws {
    let net = try Between()
    let meeting = Meeting()
    let result = try bridged(
      net, open: Self.pair,
      a: {
        let peer = try Peer(udp: Between.a, 4000, to: Between.b, 5000)
        meeting.wait()
        peer.send([0])
        guard peer.receive() == [1] else { throw Talk.Wrong(words: "no answer") }
        peer.sendInTrains(of: 1000)
        for number in 0..<200 { peer.send(Talk.filling(number, 40_001)) }
        guard peer.receive() == [2] else { throw Talk.Wrong(words: "not all have come") }
      },
      b: {
        let peer = try Peer(udp: Between.b, 5000, to: Between.a, 4000)
        meeting.wait()
        guard peer.receive() == [0] else { throw Talk.Wrong(words: "nothing came") }
        peer.send([1])
        for number in 0..<200 {
          let whole = Talk.filling(number, 40_001)
          for part in 0...40 {
            guard peer.receive() == Array(whole[part * 1000..<min(part * 1000 + 1000, 40_001)]) else {
              throw Talk.Wrong(words: "train \(number), datagram \(part)")
            }
          }
        }
        peer.send([2])
      })
    #expect(result.one.segmented == 200)
    #expect(result.passed.udp == 200 * 41 + 3)
    #expect(result.passed.unsound == 0)
    #expect(result.isWhole)
  }

  @Test(arguments: [PacketSharing.hash, .processor]) func twoQueuesLoseNothing(_ sharing: PacketSharing) throws {
    let net = try Between()
    let count = 10_000
    let arrived = Seen.Count()
    let seen = [Seen(arrived), Seen(arrived)]
    try net.here.run {
      let memories = [try LiveMemory(frames: 2048), try LiveMemory(frames: 2048)]
      var options = PacketOptions()
      options.sharing = sharing
      nonisolated(unsafe) let queues = try PacketQueue.open("left", options, frames: memories.map(\.frames))
      nonisolated(unsafe) let shared = memories
      try together([
        { try net.a.run { try Self.sendFlows(count, arrived) } },
        { seen[0].collect(queues[0], shared[0], until: count) },
        { seen[1].collect(queues[1], shared[1], until: count) },
      ])
      for queue in queues {
        #expect(Counted(queue.counters).drops.isEmpty)
        queue.close()
        queue.counters.deallocate()
      }
    }
    let numbers = seen.flatMap(\.numbers)
    #expect(numbers.count == count)
    #expect(Set(numbers).count == count)
    #expect(numbers.allSatisfy { $0 < count })
    if sharing == .hash { #expect(seen.allSatisfy { $0.numbers.count > count / 4 }) }
  }

  /// Numbered frames of many flows, never more under way than the rings hold.
  static func sendFlows(_ count: Int, _ arrived: Seen.Count) throws {
    let peer = try Peer(frames: "eth0")
    let deadline = Deadline(milliseconds: 20_000)
    for number in 0..<count {
      let payload = big(UInt32(number)) + Talk.filling(number, 14 + number % 1400)
      peer.send(ethernet(.ipv4, ipv4(.udp, udp(from: UInt16(1000 + number % 500), to: 9, payload))))
      while number - arrived.total.load(ordering: .relaxed) > 1000, !deadline.isOver { giveWay() }
    }
  }
}

/// How many frames have come by any queue, and which by one: that list belongs to the queue's thread until it has ended.
/// (The thread sanitizer does not see through a `Mutex`.)
final class Seen: @unchecked Sendable {
  final class Count: Sendable {
    let total = Atomic(0)
  }

  private(set) var numbers: [Int] = []
  private let arrived: Count

  init(_ arrived: Count) { self.arrived = arrived }

  func collect(_ queue: PacketQueue, _ memory: LiveMemory, until count: Int) {
    var queue = queue
    let deadline = Deadline(milliseconds: 20_000)
    while !deadline.isOver, arrived.total.load(ordering: .relaxed) < count {
      for frame in memory.receive(&queue, 64, milliseconds: 20) where frame.count > 46 && frame[23] == 17 {
        numbers.append(SegmentReader.number(frame, 42, 4))
        arrived.total.add(1, ordering: .relaxed)
      }
    }
  }
}

import CWorkSet
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// What one member puts together is worked on by another, whose SA it is (X9).
@Suite(.serialized) struct PassingTests {
  private static let senderUnit = 7
  private static let ends = [
    (mine: PipedCluster.address, peer: PipedCluster.peer), (mine: "2001:db8:1::64", peer: "2001:db8:1::99"),
  ]

  /// Of one group's end: the cluster's, or the other's.
  private static func group(_ here: String, _ there: String, local: String, remote: String) -> ClassifyDescription {
    var group = GroupDescription(name: "group", spi: 0x10000, senderIDBits: 8)
    let suite = gcm
    let material = (0..<suite.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ 3) }
    var esp = ESPDescription(suite)
    esp.pathMTU = 9000
    group.security = GroupSecurity(
      esp, address: IPAddress(here)!, key: KeyDescription(Secret(material), born: 1), units: 8, maxSenders: 4,
      local: [IPPrefix(local)!], sites: [GroupSite(gateway: IPAddress(there)!, networks: [IPPrefix(remote)!])])
    var description = ClassifyDescription()
    description.clusterAddresses = [IPAddress(here)!]
    description.groups = [group]
    return description
  }

  /// The group's set, of the sender's first worker, and its fragments' set.
  private static func sets(_ isIPv6: Bool) -> (whole: Int, pieces: Int) {
    var key = hauberk_work_set_expand(0, 0)
    let ends = ends[isIPv6 ? 1 : 0]
    let (from, to) = (IPAddress(ends.peer)!.halves, IPAddress(ends.mine)!.halves)
    let pieces =
      isIPv6
      ? hauberk_fragment6(&key, from.high, from.low, to.high, to.low, 50)
      : hauberk_fragment4(&key, UInt32(from.low), UInt32(to.low), 50)
    return (Int(hauberk_group(&key, 0x10000, UInt32(32 * senderUnit))), Int(pieces))
  }

  /// Member 0 has the fragments, member 1 the SA's packets, member 2 the rest.
  private static func cluster(isIPv6: Bool, workers: Int, isForwarded: Bool) throws -> PipedCluster {
    let ends = ends[isIPv6 ? 1 : 0], sets = sets(isIPv6)
    return try PipedCluster(
      group(ends.mine, ends.peer, local: "192.0.2.0/24", remote: "198.51.100.0/24"), workers: workers,
      foreign: { isForwarded && $0 == 2 ? .forwarded : .seenByAll },
      owner: { $0 == sets.whole ? 1 : $0 == sets.pieces ? 0 : 2 })
  }

  /// Sealed by the other end, each with a number of its own.
  private static func sealed(_ lengths: [Int], isIPv6: Bool) throws -> [[UInt8]] {
    let ends = ends[isIPv6 ? 1 : 0]
    let far = try TestGateway(
      group(ends.peer, ends.mine, local: "198.51.100.0/24", remote: "192.0.2.0/24"), unit: senderUnit)
    let clear = lengths.enumerated().map { number, length in
      ethernet(.ipv4, ipv4(.udp, from: Host.bob, to: Host.alice, payload(number, length)))
    }
    return far.run(clear).map { outcome in
      precondition(outcome.reason == .none, "not sealed: \(outcome.reason)")
      return outcome.octets
    }
  }

  private static func payload(_ number: Int, _ length: Int) -> [UInt8] {
    udp(big(UInt32(number)) + (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ number) })
  }

  /// Outer fragments of at most so many octets behind their header.
  private static func pieces(_ frame: [UInt8], _ number: Int, most: Int) -> [[UInt8]] {
    let isIPv6 = frame[14] >> 4 == 6
    let payload = Array(frame.dropFirst(isIPv6 ? 54 : 34)), ends = ends[isIPv6 ? 1 : 0]
    return stride(from: 0, to: payload.count, by: most).map { at in
      let part = Array(payload[at..<min(payload.count, at + most)]), isMore = at + most < payload.count
      return isIPv6
        ? ethernet(
          .ipv6,
          ipv6(
            .fragment, from: ends.peer, to: ends.mine,
            fragment(.esp, offset: UInt16(at / 8), more: isMore, identification: UInt32(number + 1), part)))
        : ethernet(
          .ipv4,
          ipv4(
            .esp, from: ends.peer, to: ends.mine, identification: UInt16(number + 1), moreFragments: isMore,
            fragmentOffset: UInt16(at / 8), part))
    }
  }

  private static let lengths = [40, 900, 1300, 2600, 5000]

  private static func send(_ cluster: PipedCluster, _ pieces: [[UInt8]], isForwarded: Bool) {
    for (number, piece) in pieces.enumerated() {
      cluster.send(piece, .outside, to: isForwarded ? cluster.members[2].macs[1] : PipedCluster.group, worker: number)
    }
  }

  @Test(arguments: [(false, 1, false), (true, 2, false), (false, 2, true), (true, 1, true)])
  func `fragments of one member's become a packet of another's, whole, once, and cut again where they have to be`(
    _ way: (isIPv6: Bool, workers: Int, isForwarded: Bool)
  ) throws {
    let cluster = try Self.cluster(isIPv6: way.isIPv6, workers: way.workers, isForwarded: way.isForwarded)
    let frames = try Self.sealed(Self.lengths, isIPv6: way.isIPv6)
    for (number, frame) in frames.enumerated() {
      var pieces = Self.pieces(frame, number, most: 504)
      if number % 2 == 1 { pieces.reverse() }
      Self.send(cluster, pieces, isForwarded: way.isForwarded)
      #expect(cluster.settle())
    }
    let inner = cluster.arrived[0].map { Array($0.dropFirst(34)) }
    let expected = Self.lengths.enumerated().map { Self.payload($0, $1) }
    let isAll = inner == expected
    #expect(isAll && cluster.arrived[1].isEmpty && cluster.isBalanced)
    let (first, second, third) = (cluster.members[0], cluster.members[1], cluster.members[2])
    // The first came whole. By the link's length: one frame each for the next two, then two, then four.
    let again = cluster.passed.filter { $0.from == 0 }
    #expect(again.count == 2 + 2 + 4 && again.allSatisfy { $0.to == 1 && $0.frame.count <= 1514 })
    #expect(first.drops(.passedOn) == again.count && second.drops(.passedOn) == 0)
    #expect(first.sum(\.unfinishedFragments) == 0 && first.sum(\.madePackets) == 1 + 3)
    #expect(second.sum(\.unfinishedFragments) == 0 && second.drops(.reassembled) == 1 + 3)
    #expect(third.drops(.passedOn) == (way.isForwarded ? cluster.passed.count - again.count : 0))
  }

  @Test func `who gets from a member what is not his SA's does not pass it on`() throws {
    let cluster = try Self.cluster(isIPv6: false, workers: 1, isForwarded: false)
    let sets = Self.sets(false)
    // To the one the SA's packets are the third's, and the third knows better.
    let next = PipedCluster.ownership(0, workers: 1, .seenByAll) { $0 == sets.pieces ? 0 : 2 }
    cluster.members[0].piped.gateway.publish(next, &cluster.members[0].change)
    cluster.pass(cluster.members[0])
    let frames = try Self.sealed([900, 2600], isIPv6: false)
    for (number, frame) in frames.enumerated() {
      Self.send(cluster, Self.pieces(frame, number, most: 504), isForwarded: false)
    }
    #expect(cluster.settle() && cluster.arrived[0].isEmpty && cluster.isBalanced)
    #expect(cluster.passed.count == 3 && cluster.passed.allSatisfy { $0.from == 0 && $0.to == 2 })
    #expect(cluster.members[2].drops(.passedOn) == 0)
  }

  @Test func `what turns out here to be of a set that comes waits for it, and is worked on then`() throws {
    let cluster = try Self.cluster(isIPv6: false, workers: 1, isForwarded: false)
    let sets = Self.sets(false), member = cluster.members[1]
    var next = PipedCluster.ownership(1, workers: 1, .seenByAll) { $0 == sets.pieces ? 0 : 2 }
    next[sets.whole] = OwnershipEntry(state: .pending, member: 1)
    member.piped.gateway.publish(next, &member.change)
    cluster.pass(member)
    // Cut again by member 0, and whole only when both pieces are here.
    let frame = try Self.sealed([2600], isIPv6: false)[0]
    Self.send(cluster, Self.pieces(frame, 0, most: 504), isForwarded: false)
    #expect(cluster.settle() && cluster.arrived[0].isEmpty && member.sum(\.heldPackets) == 1)
    let last = PipedCluster.ownership(1, workers: 1, .seenByAll) { $0 == sets.pieces ? 0 : $0 == sets.whole ? 1 : 2 }
    member.piped.gateway.publish(last, worked: [HandoverNotes(sets: [sets.whole])], &member.change)
    #expect(cluster.settle() && cluster.isBalanced && member.sum(\.heldPackets) == 0)
    let inner = cluster.arrived[0].map { Array($0.dropFirst(34)) }
    #expect(inner == [Self.payload(0, 2600)])
  }

  @Test func `a stranger's fragments to a unit's own address are nobody's but their owner's`() throws {
    let cluster = try Self.cluster(isIPv6: false, workers: 1, isForwarded: false)
    let pieces = Self.pieces(try Self.sealed([900], isIPv6: false)[0], 0, most: 504)
    for piece in pieces { cluster.send(piece, .outside, to: cluster.members[1].macs[1]) }
    #expect(cluster.settle() && cluster.arrived[0].isEmpty && cluster.isBalanced)
    #expect(cluster.members[1].drops(.notMine) == pieces.count && cluster.members[1].drops(.reassembled) == 0)
  }

  @Test func `a clear fragment that a tunnel takes goes to the member that has the tunnel`() throws {
    var pair = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: ["198.51.100.0/24"])
    pair.near.clusterAddresses = [IPAddress("203.0.113.1")!]
    let set = Int(pair.near.tunnels[0].inboundSPI & 1023)
    let cluster = try PipedCluster(pair.near, foreign: { _ in .seenByAll }, owner: { $0 == set ? 1 : 0 })
    let whole = udp(big(UInt32(9)) + [UInt8](repeating: 3, count: 600))
    for at in [0, 304] {
      let piece = ipv4(
        .udp, moreFragments: at == 0, fragmentOffset: UInt16(at / 8), Array(whole[at..<min(whole.count, at + 304)]))
      cluster.send(ethernet(.ipv4, piece), .inside, to: PipedCluster.group)
    }
    for member in cluster.members { try member.piped.gateway.serve() }
    #expect(cluster.settle() && cluster.isBalanced && cluster.passed.count == 2)
    #expect(cluster.passed.allSatisfy { $0.from == 0 && $0.to == 1 })
    // Both were sealed there.
    #expect(cluster.arrived[1].count == 2 && cluster.members[1].sum(\.keptPackets) == 2)
  }

  @Test func `what comes out of an SA is forwarded where it was opened, whosever its inner flow would be`() throws {
    let sets = Self.sets(false)
    let cluster = try Self.cluster(isIPv6: false, workers: 1, isForwarded: false)
    let frames = try Self.sealed(Array(repeating: 60, count: 40), isIPv6: false)
    for frame in frames { cluster.send(frame, .outside, to: PipedCluster.group) }
    #expect(cluster.settle() && cluster.arrived[0].count == 40 && cluster.passed.isEmpty && sets.whole != sets.pieces)
    #expect(cluster.members[1].sum(\.keptPackets) == 40)
  }
}

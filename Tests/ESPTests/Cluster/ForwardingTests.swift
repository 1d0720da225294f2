import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// The third way of delivery (C22.1): the master alone sees the traffic, and passes on what is others'.
@Suite(.serialized) struct ForwardingTests {
  private static func cluster(workers: Int = 1, masters: Set<Int> = [0], owner: @escaping (Int) -> Int = { $0 % 3 })
    throws
    -> PipedCluster
  {
    try PipedCluster(
      PipedMember.classify, workers: workers, foreign: { masters.contains($0) ? .forwarded : .seenByAll }, owner: owner)
  }

  /// Of a datagram of `PipedMember`'s that has left.
  private static func number(_ frame: [UInt8]) -> Int { frame[42..<46].reduce(0) { $0 << 8 | Int($1) } }

  @Test(arguments: [1, 2])
  func `each packet is worked on by its owner, exactly once, and no other hop is counted`(_ workers: Int) throws {
    let cluster = try Self.cluster(workers: workers)
    let master = cluster.members[0]
    for number in 0..<300 {
      cluster.send(PipedMember.datagram(number), .inside, to: master.macs[0], worker: number)
      if number % 50 == 49 { #expect(cluster.settle()) }
    }
    let numbers = cluster.arrived[1].map(Self.number)
    let isEachOnce = numbers.sorted() == Array(0..<300)
    #expect(isEachOnce && cluster.arrived[0].isEmpty && cluster.isBalanced)
    #expect(cluster.arrived[1].allSatisfy { $0[22] == 63 })
    // About two thirds are others', by chance.
    let count = cluster.passed.count
    #expect((150...250).contains(count) && master.drops(.passedOn) == count && master.drops(.notMine) == 0)
    for (from, to, frame) in cluster.passed {
      #expect(from == 0 && to != 0 && frame[22] == 64)
      let isFromMaster = Array(frame[6..<12]) == master.macs[0].octets
      #expect(isFromMaster)
      let unchanged = frame.dropFirst(12) == PipedMember.datagram(Self.number(frame)).dropFirst(12)
      #expect(unchanged)
    }
    let worked = cluster.members.map { $0.sum(\.keptPackets) }
    #expect(worked.reduce(0, +) == 300 && worked.allSatisfy { $0 > 60 })
  }

  @Test func `by the side that it came in by, with its VLAN tag`() throws {
    let cluster = try Self.cluster(owner: { _ in 2 })
    let back = ipv4(.udp, from: Host.bob, to: Host.alice, udp(big(UInt32(7))))
    cluster.send(ethernet(.ipv4, back), .outside, to: cluster.members[0].macs[1])
    cluster.send(ethernet(.vlan, vlan(9, .ipv4, back)), .outside, to: cluster.members[0].macs[1])
    #expect(cluster.settle() && cluster.isBalanced)
    try #require(cluster.passed.count == 2)
    for (_, to, frame) in cluster.passed {
      let header = Array(frame[..<12])
      #expect(to == 2 && header == cluster.members[2].macs[1].octets + cluster.members[0].macs[1].octets)
    }
    let tag = Array(cluster.passed[1].frame[12..<18])
    #expect(tag == [0x81, 0, 0, 9, 0x08, 0] && cluster.arrived[0].count == 2)
  }

  @Test func `what a member has passed on is not passed on again, though two take themselves for master`() throws {
    // Each by a table of its own, in which everything is the other's.
    let cluster = try Self.cluster(masters: [0, 1])
    for (number, other) in [(0, 1), (1, 0)] {
      let next = PipedCluster.ownership(number, workers: 1, .forwarded) { _ in other }
      cluster.members[number].piped.gateway.publish(next, &cluster.members[number].change)
      cluster.pass(cluster.members[number])
    }
    for number in 0..<100 {
      cluster.send(PipedMember.datagram(number), .inside, to: cluster.members[number % 2].macs[0])
    }
    #expect(cluster.settle() && cluster.isBalanced && cluster.arrived[1].isEmpty)
    #expect(cluster.passed.count == 100)
    for member in cluster.members[..<2] { #expect(member.drops(.passedOn) == 50 && member.drops(.notMine) == 50) }
  }

  @Test func `who is not master drops what is others', as in every mode`() throws {
    let cluster = try Self.cluster(masters: [], owner: { _ in 1 })
    for number in 0..<40 { cluster.send(PipedMember.datagram(number), .inside, to: cluster.members[0].macs[0]) }
    #expect(cluster.settle() && cluster.passed.isEmpty && cluster.members[0].drops(.notMine) == 40)
    #expect(cluster.isBalanced)
  }

  @Test func `an owner whose MAC address is not known gets nothing, and one that has another gets it there`() throws {
    let cluster = try Self.cluster(owner: { _ in 1 })
    let master = cluster.members[0]
    master.desk.note(nil, of: 1, .inside)
    cluster.send(PipedMember.datagram(1), .inside, to: master.macs[0])
    #expect(cluster.settle() && cluster.passed.isEmpty && master.drops(.notMine) == 1 && master.drops(.passedOn) == 0)
    let other = MACAddress(0x0200_0000_0999)
    master.desk.note(other, of: 1, .inside)
    cluster.send(PipedMember.datagram(2), .inside, to: master.macs[0])
    #expect(cluster.settle() && master.drops(.passedOn) == 1 && cluster.isBalanced)
    let to = cluster.arrived[0].map { Array($0[..<6]) }
    #expect(to == [other.octets])
  }

  @Test func `a set that nobody has, or that is being handed over, is passed on to nobody`() throws {
    let cluster = try Self.cluster()
    let master = cluster.members[0]
    var next = PipedCluster.ownership(0, workers: 1, .forwarded) { _ in 1 }
    for set in 0..<WorkSets.count { next[set].state = set % 2 == 0 ? .pending : .unassigned }
    master.piped.gateway.publish(next, &master.change)
    cluster.pass(master)
    for number in 0..<60 { cluster.send(PipedMember.datagram(number), .inside, to: master.macs[0]) }
    #expect(cluster.settle() && cluster.passed.isEmpty && cluster.isBalanced)
    #expect(master.drops(.workSetPending) > 10 && master.drops(.workSetUnassigned) > 10)
  }

  @Test func `what comes while a set is handed over is held, and goes to its next owner in its order (C28)`() throws {
    let cluster = try Self.cluster()
    let master = cluster.members[0], flows = 10
    var next = PipedCluster.ownership(0, workers: 1, .forwarded) { _ in 1 }
    for set in 0..<WorkSets.count { next[set] = OwnershipEntry(state: .pending, member: 2) }
    next.held = Set(0..<WorkSets.count)
    master.piped.gateway.publish(next, &master.change)
    cluster.pass(master)
    func send(_ numbers: Range<Int>) {
      for number in numbers {
        let flow = udp(from: UInt16(number % flows), big(UInt32(number)))
        let frame = ethernet(.ipv4, ipv4(.udp, from: "192.0.2.1", to: Host.bob, flow))
        cluster.send(frame, .inside, to: master.macs[0])
      }
    }
    send(0..<60)
    #expect(cluster.settle() && cluster.passed.isEmpty && master.sum(\.heldPackets) == 60)
    let last = PipedCluster.ownership(0, workers: 1, .forwarded) { _ in 2 }
    master.piped.gateway.publish(last, &master.change)
    send(60..<80)
    #expect(cluster.settle() && cluster.isBalanced && master.sum(\.heldPackets) == 0)
    // The order of different flows is nobody's promise: what came by the old table, if late, is held as well.
    let numbers = cluster.passed.map { Self.number($0.frame) }
    #expect(numbers.sorted() == Array(0..<80))
    for flow in 0..<flows {
      let ofFlow = numbers.filter { $0 % flows == flow }
      #expect(ofFlow == ofFlow.sorted())
    }
    #expect(cluster.passed.allSatisfy { $0.to == 2 } && master.drops(.passedOn) == 80)
  }

  @Test func `what a master keeps of a set that comes to itself was at nobody else's, and is worked on`() throws {
    let cluster = try Self.cluster()
    let master = cluster.members[0]
    var next = PipedCluster.ownership(0, workers: 1, .forwarded) { _ in 0 }
    for set in 0..<WorkSets.count { next[set].state = .pending }
    next.held = Set(0..<WorkSets.count)
    master.piped.gateway.publish(next, &master.change)
    cluster.pass(master)
    for number in 0..<60 { cluster.send(PipedMember.datagram(number), .inside, to: master.macs[0]) }
    #expect(cluster.settle() && cluster.arrived[1].isEmpty && master.sum(\.heldPackets) == 60)
    master.piped.gateway.publish(PipedCluster.ownership(0, workers: 1, .forwarded) { _ in 0 }, &master.change)
    #expect(cluster.settle() && cluster.isBalanced && cluster.passed.isEmpty && cluster.arrived[1].count == 60)
    #expect(master.drops(.holdDoubtful) == 0)
  }

  @Test func `what is for the unit itself is not shared out, nor are questions for the cluster's addresses`() throws {
    var classify = PipedMember.classify
    classify.clusterAddresses = [IPAddress(PipedCluster.address)!, IPAddress("2001:db8:1::64")!]
    let cluster = try PipedCluster(classify, foreign: { $0 == 0 ? .forwarded : .seenByAll }, owner: { _ in 1 })
    let master = cluster.members[0]
    let host = "2001:db8:1::99", all = "2001:db8:1::64"
    let question = icmp(type: 135, [0, 0, 0, 0] + address(all))
    let toGroup = ethernet(.ipv6, to: "33:33:ff:00:00:64", ipv6(.icmpv6, from: host, to: "ff02::1:ff00:64", question))
    let frames = [
      ethernet(.ipv4, ipv4(.icmp, from: "203.0.113.9", to: "203.0.113.1", icmp(type: 8, [0, 0, 0, 1]))),
      ethernet(.ipv6, ipv6(.icmpv6, from: host, to: "2001:db8:1::1", icmp(type: 128, [0, 0, 0, 1]))),
      ethernet(.ipv6, ipv6(.icmpv6, from: host, to: all, hopLimit: 255, question)),
    ]
    for frame in frames { cluster.send(frame, .outside, to: master.macs[1]) }
    master.piped.send(toGroup, .outside, worker: 0)
    // A ping of the cluster is work like any other.
    cluster.send(
      ethernet(.ipv6, ipv6(.icmpv6, from: host, to: all, icmp(type: 128, [0, 0, 0, 1]))), .outside,
      to: master.macs[1])
    #expect(cluster.settle() && cluster.passed.map(\.to) == [1])
    let punted = master.piped.punted()
    #expect(punted.count == 4 && punted.allSatisfy { $0.reason == .forUs })
  }
}

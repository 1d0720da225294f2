import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Of the suite whose tests run one at a time: they hold threads.
extension MemberTests {
  /// A work set changes hands while its packets come (X10): none is lost, none is worked on twice, none is reordered.
  @Suite(.serialized) struct HandoverTests {
    private static let flows = 16

    enum Traffic: CaseIterable {
      case clear, tunnel, group

      var near: ClassifyDescription {
        switch self {
        case .clear: PipedMember.classify
        case .tunnel: TunnelPair(ESPDescription(gcm)).near
        case .group: group("203.0.113.1", "192.0.2.0/24", site: "203.0.113.2", "198.51.100.0/24")
        }
      }

      var far: ClassifyDescription {
        self == .group
          ? group("203.0.113.2", "198.51.100.0/24", site: "203.0.113.1", "192.0.2.0/24")
          : TunnelPair(ESPDescription(gcm)).far
      }

      private func group(_ own: String, _ local: String, site: String, _ remote: String) -> ClassifyDescription {
        var group = GroupDescription(name: "group", spi: 0x10000, senderIDBits: 8)
        let material = (0..<gcm.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ 3) }
        group.security = GroupSecurity(
          ESPDescription(gcm), address: IPAddress(own)!, key: KeyDescription(Secret(material), born: 1), units: 8,
          maxSenders: 16, local: [IPPrefix(local)!],
          sites: [GroupSite(gateway: IPAddress(site)!, networks: [IPPrefix(remote)!])])
        var description = ClassifyDescription()
        description.clusterAddresses = [IPAddress(own)!]
        description.groups = [group]
        return description
      }

      /// What the other end makes of what one member has sent.
      func opened(_ frames: [[UInt8]]) throws -> [Int] {
        if self == .clear { return frames.map(PipedMember.number) }
        let outcomes = try TestGateway(far, unit: 7).run(frames, from: .outside)
        return outcomes.map { $0.reason == .none ? PipedMember.number($0.octets) : -1 }
      }
    }

    /// Whether each flow's packets have left once and in order, all of the first member's before the second's.
    private func isWhole(_ first: [Int], _ second: [Int], each count: Int, _ flows: Int) -> Bool {
      (0..<flows).allSatisfy { flow in
        (first + second).filter { $0 >> 20 == flow }.map { $0 & 0xfffff } == Array(0..<count)
      } && first.count + second.count == count * flows
    }

    @Test(arguments: Traffic.allCases, [1, 2])
    func `sets change hands while packets come: each is worked on once, in order`(
      _ traffic: Traffic, _ workers: Int
    ) throws {
      let pair = try HandoverPair(traffic.near, workers: workers)
      // Every second one; the others stay.
      let moved = PipedMember.everySet.filter { $0 % 2 == 1 }
      var place = 0
      func come() {
        guard pair.hasRoom else { return }
        for worker in 0..<workers {
          pair.feed(
            PipedMember.datagrams(place, ofFlows: (0..<Self.flows).filter { $0 % workers == worker }), worker: worker)
        }
        place += 1
      }
      for _ in 0..<5 { come() }
      pair.begin(moved, come)
      // So that there is something to hold in any case.
      for _ in 0..<3 { come() }
      let notes = pair.complete(moved, come)
      for _ in 0..<5 { come() }
      pair.settle()
      #expect(notes.isComplete && !notes.digests.isEmpty)
      let first = try traffic.opened(pair.left.before), second = try traffic.opened(pair.left.next)
      #expect(isWhole(first, second, each: place, Self.flows))
      #expect(!first.isEmpty && !second.isEmpty && pair.isBalanced)
      #expect(pair.next.drops(.workedOn) > 0 && pair.next.drops(.held) == pair.next.sum(\.releasedPackets))
      #expect(pair.next.drops(.holdFull) + pair.next.drops(.holdDoubtful) + pair.next.drops(.workSetPending) == 0)
    }

    @Test func `sets go to and fro under load, and each packet is worked on once, in order`() throws {
      let pair = try HandoverPair(workers: 2)
      var place = 0
      func come() {
        guard pair.hasRoom else { return }
        for worker in 0..<2 {
          pair.feed(PipedMember.datagrams(place, ofFlows: (0..<Self.flows).filter { $0 % 2 == worker }), worker: worker)
        }
        place += 1
      }
      var notes: [HandoverNotes] = []
      let moved = PipedMember.everySet.filter { $0 % 3 != 0 }
      for round in 0..<12 {
        pair.begin(moved, isBack: round % 2 == 1, come)
        for _ in 0..<round % 5 { come() }
        notes.append(pair.complete(moved, isBack: round % 2 == 1, come))
      }
      pair.settle()
      #expect(isWhole(pair.all.map(PipedMember.number), [], each: place, Self.flows))
      #expect(notes.allSatisfy(\.isComplete) && pair.isBalanced)
      #expect(pair.before.drops(.workedOn) > 0 && pair.next.drops(.workedOn) > 0)
      #expect(pair.before.sum(\.heldPackets) + pair.next.sum(\.heldPackets) == 0)
    }

    @Test(arguments: [Traffic.tunnel, .group], [1, 2])
    func `what comes sealed changes hands as well`(_ traffic: Traffic, _ workers: Int) throws {
      let pair = try HandoverPair(traffic.near, workers: workers, exit: .inside)
      let clear = (0..<600).map { place in
        ethernet(.ipv4, ipv4(.udp, from: Host.bob, to: "192.0.2.1", udp(big(UInt32(place)))))
      }
      let sealed = try TestGateway(traffic.far, unit: 7).run(clear).map(\.octets)
      var next = 0
      func come() {
        guard pair.hasRoom, next < 500 else { return }
        pair.feed(Array(sealed[next..<next + 10]), .outside, worker: workers - 1)
        next += 10
      }
      for _ in 0..<5 { come() }
      pair.begin(PipedMember.everySet, come)
      for _ in 0..<5 { come() }
      _ = pair.complete(PipedMember.everySet, come)
      pair.feed(Array(sealed[next..<next + 50]), .outside, worker: workers - 1)
      pair.settle()
      let first = pair.left.before.map(PipedMember.number), second = pair.left.next.map(PipedMember.number)
      #expect(first + second == Array(0..<next + 50) && !second.isEmpty && first.count >= 100 && pair.isBalanced)
    }

    @Test func `of two packets that are the same, of which one was worked on, one is left to do`() throws {
      let pair = try HandoverPair()
      let twin = [PipedMember.datagram(7)], other = [PipedMember.datagram(8)]
      pair.begin(PipedMember.everySet)
      pair.feed(twin + other)
      pair.settle()
      #expect(pair.left.before.map(PipedMember.number) == [7, 8] && pair.next.sum(\.heldPackets) == 2)
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      pair.feed(twin + twin)
      pair.settle()
      let notes = pair.notes(PipedMember.everySet)
      #expect(notes.isComplete && notes.digests.count == 2 && pair.next.sum(\.heldPackets) == 4)
      pair.start(PipedMember.everySet, [notes])
      pair.finish(pair.next)
      pair.settle()
      #expect(pair.left.next.map(PipedMember.number) == [7, 7] && pair.next.drops(.workedOn) == 2)
      #expect(pair.isBalanced && pair.next.sum(\.heldPackets) == 0)
    }

    @Test func `what is worked on twice is noted twice`() throws {
      let pair = try HandoverPair()
      let twin = [PipedMember.datagram(7)]
      pair.begin(PipedMember.everySet)
      pair.feed(twin + twin)
      pair.settle()
      let notes = pair.complete(PipedMember.everySet)
      pair.settle()
      #expect(notes.digests.count == 2 && notes.digests[0] == notes.digests[1])
      #expect(pair.left.before.count == 2 && pair.left.next.isEmpty && pair.next.drops(.workedOn) == 2)
    }

    @Test func `a datagram whose fragments come before and after is opened by whom the later one comes to`() throws {
      let pair = try HandoverPair(Traffic.tunnel.near, workers: 2, exit: .inside)
      let clear = (0..<3).map { place in
        ethernet(
          .ipv4,
          ipv4(.udp, from: Host.bob, to: "192.0.2.1", udp(big(UInt32(place)) + [UInt8](repeating: 1, count: 400))))
      }
      let sealed = try TestGateway(Traffic.tunnel.far, unit: 7).run(clear).map(\.octets)
      let pieces = sealed.enumerated().map { Self.cut($0.element, UInt16($0.offset + 1)) }
      pair.begin(PipedMember.everySet)
      // One whole at the first, one of which only a half came in time, and one whole at the second.
      pair.feed(pieces[0] + [pieces[1][0]], .outside)
      pair.settle()
      #expect(pair.left.before.map(PipedMember.number) == [0])
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      pair.feed([pieces[1][1]] + pieces[2], .outside)
      pair.settle()
      let notes = pair.notes(PipedMember.everySet)
      #expect(notes.isComplete && notes.digests.count == 2)
      pair.start(PipedMember.everySet, [notes])
      pair.finish(pair.next)
      pair.settle()
      #expect(pair.left.before.count == 1 && pair.left.next.map(PipedMember.number) == [1, 2])
      #expect(pair.next.drops(.workedOn) == 2 && pair.next.sum(\.heldPackets) == 0)
    }

    /// An IPv4 frame as a router cuts it in two.
    private static func cut(_ frame: [UInt8], _ identification: UInt16) -> [[UInt8]] {
      let payload = Array(frame[34...])
      return [(payload.prefix(200), true, UInt16(0)), (payload.dropFirst(200), false, 25)].map { part, isMore, offset in
        ethernet(
          .ipv4,
          ipv4(
            NextHeader(frame[23]), from: "203.0.113.2", to: "203.0.113.1", identification: identification,
            moreFragments: isMore, fragmentOffset: offset, Array(part)))
      }
    }
  }
}

import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Nothing vanishes: every reason has a packet that meets it, and is counted once.
@Suite struct DropReasonTests {
  struct Case: Sendable {
    var reason: DropReason
    var frame: [UInt8]
    var link = LinkType.ethernet
  }

  static let badLength4: [UInt8] = {
    var packet = ipv4(.udp, udp())
    packet[0] = 0x44
    return packet
  }()

  static let cases: [Case] = [
    Case(reason: .none, frame: ethernet(.ipv4, ipv4(.udp, udp()))),
    Case(reason: .none, frame: tagged(4, .ipv6, ipv6(.tcp, tcp()))),
    Case(reason: .frameTooShort, frame: [1, 2, 3]),
    Case(reason: .frameTooShort, frame: ethernet(.vlan, [0])),
    Case(reason: .frameTooShort, frame: [], link: .raw),
    Case(reason: .frameTooShort, frame: [2, 0, 0], link: .null),
    Case(reason: .frameTooShort, frame: [0xff, 3], link: .ppp),
    Case(reason: .frameTooShort, frame: Array(cooked(.ipv4).prefix(15)), link: .linuxCooked),
    Case(reason: .frameTooShort, frame: Array(cooked2(.ipv4).prefix(19)), link: .linuxCooked2),
    Case(reason: .unsupportedEtherType, frame: ethernet(0x88b6, ipv4(.udp, udp()))),
    Case(reason: .unsupportedEtherType, frame: [0x50] + [UInt8](repeating: 0, count: 40), link: .raw),
    Case(reason: .tooManyTags, frame: tagged(5, .ipv4, ipv4(.udp, udp()))),
    Case(reason: .arp, frame: ethernet(.arp, arp())),
    Case(reason: .arp, frame: tagged(1, .arp, arp())),
    Case(reason: .ipv4Truncated, frame: ethernet(.ipv4, Array(ipv4(.udp).prefix(19)))),
    Case(reason: .ipv4Truncated, frame: ethernet(.ipv4, Array(ipv4(.udp, options: [1, 1, 1, 1]).prefix(20)))),
    Case(reason: .ipv4Version, frame: ethernet(.ipv4, ipv6(.udp, udp()))),
    Case(reason: .ipv4HeaderLength, frame: ethernet(.ipv4, badLength4)),
    Case(reason: .ipv4TotalLength, frame: ethernet(.ipv4, ipv4(.udp, totalLength: 19, udp()))),
    Case(reason: .ipv6Truncated, frame: ethernet(.ipv6, Array(ipv6(.udp).prefix(39)))),
    Case(reason: .ipv6Version, frame: ethernet(.ipv6, ipv4(.udp, udp([UInt8](repeating: 0, count: 20))))),
  ]

  @Test(arguments: cases.indices)
  func `a packet meets its reason, which is counted once`(_ index: Int) throws {
    let one = Self.cases[index]
    let verdict = try Bench.verdict(on: one.frame, link: one.link)
    #expect(verdict.reason == one.reason)
    #expect(verdict.kept == (one.reason == .none ? 1 : 0))
    for (reason, count) in verdict.counters where reason != .none {
      #expect(count == (reason == one.reason ? 1 : 0), "\(reason)")
    }
  }

  @Test func `a frame for somebody else is foreign, whatever is in it`() throws {
    var description = ClassifyDescription()
    description.accept = AcceptDescription(unitMAC: MACAddress(Host.aliceMAC)!)
    for payload in [ipv4(.udp, udp()), arp(), []] {
      let verdict = try Bench.verdict(on: ethernet(.ipv4, payload), description)
      #expect(verdict.reason == .foreignMAC)
      #expect(verdict.counters[.foreignMAC] == 1)
    }
  }

  @Test func `what members tell each other is the cluster's, to whomever it was sent`() throws {
    var description = ClassifyDescription()
    for accept in [nil, AcceptDescription(unitMAC: MACAddress(Host.aliceMAC)!)] {
      description.accept = accept
      for payload in [ipv4(.udp, udp()), []] {
        let verdict = try Bench.verdict(on: ethernet(.clusterControl, payload), description)
        #expect(verdict.reason == .clusterControl)
        #expect(verdict.counters.filter { $0.value > 0 } == [.clusterControl: 1])
      }
    }
    #expect(DropReason.clusterControl.isConsumption && !ControlExchange.wants(.clusterControl))
  }

  @Test(arguments: [
    (OwnershipEntry.State.unassigned, UInt8(0), DropReason.workSetUnassigned),
    (.unassigned, 1, .workSetUnassigned), (.pending, 0, .workSetPending), (.assigned, 1, .notMine),
    (.assigned, 0, DropReason.none),
  ])
  func `what becomes of a packet follows from its set's entry`(
    _ state: OwnershipEntry.State, _ member: UInt8, _ reason: DropReason
  ) throws {
    let frame = ethernet(.ipv4, ipv4(.udp, udp()))
    var ownership = OwnershipDescription(members: 2, playing: [0], workers: 1)
    let set = Plane().set(frame)!
    // All others say the opposite.
    for other in 0..<WorkSets.count {
      ownership[other] = OwnershipEntry(state: .assigned, member: reason == .none ? 1 : 0)
    }
    ownership[set] = OwnershipEntry(state: state, member: member)
    let verdict = try Bench.verdict(on: frame, ClassifyDescription(), ownership)
    #expect(verdict.reason == reason)
    #expect(verdict.counters.filter { $0.key != .none && $0.value > 0 }.keys.allSatisfy { $0 == reason })
  }

  @Test func `a full ring to the owner is a counted drop`() throws {
    // Half of the sets are worker 1's, which does not run yet; the ring has room for four.
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 2)
    let bench = try Bench(ClassifyDescription(), ownership, workers: 2, crossingCapacity: 4)
    defer { bench.deallocate() }
    let plane = Plane(ClassifyDescription(), ownership: ownership)
    let foreign = neighbouringFlows.filter { plane.fate(of: plane.set($0)!).worker == 1 }.prefix(10)
    for (number, frame) in foreign.enumerated() { bench.deal(frame, number: UInt64(number)) }
    bench.order(.stop)
    bench.run()
    #expect(bench.counters[0].drops(.crossingFull) == 6)
    #expect(bench.counters[0].crossedOut == 4)
    #expect(bench.counters[0].keptPackets == 0)
    #expect(bench.finished().map(\.number) == [4, 5, 6, 7, 8, 9])
    bench.order(.stop, to: 1)
    bench.run(1)
    #expect(bench.finished(1).map(\.number) == [0, 1, 2, 3])
    #expect(bench.counters[1].keptPackets == 4 && bench.counters[1].crossedIn == 4)
    #expect(bench.counters[1].receivedPackets == 0)
  }

  @Test func `every reason of accept, parse and own has a case here`() {
    let met = Set(Self.cases.map(\.reason))
    let elsewhere: Set<DropReason> = [
      .foreignMAC, .notMine, .workSetUnassigned, .workSetPending, .crossingFull, .noFrame,
      // With the tests of a member's workers.
      .fenced, .holdFull, .holdDoubtful, .otherHalf,
    ]
    // What security drops has its tests with security.
    #expect(met.union(elsewhere) == Set(DropReason.allCases.prefix { $0 != .noPolicy }))
    #expect(DropReason.allCases.allSatisfy { Int($0.rawValue) < DropReason.capacity })
    #expect(Set(DropReason.allCases.map(\.meaning)).count == DropReason.allCases.count)
  }
}

import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Row 49: a unicast SA has one worker; what reaches another is handed over, and counted once.
///
/// A fragment may go there and back: its own work set names one worker, and the tunnel's another.
@Suite struct CrossingTests {
  /// The tunnel's work set is 1 on the near side: `ownership` says whose that is.
  private let esp = ESPDescription(gcm)

  private func owner(_ gateway: TestGateway, _ frame: [UInt8]) throws -> Int {
    let sets = OwnershipDescription(members: 1, playing: [0], workers: 2)
    return Int(sets.workers[Int(gateway.associations.tables.outbound[0].workSet)])
  }

  private func fragments(_ count: Int) -> [[UInt8]] {
    (0..<count).map { number in
      // A source each: their own work sets are all over.
      let isFirst = number % 2 == 0
      let packet = ipv4(
        .udp, from: "192.0.2.\(number % 200 + 1)", identification: UInt16(number), moreFragments: isFirst,
        fragmentOffset: isFirst ? 0 : 40, [UInt8](repeating: UInt8(number & 255), count: 80))
      return ethernet(.ipv4, packet)
    }
  }

  private func balance(_ gateway: TestGateway, received: Int, kept: Int, crossed: Int) {
    let bank = gateway.bank
    func sum(_ value: (WorkerCounters) -> UInt64) -> UInt64 { bank.reduce(0) { $0 + value($1) } }
    let drops = sum { counters in DropReason.allCases.filter { $0 != .none }.reduce(0) { $0 + counters.drops($1) } }
    #expect(sum(\.receivedPackets) == UInt64(received) && sum(\.keptPackets) == UInt64(kept))
    #expect(sum(\.receivedPackets) == sum(\.keptPackets) + drops)
    #expect(sum(\.crossedOut) == sum(\.crossedIn) && sum(\.crossedIn) >= UInt64(crossed))
  }

  @Test(arguments: [0, 1], [false, true])
  func `row 49: clear packets and fragments go to the worker that has the tunnel`(
    _ arrivesAt: Int, _ stories: Bool
  ) throws {
    let pair = TunnelPair(esp)
    let near = try TestGateway(pair.near, stories: stories, workers: 2)
    let far = try TestGateway(pair.far, stories: stories, workers: 2)
    let owner = try owner(near, clear(60))
    let frames = fragments(20) + (0..<20).map { clear(60 + $0) } + fragments(20)
    let outcomes = near.run(frames, worker: arrivesAt)
    #expect(outcomes.count == 60 && outcomes.allSatisfy { $0.reason == .none })
    balance(near, received: 60, kept: 60, crossed: arrivesAt == owner ? 0 : 60)
    #expect(near.bank[owner].keptPackets == 60 && near.bank[1 - owner].keptPackets == 0)
    #expect(near.bank[owner].keptBytes == UInt64(outcomes.reduce(0) { $0 + $1.octets.count }))
    // One worker gave out all numbers, each once.
    let numbers = Set(outcomes.map { Array($0.octets[38..<42]) })
    #expect(numbers == Set((1...60).map { big(UInt32($0)) }) && near.counters(.outbound).packets == 60)
    // And the other way: ESP that reaches the wrong worker.
    let opened = far.run(outcomes.map(\.octets), worker: 1 - arrivesAt)
    let isSame = Set(opened.map(\.octets)) == Set(frames)
    #expect(isSame && opened.allSatisfy { $0.reason == .none })
    let farOwner = Int(
      OwnershipDescription(members: 1, playing: [0], workers: 2).workers[
        Int(far.associations.tables.inbound[0].workSet)])
    balance(far, received: 60, kept: 60, crossed: 1 - arrivesAt == farOwner ? 0 : 60)
    #expect(far.counters(.inbound).packets == 60)
  }

  @Test func `row 49: a burst of both workers' packets, and what is refused after it crossed`() throws {
    let pair = CounterTests.twoTunnels()
    let near = try TestGateway(pair.near, workers: 2), far = try TestGateway(pair.far, workers: 2)
    let frames = (0..<60).map { CounterTests.frame(40 + $0, to: $0 % 2) }
    let sealed = [0, 1].flatMap { worker in
      near.run(frames.enumerated().filter { $0.offset / 2 % 2 == worker }.map(\.element), worker: worker)
    }
    #expect(sealed.count == 60 && sealed.allSatisfy { $0.reason == .none })
    // The two tunnels are two workers': half of all was on the wrong side.
    balance(near, received: 60, kept: 60, crossed: 30)
    var octets = sealed.map(\.octets)
    for index in octets.indices where index % 5 == 0 { octets[index][60] ^= 1 }
    let opened = far.run(octets, worker: 1)
    #expect(opened.count == 60 && opened.count { $0.reason == .integrity } == 12)
    let into = far.associations.counters().filter { $0.direction == .inbound }
    #expect(into.map(\.packets).reduce(0, +) == 48 && into.flatMap(\.drops).reduce(0) { $0 + $1.count } == 12)
    balance(far, received: 60, kept: 48, crossed: into.map(\.packets)[0] > 0 ? 30 : 0)
  }

  @Test func `row 49: outer fragments become whole where they arrive, and cross as a whole`() throws {
    let pair = TunnelPair(esp)
    let near = try TestGateway(pair.near)
    let far = try TestGateway(pair.far, workers: 2)
    let frames = (0..<8).map { clear(500 + $0) }
    let pieces = near.run(frames).enumerated().flatMap { number, sealed in
      outerFragments(sealed.octets, 256, identification: UInt16(number))
    }
    let set = Int(far.associations.tables.inbound[0].workSet)
    let owner = Int(OwnershipDescription(members: 1, playing: [0], workers: 2).workers[set])
    let outcomes = far.run(pieces, worker: 1 - owner)
    let opened = outcomes.filter { $0.reason == .none }.map(\.octets)
    #expect(Set(opened) == Set(frames))
    #expect(outcomes.count == pieces.count)
    #expect(far.bank[owner].keptPackets == 8 && far.counters(.inbound).packets == 8)
    let drops = far.bank.reduce(0) { $0 + $1.drops(.reassembled) }
    #expect(drops == UInt64(pieces.count - 8))
  }

  /// Or two workers would count one SA's numbers, and one would be used twice.
  @Test func `row 49: what crossed to a worker that has not the SA after a reload crosses once more`() throws {
    let pair = TunnelPair(esp)
    let near = try TestGateway(pair.near, workers: 2), far = try TestGateway(pair.far, workers: 2)
    let owner = try owner(near, clear(60))
    let sealed = near.runLate((0..<10).map { clear(60 + $0) }, to: owner)
    #expect(sealed.count == 10 && sealed.allSatisfy { $0.reason == .none })
    let late = near.runLate((0..<10).map { clear(60 + $0) }, to: 1 - owner)
    #expect(late.count == 10 && late.allSatisfy { $0.reason == .none })
    #expect(near.counters(.outbound).packets == 20 && near.counters(.outbound).sequence == 20)
    let set = Int(far.associations.tables.inbound[0].workSet)
    let farOwner = Int(OwnershipDescription(members: 1, playing: [0], workers: 2).workers[set])
    // Among others that go no further.
    let mixed = far.runLate(
      sealed.flatMap { one in
        var astray = one.octets
        astray[34] ^= 0xff
        return [astray, one.octets]
      }, to: 1 - farOwner, from: .outside)
    #expect(mixed.filter { $0.reason == .none }.count == 10 && mixed.filter { $0.reason == .unknownSPI }.count == 10)
    let opened = far.runLate(late.map(\.octets), to: farOwner, from: .outside)
    #expect(opened.count == 10 && opened.allSatisfy { $0.reason == .none })
  }

  /// The historic filter knows nothing of SPIs: what an SA's packets have for a set says nothing about their worker.
  @Test(arguments: [0, 1], [false, true])
  func `row 49: with the historic filter, too, an SA has one worker`(_ arrivesAt: Int, _ stories: Bool) throws {
    var pair = TunnelPair(esp)
    (pair.near.hash, pair.far.hash) = (.compat, .compat)
    let near = try TestGateway(pair.near, stories: stories, workers: 2)
    let far = try TestGateway(pair.far, stories: stories, workers: 2)
    let owners = [near.associations.tables.outbound[0].workSet, far.associations.tables.inbound[0].workSet].map {
      Int(OwnershipDescription(members: 1, playing: [0], workers: 2).workers[Int($0)])
    }
    let frames = (0..<60).map { number in
      ethernet(.ipv4, ipv4(.udp, from: "192.0.\(number).\(number * 3 + 1)", udp(from: UInt16(number), text("words"))))
    }
    let sealed = near.run(frames, worker: arrivesAt)
    #expect(sealed.count == 60 && near.bank[owners[0]].keptPackets == 60)
    // Outside there is one pair of addresses, and so one set; it is the other worker's half of the time.
    var moved = sealed.map(\.octets)
    for index in moved.indices { moved[index][29] = UInt8(index) }
    let opened = far.run(moved, worker: arrivesAt)
    #expect(opened.count == 60 && opened.allSatisfy { $0.reason == .none })
    #expect(far.bank[owners[1]].keptPackets == 60 && far.counters(.inbound).packets == 60)
    balance(near, received: 60, kept: 60, crossed: 0)
    balance(far, received: 60, kept: 60, crossed: 0)
  }

  @Test func `row 49: a full ring is a counted drop, and the tunnel's numbers have no gap`() throws {
    let pair = TunnelPair(esp)
    let near = try TestGateway(pair.near, workers: 2)
    let owner = try owner(near, clear(60))
    // The ring takes 64; all wait in it until the other worker has its turn.
    let outcomes = near.run((0..<100).map { clear(60 + $0) }, worker: 1 - owner)
    #expect(outcomes.count == 100 && outcomes.count { $0.reason == .none } == 64)
    #expect(outcomes.count { $0.reason == .crossingFull } == 36)
    balance(near, received: 100, kept: 64, crossed: 64)
    #expect(near.counters(.outbound).sequence == 64)
  }
}

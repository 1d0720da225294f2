import Contract
@testable import Dataplane
@testable import Nonces
import PacketMaking
import Rings
import Testing

/// What an SA uses up: nonces, numbers, octets. Control hears of it in time, and nothing is sent without.
@Suite struct SupplyTests {
  /// A gateway whose worker has so many nonces left, and has asked for more.
  private func gateway(_ left: UInt64, stories: Bool, suite: CipherSuite = gcm) throws -> TestGateway {
    let near = try TestGateway(TunnelPair(ESPDescription(suite)).near, stories: stories)
    #expect(near.run(clear(60)).reason == .none)
    near.outboundState.pointee.nonces.next = near.outboundState.pointee.nonces.end &- left
    near.outboundState.pointee.renewBudget()
    return near
  }

  private func requests(_ gateway: TestGateway) -> [Report] { gateway.reported().filter { $0.kind == .nonces } }

  @Test(arguments: kinds.filter(\.isCounterMode), [false, true])
  func `without nonces nothing is sent, and control is asked once; with them it goes on`(
    _ suite: CipherSuite, _ stories: Bool
  ) throws {
    let near = try gateway(3, stories: stories, suite: suite)
    // Asked when the block was begun, long before its end.
    let first = requests(near)
    #expect(first.count == 1 && first.allSatisfy { $0.sa == 0 && $0.worker == 0 })
    let outcomes = near.run((0..<40).map { clear(60 + $0) })
    #expect(outcomes.map(\.reason) == Array(repeating: .none, count: 3) + Array(repeating: .noSenderID, count: 37))
    for (index, outcome) in outcomes.enumerated().dropFirst(3) {
      #expect(outcome.octets == clear(60 + index), "never sealed, never changed")
    }
    #expect(near.counters(.outbound).drops.map { [$0.name: $0.count] } == [["noSenderID": 37]])
    // It has asked already; a block for each packet would soon be all blocks.
    #expect(requests(near).isEmpty)
    // Sequence numbers were not used up by what was not sent.
    #expect(near.counters(.outbound).sequence == 4)

    let order = try #require(try near.supply!.order(for: first[0]))
    near.obey(order)
    let resumed = near.run((0..<5).map { clear(60 + $0) })
    #expect(resumed.allSatisfy { $0.reason == .none } && near.counters(.outbound).sequence == 9)
    #expect(requests(near).count == 1, "and asks for the next at once")
    // The new block lies behind the old one.
    let ivs = (outcomes.prefix(3) + resumed).map { Array($0.octets[42..<50]) }
    #expect(Set(ivs).count == 8 && Array(ivs[3].suffix(3)) == [0x10, 0, 0])
  }

  @Test(arguments: [false, true])
  func `the next block is taken up without a gap when it is there in time`(_ stories: Bool) throws {
    let near = try gateway(30, stories: stories)
    near.obey(try #require(try near.supply!.order(for: requests(near)[0])))
    let outcomes = near.run((0..<100).map { clear(60 + $0 % 20) })
    #expect(outcomes.allSatisfy { $0.reason == .none })
    #expect(Set(outcomes.map { Array($0.octets[42..<50]) }).count == 100)
    #expect(requests(near).count == 1)
  }

  @Test(arguments: [false, true])
  func `a request that found the reports full is repeated before the block's end`(_ stories: Bool) throws {
    let near = try TestGateway(TunnelPair(ESPDescription(gcm)).near, stories: stories)
    var report = Report(.stopped, worker: 0, value: 0)
    while near.reports.enqueue(&report, 1) == 1 {}
    #expect(near.run(clear(60)).reason == .none)
    #expect(requests(near).isEmpty)
    // So far from the block's end that it may take its time.
    let end = near.outboundState.pointee.nonces.end
    near.outboundState.pointee.nonces.next = end &- 0xf_0005
    near.outboundState.pointee.budget = 0
    #expect(near.run(clear(60)).reason == .none)
    // What the common way may do alone, done at once.
    let budget = near.outboundState.pointee.budget
    near.outboundState.pointee.budget = 0
    near.outboundState.pointee.nonces.next &+= budget
    for length in 60..<64 { #expect(near.run(clear(length)).reason == .none) }
    #expect(requests(near).count == 1)
  }

  @Test(arguments: [false, true])
  func `no SA outlives the last of its nonces`(_ stories: Bool) throws {
    let near = try gateway(2, stories: stories)
    // The end of the last block of the last id, which as a number is 0.
    near.outboundState.pointee.nonces.next = 0 &- 2
    near.outboundState.pointee.nonces.end = 0
    near.outboundState.pointee.renewBudget()
    let reasons = near.run((0..<4).map { clear(60 + $0) }).map(\.reason)
    #expect(reasons == [.none, .none, .noSenderID, .noSenderID])
  }

  @Test(arguments: kinds, [false, true])
  func `row 13: limits of packets, to the packet; told once, before`(_ suite: CipherSuite, _ stories: Bool) throws {
    var esp = ESPDescription(suite)
    esp.packets = ESPDescription.Limit(soft: 5, hard: 8)
    let near = try TestGateway(TunnelPair(esp).near, stories: stories)
    let soft = { near.reported().filter { $0.kind == .softLimit } }
    #expect(near.run((0..<4).map { _ in clear(60) }).allSatisfy { $0.reason == .none })
    #expect(soft().isEmpty)
    #expect(near.run(clear(60)).reason == .none)
    let told = soft()
    #expect(told.count == 1 && told.allSatisfy { $0.sa == 0 })
    #expect(near.run((0..<3).map { _ in clear(60) }).allSatisfy { $0.reason == .none })
    #expect(near.run((0..<3).map { _ in clear(60) }).allSatisfy { $0.reason == .lifetimeOver })
    #expect(soft().isEmpty)
    #expect(near.counters(.outbound).packets == 8)
    #expect(near.counters(.outbound).drops.map { [$0.name: $0.count] } == [["lifetimeOver": 3]])
  }

  @Test(arguments: kinds, [false, true])
  func `row 13: limits of octets, to the octet; told once, before`(_ suite: CipherSuite, _ stories: Bool) throws {
    var esp = ESPDescription(suite)
    esp.bytes = ESPDescription.Limit(soft: 200, hard: 360)
    let near = try TestGateway(TunnelPair(esp).near, stories: stories)
    let soft = { near.reported().filter { $0.kind == .softLimit }.count }
    // Up to the soft limit, and no further: nobody is told.
    #expect(near.run([clear(100), clear(100)]).allSatisfy { $0.reason == .none } && soft() == 0)
    #expect(near.run(clear(60)).reason == .none && soft() == 1)
    // A longer packet does not fit any more, a shorter one does, to the last octet.
    #expect(near.run([clear(101), clear(100), clear(28)]).map(\.reason) == [.lifetimeOver, .none, .lifetimeOver])
    #expect(near.counters(.outbound).bytes == 360 && soft() == 0)
    #expect(near.counters(.outbound).sequence == 4)
  }

  @Test(arguments: [false, true])
  func `row 46: when control ends an SA nothing more is sent, and nothing in clear`(_ stories: Bool) throws {
    let near = try TestGateway(TunnelPair(ESPDescription(gcm)).near, stories: stories)
    #expect(near.run((0..<10).map { clear(60 + $0) }).allSatisfy { $0.reason == .none })
    near.obey(Order(.endLifetime, sa: 0))
    let refused = near.run((0..<10).map { clear(60 + $0) })
    #expect(refused.allSatisfy { $0.reason == .lifetimeOver && $0.made.isEmpty })
    #expect(near.counters(.outbound).packets == 10 && near.counters.keptPackets == 10)
    #expect(near.counters(.outbound).drops.map { [$0.name: $0.count] } == [["lifetimeOver": 10]])
  }
}

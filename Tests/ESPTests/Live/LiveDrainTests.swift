import CKernel
import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Rings
import Testing
import Wire

/// A gateway that takes nothing new, and knows when it holds nothing any more.
@Suite struct LiveDrainTests {
  private let pair = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: ["198.51.100.0/24"])

  private func started(workers: Int = 1) throws -> PipedGateway {
    try .alone(pair.near, workers: workers)
  }

  private func datagram(_ number: Int = 0) -> [UInt8] {
    ethernet(
      .ipv4, ipv4(.udp, from: "192.0.2.1", to: Host.bob, udp([UInt8](repeating: UInt8(number & 255), count: 64))))
  }

  /// As the control thread does it. False: it did not end within ten seconds.
  private func isDrained(_ piped: PipedGateway) -> Bool {
    var first: LiveGateway.DrainLook?
    var isEnd = false
    piped.wait {
      let look = piped.gateway.lookAtDrain()
      isEnd = first.map { look.isEnd(after: $0) } ?? false
      if first.map({ !look.isSame(as: $0) }) ?? true { first = look }
      return isEnd
    }
    return isEnd
  }

  /// Both sides have been found empty.
  private func awaitClosed(_ piped: PipedGateway) {
    piped.wait { piped.gateway.counters.allSatisfy { $0.waitingDatagrams != nil } }
  }

  @Test func `what came before is finished, what comes after is refused and counted`() throws {
    let piped = try started(workers: 2)
    for worker in 0..<2 { piped.put((0..<100).map(datagram), .inside, worker: worker) }
    piped.gateway.beginDrain()
    awaitClosed(piped)
    for worker in 0..<2 { piped.put((0..<10).map(datagram), .inside, worker: worker) }
    #expect(isDrained(piped))
    piped.wait { piped.gateway.lookAtDrain().refused == 20 }
    var count = 0
    for worker in 0..<2 { count += piped.take(.outside, worker: worker).count }
    #expect(count == 200 && piped.gateway.lookAtDrain().refused == 20)
    let banks = piped.gateway.counters
    func sum(_ value: (WorkerCounters) -> UInt64) -> UInt64 { banks.reduce(0) { $0 + value($1) } }
    #expect(sum(\.receivedPackets) == 220 && sum(\.keptPackets) == 200 && sum { $0.drops(.draining) } == 20)
  }

  @Test func `a datagram whose fragments are on their way is waited for, and others are not`() throws {
    let piped = try started()
    let far = try TestGateway(pair.far)
    let sealed = far.run(
      ethernet(
        .ipv4, ipv4(.udp, from: Host.bob, to: "192.0.2.1", identification: 7, udp([UInt8](repeating: 1, count: 600)))))
    let packet = sealed.packet
    func fragment(_ identification: UInt8, _ isFirst: Bool) -> [UInt8] {
      let payload = Array(isFirst ? packet[20..<420] : packet[420...])
      return ethernet(
        .ipv4,
        ipv4(
          .esp, from: "203.0.113.2", to: "203.0.113.1", identification: UInt16(identification), moreFragments: isFirst,
          fragmentOffset: isFirst ? 0 : 50, payload))
    }
    piped.put([fragment(9, true)], .outside)
    piped.wait { piped.gateway.counters[0].drops(.reassembled) == 1 }
    piped.gateway.beginDrain()
    piped.wait { piped.gateway.lookAtDrain().datagrams == 1 }
    #expect(piped.gateway.lookAtDrain().datagrams == 1)
    // Another datagram's fragment is something new; this one's is not.
    piped.put([fragment(10, true), datagram(), fragment(9, false)], .outside)
    #expect(isDrained(piped))
    #expect(piped.take(.inside).count == 1 && piped.gateway.lookAtDrain().refused == 2)
    #expect(piped.gateway.counters[0].reassemblyTimeouts == 0)
  }

  @Test func `answers of neighbours still come through, and what waits between threads is no end`() throws {
    let piped = try started()
    piped.gateway.beginDrain()
    awaitClosed(piped)
    let advertisement = ethernet(.ipv6, ipv6(.icmpv6, icmp(type: 136, [UInt8](repeating: 0, count: 16))))
    piped.put([ethernet(.arp, arp(2)), datagram(), advertisement], .inside)
    piped.wait { piped.gateway.lookAtDrain().refused == 1 && piped.gateway.counters[0].receivedPackets == 3 }
    #expect(piped.gateway.lookAtDrain().refused == 1 && piped.gateway.counters[0].drops(.arp) == 1)
    // ARP lies with the control thread, which has not looked yet.
    let first = piped.gateway.lookAtDrain()
    hauberk_sleep_microseconds(20_000)
    #expect(!piped.gateway.lookAtDrain().isEnd(after: first))
    while let ref = piped.gateway.exchanges[0].punted.dequeue() { piped.gateway.controlFrames.give(ref) }
    #expect(isDrained(piped))
  }

  @Test func `whoever sends without a pause does not keep a gateway from its end`() throws {
    let piped = try started()
    for _ in 0..<3 { piped.put((0..<64).map(datagram), .inside) }
    piped.gateway.stop()
    #expect(piped.take(.outside).count == 192)
  }
}

import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Rings
import Testing
import Wire

/// What a running gateway tells of its packets.
@Suite struct LiveTraceTests {
  private let pair = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: ["198.51.100.0/24"])

  private func started(workers: Int = 1) throws -> PipedGateway {
    try .alone(pair.near, workers: workers)
  }

  private func datagram(from source: String = Host.alice, to destination: String = Host.bob) -> [UInt8] {
    ethernet(.ipv4, ipv4(.udp, from: source, to: destination, udp(from: 4000, to: 5000, [1, 2, 3])))
  }

  private func told(_ piped: PipedGateway, _ count: Int) -> [TraceRecord] {
    var records: [TraceRecord] = []
    piped.wait {
      records += piped.gateway.takeTraced(most: 1000)
      return records.count >= count
    }
    return records
  }

  @Test func `nothing is told until somebody asks`() throws {
    let piped = try started()
    piped.put([datagram()], .inside)
    #expect(try piped.await(1, .outside).count == 1)
    #expect(piped.gateway.takeTraced(most: 10).isEmpty)
  }

  @Test func `what is sealed, dropped and punted is told with all that became of it`() throws {
    let piped = try started()
    piped.gateway.beginTrace(TraceFilter(), packets: 100)
    piped.put([datagram(), datagram(to: "10.9.9.9"), datagram(to: "192.0.2.254")], .inside)
    let records = told(piped, 3)
    try #require(records.count == 3)
    let sealed = records[0]
    #expect(sealed.origin == .inside && sealed.worker == 0 && sealed.crossedFrom == TraceRecord.ownWorker)
    #expect(sealed.came.source == IPAddress(Host.alice) && sealed.came.destinationPort == 5000)
    #expect(sealed.came.length == 45 && sealed.came.protocolNumber == IPProtocol.udp)
    #expect(sealed.kind == .seal && sealed.verdict == .none && sealed.exit == Side.outside.rawValue)
    #expect(sealed.left.spi == 0x2001 && sealed.left.sequence == 1 && sealed.left.hasSPI)
    #expect(sealed.left.destination == IPAddress("203.0.113.2"))
    #expect(piped.gateway.association(of: sealed)?.name == "pair")
    let hops = RoutePlan(piped.gateway.description.gateway).hops
    #expect(piped.gateway.nextHop(of: sealed, hops)?.address == IPAddress("203.0.113.2"))
    #expect(records[1].verdict == .noPolicy && !records[1].isPunted && records[1].exit == TraceRecord.noExit)
    #expect(records[2].verdict == .forUs && records[2].isPunted)
    // What was sealed here is opened at the other end, and told there as well.
    let octets = try piped.await(1, .outside)
    let far = try TestGateway(pair.far)
    #expect(far.run(octets).first?.reason == DropReason.none)
  }

  @Test func `what is opened shows both of its faces, and a wrong tag its reason`() throws {
    let piped = try started()
    let far = try TestGateway(pair.far)
    let sealed = far.run([datagram(from: Host.bob, to: Host.alice), datagram(from: Host.bob, to: Host.alice)])
    var forged = sealed[1].octets
    forged[forged.count - 1] ^= 1
    piped.gateway.beginTrace(TraceFilter(spi: 0x1001), packets: 100)
    piped.put([sealed[0].octets, forged, sealed[0].octets, datagram()], .outside)
    let records = told(piped, 3)
    try #require(records.count == 3)
    #expect(records.map(\.verdict) == [.none, .integrity, .replayed])
    #expect(records.allSatisfy { $0.kind == .open && $0.came.spi == 0x1001 && $0.origin == .outside })
    #expect(records.map(\.came.sequence) == [1, 2, 1])
    #expect(records[0].left.source == IPAddress(Host.bob) && records[0].exit == Side.inside.rawValue)
    #expect(records[0].left.sourcePort == 4000 && !records[0].left.hasSPI)
    // Refused, it is as it came.
    #expect(records[1].left.spi == 0x1001)
  }

  @Test func `a filter takes what fits as it came or as it left, and nothing else`() throws {
    let piped = try started()
    let all: [(TraceFilter, Int)] = [
      (TraceFilter(from: IPPrefix("192.0.2.0/25")), 2), (TraceFilter(to: IPPrefix("203.0.113.2")), 1),
      (TraceFilter(spi: 0x2001), 1), (TraceFilter(spi: 0x2002), 0), (TraceFilter(protocolNumber: 50), 1),
      (TraceFilter(protocolNumber: 17), 2), (TraceFilter(protocolNumber: TraceFilter.arp), 1),
      (TraceFilter(from: IPPrefix("::/0")), 0), (TraceFilter(from: IPPrefix("0.0.0.0/0"), protocolNumber: 6), 0),
      (TraceFilter(), 3),
    ]
    for (filter, count) in all {
      piped.gateway.beginTrace(filter, packets: 100)
      let before = piped.gateway.counters[0].bursts
      piped.put([datagram(), datagram(to: "10.9.9.9"), ethernet(.arp, arp(sender: "10.5.5.5"))], .inside)
      // The next burst begins when this one is through.
      piped.wait { piped.gateway.counters[0].bursts > before }
      piped.gateway.awaitOrders()
      #expect(told(piped, count).count == count, "\(filter)")
      _ = piped.take(.outside)
      while let ref = piped.gateway.exchanges[0].punted.dequeue() { piped.gateway.controlFrames.give(ref) }
    }
  }

  @Test func `it ends by itself, what finds no room is counted, and a new one begins afresh`() throws {
    let piped = try started()
    piped.gateway.beginTrace(TraceFilter(), packets: 2)
    piped.put([datagram(), datagram(), datagram()], .inside)
    #expect(try piped.await(3, .outside).count == 3)
    #expect(told(piped, 2).count == 2 && piped.gateway.takeTraced(most: 10).isEmpty)
    piped.put([datagram()], .inside)
    #expect(try piped.await(1, .outside).count == 1 && piped.gateway.takeTraced(most: 10).isEmpty)
    #expect(piped.gateway.untraced == 0)
    piped.gateway.beginTrace(TraceFilter(), packets: 1000)
    var sent = 0
    while sent < TraceDesk.capacity + 64 {
      piped.put((0..<64).map { _ in datagram() }, .inside)
      sent += try piped.await(64, .outside).count
    }
    #expect(piped.gateway.untraced == 64 && told(piped, TraceDesk.capacity).count == TraceDesk.capacity)
    // What was told before is none of the next one's.
    piped.put([datagram()], .inside)
    #expect(try piped.await(1, .outside).count == 1)
    piped.gateway.beginTrace(TraceFilter(), packets: 1)
    #expect(piped.gateway.takeTraced(most: 10).isEmpty)
  }

  @Test func `what crosses is told once, where it ends, with whom it came by`() throws {
    let piped = try started(workers: 2)
    let sets = OwnershipDescription(members: 1, playing: [0], workers: 2)
    let owner = Int(sets.workers[Int(piped.gateway.associations.tables.outbound[0].workSet)])
    piped.gateway.beginTrace(TraceFilter(), packets: 10)
    piped.put([datagram()], .inside, worker: 1 - owner)
    let records = told(piped, 1)
    #expect(try piped.await(1, .outside, worker: owner).count == 1)
    #expect(records.count == 1 && piped.gateway.takeTraced(most: 10).isEmpty)
    let record = try #require(records.first)
    #expect(Int(record.worker) == owner && Int(record.crossedFrom) == 1 - owner && record.origin == .inside)
    #expect(record.kind == .seal && record.verdict == .none && record.left.sequence == 1)
  }

  @Test func `a packet in pieces is told with how many`() throws {
    var description = pair.near
    description.tunnels[0].security!.esp.pathMTU = 600
    let piped = try PipedGateway.alone(description)
    #expect(piped.gateway.neighbours.learn(IPAddress("203.0.113.2")!, interface: 1, MACAddress(0x0200_0000_0099)))
    piped.gateway.beginTrace(TraceFilter(), packets: 10)
    piped.put([ethernet(.ipv4, ipv4(.udp, udp([UInt8](repeating: 7, count: 1200))))], .inside)
    let count = try piped.await(3, .outside).count
    let records = told(piped, 1)
    #expect(count == 3 && records.count == 1 && records.first?.made == 2)
    #expect(records.first?.verdict == DropReason.none && records.first?.left.hasSPI == true)
  }
}

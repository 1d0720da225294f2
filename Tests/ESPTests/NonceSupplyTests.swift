import Contract
@testable import Dataplane
import Nonces
import Testing
import Wire

/// Which lease answers which worker's report.
@Suite struct NonceSupplyTests {
  private static func key(_ number: Int) -> KeyDescription {
    KeyDescription(Secret((0..<20).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }), born: 1)
  }

  /// Two tunnels around a group of three sites: outbound SAs 0 and 1, and 2 to 4 of one key.
  private func description() -> ClassifyDescription {
    var description = ClassifyDescription()
    let near = IPAddress("203.0.113.1")!
    description.clusterAddresses = [near]
    description.tunnels = (0..<2).map { number in
      var tunnel = TunnelDescription(
        name: "t\(number)", inboundSPI: UInt32(0x1001 + number), outboundSPI: UInt32(0x2001 + number),
        peer: IPAddress("203.0.113.2")!, local: [IPPrefix("10.0.0.0/24")!], remote: [IPPrefix("10.1.\(number).0/24")!])
      tunnel.security = TunnelSecurity(
        ESPDescription(gcm), address: near, inboundKey: Self.key(10 + number), outboundKey: Self.key(20 + number))
      return tunnel
    }
    var group = GroupDescription(name: "g", spi: 0x3000, senderIDBits: 8)
    group.security = GroupSecurity(
      ESPDescription(gcm), address: near, key: Self.key(30), units: 4, maxSenders: 8,
      local: [IPPrefix("10.0.0.0/24")!],
      sites: (0..<3).map {
        GroupSite(gateway: IPAddress("203.0.113.\(10 + $0)")!, networks: [IPPrefix("10.\(2 + $0).0.0/16")!])
      })
    description.groups = [group]
    return description
  }

  private func first(_ order: Order) -> UInt64 {
    var nonces = order.nonces, iv = CounterIV(raw: 0)
    return nonces.take(&iv) ? iv.value : .max
  }

  @Test func `every SA and worker gets nonces of its own key and sender id, and all sites of a group the group's`()
    throws
  {
    let associations = try Associations(description(), engine: try CryptoEngine(lanes: 2), workers: 2)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 2)
    let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
    let supply = try NonceSupply(associations, ownership, workers: 2, unit: 0, from: directory, .new)
    func order(_ sa: UInt64, _ worker: UInt8) throws -> Order? {
      try supply.order(
        for: Report(
          .nonces, worker: worker, sa: Int(truncatingIfNeeded: sa), generation: associations.tables.generation))
    }
    // A tunnel has one worker.
    for (number, tunnel) in description().tunnels.enumerated() {
      let worker = ownership.workers[Int(tunnel.inboundSPI & 1023)]
      let given = try #require(try order(UInt64(number), worker))
      #expect(given.kind == .nonces && given.sa == UInt32(number) && given.nonces.left == NonceBlock.counters)
      #expect(try order(UInt64(number), 1 - worker) == nil)
    }
    // A group has all: one row of blocks for each worker, whatever site asks.
    var used: Set<UInt64> = []
    for worker: UInt8 in [0, 1] {
      for sa: UInt64 in [2, 3, 4, 2] {
        let given = try #require(try order(sa, worker))
        let block = first(given)
        #expect(given.sa == UInt32(sa) && used.insert(block).inserted)
        #expect(SenderIDWidth.eight.ids / 4 / 2 * Int(worker) == Int(block >> 56))
      }
    }
    // The block that came with the opening was the first of each.
    #expect(used.count == 8 && !used.contains(0) && used.contains(NonceBlock.counters))
    for sa: UInt64 in [5, 1 << 31, .max] { #expect(try order(sa, 0) == nil) }
    #expect(try order(0, 2) == nil && order(2, 200) == nil)
    #expect(try supply.order(for: Report(.softLimit, worker: 0, value: 2)) == nil)
  }

  @Test func `after a restart sequence numbers begin where none has been used`() throws {
    let disk = MemoryDisk()
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 2)
    for start: UInt64 in 0..<3 {
      let associations = try Associations(description(), engine: try CryptoEngine(lanes: 2), workers: 2)
      let directory = NonceStateDirectory(disk: disk, path: "memory")
      let supply = try NonceSupply(
        associations, ownership, workers: 2, unit: 0, from: directory, start == 0 ? .new : .known(used: []))
      let tunnel = Int(ownership.workers[Int(description().tunnels[0].inboundSPI & 1023)])
      for (sa, worker) in [(0, tunnel), (2, 0), (4, 1)] {
        let state = associations.tables.outbound[sa].state(of: worker)
        #expect(state.pointee.sequence.last == start * NonceBlock.counters, "SA \(sa), start \(start)")
        #expect(state.pointee.packets == 0)
      }
      withExtendedLifetime(supply) {}
    }
  }

  @Test func `counters without a state directory are refused, and what needs none is not`() throws {
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 2)
    let associations = try Associations(description(), engine: try CryptoEngine(lanes: 2), workers: 2)
    #expect(throws: NonceRefusal.self) {
      _ = try NonceSupply(associations, ownership, workers: 2, unit: 0, from: nil, .new)
    }
    let none = try Associations(ClassifyDescription(), engine: try CryptoEngine(lanes: 2), workers: 2)
    _ = try NonceSupply(none, ownership, workers: 2, unit: 0, from: nil, .new)
  }
}

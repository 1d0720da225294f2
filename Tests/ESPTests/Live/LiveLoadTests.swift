import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Live workers beside each other, under load: what they share with each other, with control and with their ports.
@Suite struct LiveLoadTests {
  @Test(arguments: [1, 2])
  func `every packet arrives once, while tables are exchanged below it`(_ workers: Int) throws {
    let (near, far, _) = try PipedGateway.pair(ESPDescription(gcm), workers: workers)
    let count = 2000
    var fed = 0, reloads = 0
    var seen = [Int](repeating: 0, count: count)
    let deadline = Deadline(milliseconds: 60_000)
    while seen.contains(0), !deadline.isOver {
      // As many as the wires hold.
      while fed < min(count, (reloads + 1) * 150), fed - seen.count(where: { $0 > 0 }) < 500 {
        let ports = udp(
          from: UInt16(1000 + fed % 50), to: 9, big(UInt32(fed)) + [UInt8](repeating: 7, count: fed % 1300))
        near.feed(ipv4(.udp, from: "10.1.0.2", to: "10.2.0.2", ports), .inside)
        fed += 1
      }
      for packet in try carry(near, far, until: 1, seconds: 1) {
        let number = packet[28..<32].reduce(0) { $0 << 8 | Int($1) }
        seen[number] += 1
      }
      if fed > reloads * 150 {
        reloads += 1
        for gateway in [near.gateway, far.gateway] {
          var next = gateway.description
          next.gateway.routes = (0..<reloads).map { RouteDescription(IPPrefix("10.99.\($0).0/24")!, via: nil) }
          try gateway.reload(next)
        }
      }
    }
    #expect(seen.allSatisfy { $0 == 1 })
    #expect(reloads >= 10)
    for gateway in [near.gateway, far.gateway] {
      #expect(gateway.counters.reduce(0) { $0 + Int($1.keptPackets) } == count)
    }
  }

  @Test func `neighbours come and go while packets are on their way to them`() throws {
    let (near, far, _) = try PipedGateway.pair(ESPDescription(gcm), workers: 2)
    var number = 0, arrived = 0, held = 0
    let deadline = Deadline(milliseconds: 60_000)
    while number < 1000, !deadline.isOver {
      let host = "10.2.\(1 + number / 250).\(1 + number % 250)"
      far.know(host, 0)
      let before = number - 1
      if before >= 0 {
        far.gateway.neighbours.forget(IPAddress("10.2.\(1 + before / 250).\(1 + before % 250)")!, interface: 0)
      }
      near.feed(ipv4(.udp, from: "10.1.0.2", to: host, udp(from: 9, to: 9, [])), .inside)
      arrived += try carry(near, far, until: 1, seconds: 0).count
      held += far.punted().count
      number += 1
    }
    while arrived + held < number, !deadline.isOver {
      arrived += try carry(near, far, until: 1, seconds: 0).count
      held += far.punted().count
    }
    #expect(arrived + held == number)
  }
}

@testable import CLI
import Testing

@Suite struct TableTests {
  @Test func `columns stand under each other, and nothing hangs over`() {
    var table = Table([("name", .left), ("count", .right), ("x", .left)])
    table.add(["a", "1 000", ""])
    table.add(["longer", "7", "y"])
    #expect(table.lines(indent: "") == ["name    count  x", "a       1 000", "longer      7  y"])
  }

  @Test func `the overview tells what a person wants to know`() {
    let text = StatusTables(StatusFixture.status).overview
    for part in [
      "running for 1 d 2 h", "/etc/hauberk/gateway.yaml, signed by Mail & Post", "reloaded  2 times", "4711",
      "polling adaptive", "2 SAs, 1 048 576 routes, 1 neighbours", "outside (eth2) is gone",
      "AF_XDP, native, zero-copy",
      "02:00:00:00:00:01", "absent", "1 000 000", "64 000 000", "25.0 %", "32.0", "integrity", "1 234",
    ] { #expect(text.contains(part), "\(part)") }
    #expect(!text.contains("none of it") && !text.contains("packet/s"))
    // The largest first.
    #expect(text.firstRange(of: "integrity")!.lowerBound < text.firstRange(of: "replayed")!.lowerBound)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 110 })
    #expect(StatusTables(GatewayStatus()).overview.hasPrefix("starting for 0 s"))
  }

  @Test func `drops of a port are named`() {
    let text = StatusTables(StatusFixture.status).ports
    #expect(text.contains("inside   received             3 ringFull"))
    var quiet = StatusFixture.status
    for index in quiet.ports.indices {
      quiet.ports[index].received.drops = NamedCounts()
      quiet.ports[index].kernelDrops = NamedCounts()
    }
    #expect(!StatusTables(quiet).ports.contains("dropped by ports"))
  }

  @Test func `two looks make rates, unless it is another process`() throws {
    let before = StatusFixture.status
    var after = before
    after.uptimeSeconds += 2
    after.ports[0].received.packets += 5000
    after.ports[0].received.bytes += 1_000_000
    after.workers[0].packets += 3000
    after.drops[1].packets += 20
    let rates: Rates = try #require(Rates(from: before, to: after))
    let tables = StatusTables(after, rates)
    for part in ["2.50 k", "4.00 M"] { #expect(tables.ports.contains(part), "\(part)") }
    #expect(tables.workers.contains("1.50 k") && tables.drops.contains("10"))
    #expect(Rates(from: nil, to: after) == nil && Rates(from: after, to: after) == nil)
    after.process = 1
    #expect(Rates(from: before, to: after) == nil)
    // A counter that went back is no negative rate.
    after = before
    after.uptimeSeconds += 1
    after.ports[0].received.packets = 0
    #expect(StatusTables(after, Rates(from: before, to: after)).ports.contains("0.00"))
  }

  @Test func `long lists say what is missing`() {
    let text = Listing(total: 5000, from: 0, rows: StatusFixture.associations).text
    for part in ["0x00001001", "1 h, 12 000 packets", "500003", "1024", "AES-GCM-16-128", "and 4 998 more", "--most"] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!Listing(StatusFixture.associations, Page()).text.contains("more"))
    var sa = StatusFixture.associations[0]
    #expect(Listing([sa], Page()).text.contains("  alive  "))
    sa.lostSets = 3
    #expect(Listing([sa], Page()).text.contains("  alive, lost in 3 sets  "))
    sa.state = .ending
    #expect(Listing([sa], Page()).text.contains("  ending  "))
    sa.state = .stateLost
    #expect(Listing([sa], Page()).text.contains("  numbers lost  "))
    #expect(sa.json["state"]?.line == #""stateLost""# && sa.json["lostSets"]?.line == "3")
    #expect(Listing<RouteStatus>().text == "there are no routes\n")
    let route = RouteStatus("10.0.0.0/8", via: nil, interface: nil, origin: "static")
    #expect(Listing([route], Page()).text.contains("nowhere: dropped"))
    let neighbour = NeighbourStatus("10.0.0.1", interface: "inside", mac: nil, state: "incomplete", ageSeconds: 61)
    #expect(Listing([neighbour], Page()).text.contains("1 min 1 s"))
  }

  @Test func `durations are two units long`() {
    for (seconds, text) in [
      (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (86_401, "1 d 1 s"), (.infinity, "-"),
      (.nan, "0 s"), (-5, "0 s"),
    ] as [(Double, String)] { #expect(Format.duration(seconds) == text) }
  }
}

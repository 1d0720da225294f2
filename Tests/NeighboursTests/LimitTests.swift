import Contract
import ControlKit
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("How much may leave")
struct LimitTests {
  private func packet(_ source: Int) -> [UInt8] {
    from(ipv4(.udp, from: "10.\(source >> 16 & 255).\(source >> 8 & 255).\(1 + source & 254)", udp()))
  }

  /// How many of so many are answered, with this long between them.
  private func answered(
    _ count: Int, of limits: SlowPathLimits, every seconds: Double = 0, _ cause: Punt = .hopLimit,
    _ frame: (Int) -> [UInt8]
  ) -> (Int, SlowPathSnapshot) {
    var gateway = Gateway(limits: limits)
    var total = 0
    for number in 0..<count {
      total += gateway.receive(frame(number), cause).count
      gateway.now += UInt64(seconds * Double(Gateway.second))
    }
    return (total, gateway.snapshot)
  }

  @Test("One source gets its burst, and then its rate")
  func source() {
    let (burst, snapshot) = answered(500, of: SlowPathLimits()) { _ in packet(1) }
    #expect(burst == 20 && snapshot[.limitedBySource] == 480)
    // 20 at once, then 20 a second for 10 seconds.
    let (steady, _) = answered(1000, of: SlowPathLimits(), every: 0.01) { _ in packet(1) }
    #expect((218...221).contains(steady))
  }

  @Test("A source that floods leaves the others theirs")
  func fairness() {
    var gateway = Gateway()
    for _ in 0..<10_000 { _ = gateway.receive(packet(1), .hopLimit) }
    #expect(gateway.receive(packet(2), .hopLimit).count == 1)
    #expect(gateway.snapshot[.answered] == 21)
  }

  @Test("A host with a network of IPv6 addresses is one source")
  func sourceNetwork() {
    let (total, _) = answered(300, of: SlowPathLimits()) {
      from(ipv6(.udp, from: "2001:db8:9:9::\(String($0 + 1, radix: 16))", udp()))
    }
    #expect(total == 20)
  }

  @Test("All errors of one kind together, and another kind apart")
  func kind() {
    var gateway = Gateway()
    var counts: [Int] = []
    for cause in [Punt.hopLimit, .noRoute, .prohibited, .tooBig] {
      counts.append((0..<3000).filter { !gateway.receive(packet(256 * $0), cause).isEmpty }.count)
    }
    #expect(counts == [100, 100, 100, 100])
    #expect(gateway.snapshot[.limitedByKind] > 10_000)
    #expect(gateway.snapshot.isBalanced)
  }

  @Test("All of ICMP together")
  func overall() {
    var limits = SlowPathLimits()
    limits.icmp = Rate(10, burst: 30)
    var gateway = Gateway(limits: limits)
    var total = 0
    for number in 0..<200 {
      total += gateway.receive(packet(256 * number), number % 2 == 0 ? .hopLimit : .noRoute).count
    }
    #expect(total == 30 && gateway.snapshot[.limitedOverall] == 170)
  }

  @Test("Pings have a rate of their own")
  func echoes() {
    var limits = SlowPathLimits()
    limits.echoesPerSource = Rate(10, burst: 10)
    limits.echoes = Rate(100, burst: 50)
    func ping(_ source: Int) -> [UInt8] {
      from(ipv4(.icmp, from: "10.0.\(source).1", to: Gateway.inside4, icmp(type: 8)))
    }
    #expect(answered(100, of: limits, .forUs) { _ in ping(1) }.0 == 10)
    #expect(answered(200, of: limits, .forUs) { ping($0) }.0 == 50)
  }

  @Test("Answers to ARP and solicitations: so many to one, so many to all")
  func replies() {
    func question(_ host: Int) -> [UInt8] {
      let mac = "00:00:5e:02:00:" + (host < 16 ? "0" : "") + String(host, radix: 16)
      return ethernet(.arp, from: mac, arp(sender: "10.0.0.1", senderMAC: mac, target: Gateway.inside4))
    }
    let (one, snapshot) = answered(100, of: SlowPathLimits(), .notIP) { _ in question(1) }
    #expect(one == 20 && snapshot[.limitedBySource] == 80)
    var limits = SlowPathLimits()
    limits.replies = Rate(10, burst: 30)
    #expect(answered(100, of: limits, .notIP) { question($0) }.0 == 30)
  }

  @Test("Events are for people: those beyond the rate are counted")
  func events() {
    var gateway = Gateway()
    var told = 0
    for host in 1...200 { _ = gateway.receive(from(ipv4(.udp, to: "192.0.2.\(host)")), .noNeighbour) }
    told += gateway.pass(seconds: 4).events.count
    #expect(told == 50)
    #expect(gateway.snapshot.suppressedEvents == 150)
  }

  @Test("A clock that stands still or goes back does no harm")
  func clock() {
    var gateway = Gateway()
    _ = Family.arp.ask(&gateway)
    for moment in [0, 1, gateway.now, UInt64.max, 5, UInt64.max] {
      _ = gateway.path.receive(packet(1), interface: 0, cause: .hopLimit, now: moment)
      _ = gateway.path.tick(now: moment)
    }
    #expect(gateway.snapshot.isBalanced)
  }
}

import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Packets that wait, and the room for neighbours")
struct HoldingTests {
  private func asking(_ host: Int, _ number: Int = 0) -> [UInt8] {
    ethernet(
      .ipv4, ipv4(.udp, from: Host.bob, to: "192.0.\(2 + host / 250).\(1 + host % 250)", udp(big(UInt32(number)))))
  }

  private func reply(_ host: Int) -> [UInt8] {
    let mac = "00:00:5e:01:" + hexByte(host / 256) + ":" + hexByte(host % 256)
    return ethernet(
      .arp, to: Gateway.insideMAC, from: mac,
      arp(2, sender: "192.0.\(2 + host / 250).\(1 + host % 250)", senderMAC: mac, target: Gateway.inside4))
  }

  private func hexByte(_ value: Int) -> String { (value < 16 ? "0" : "") + String(value, radix: 16) }

  @Test("Four wait for one neighbour, the newest four, and leave in their order", arguments: Family.allCases)
  func four(_ family: Family) {
    var gateway = Gateway()
    for number in 0..<7 { #expect(family.ask(&gateway, number).count == (number == 0 ? 1 : 0)) }
    #expect(gateway.snapshot.held == 4 && gateway.snapshot[.heldReplaced] == 3)
    let frames = family.hear(&gateway).frames
    let expected = (3..<7).map { padded(family.frame(family.packet($0), to: Host.aliceMAC, from: Gateway.insideMAC)) }
    #expect(frames == expected)
    #expect(gateway.snapshot.isBalanced && gateway.snapshot[.passedOn] == 4)
  }

  @Test("What is shorter than its frame leaves without the filling, what is longer than it says without the rest")
  func trimmed() {
    var gateway = Gateway()
    let packet = ipv4(.udp, to: Host.alice, udp())
    _ = gateway.receive(ethernet(.ipv4, packet + [9, 9, 9]), .noNeighbour, nextHop: Host.alice)
    let frames = Family.arp.hear(&gateway).frames
    #expect(frames == [padded(ethernet(.ipv4, to: Host.aliceMAC, from: Gateway.insideMAC, packet))])
  }

  @Test("A packet that is shorter than it says is not sent on")
  func cut() {
    var gateway = Gateway()
    let packet = ipv4(.udp, to: Host.alice, udp()).dropLast()
    #expect(gateway.silentFate(ethernet(.ipv4, Array(packet)), .noNeighbour, nextHop: Host.alice) == .malformed)
  }

  @Test("All in all 256 wait, and those that find no room are counted")
  func all() {
    var gateway = Gateway()
    for host in 0..<100 {
      for number in 0..<3 { _ = gateway.receive(asking(host, number), .noNeighbour) }
    }
    #expect(gateway.snapshot.held == 256 && gateway.snapshot[.heldFull] == 44)
    #expect(gateway.snapshot.isBalanced)
    _ = gateway.receive(reply(0), .notIP)
    #expect(gateway.snapshot.held == 253)
    _ = gateway.pass(seconds: 4)
    #expect(gateway.snapshot.held == 0 && gateway.snapshot.isBalanced)
    #expect(gateway.snapshot.neighbours.map(\.address) == [IPAddress("192.0.2.1")!])
  }

  @Test("A flood of addresses pushes out its own oldest, never one who has answered")
  func flood() {
    var limits = SlowPathLimits()
    limits.neighbours = 16
    var gateway = Gateway(limits: limits)
    for host in 0..<8 {
      _ = gateway.receive(asking(host), .noNeighbour)
      _ = gateway.receive(reply(host), .notIP)
    }
    for host in 8..<300 {
      _ = gateway.pass(seconds: 0.005)
      _ = gateway.receive(asking(host), .noNeighbour, nextHop: nil)
      #expect(gateway.snapshot.neighbours.count == min(16, host + 1))
    }
    let known = gateway.snapshot.neighbours
    #expect(known.filter(\.isConfirmed).map(\.address) == (0..<8).map { IPAddress("192.0.2.\(1 + $0)")! })
    #expect(
      Set(known.filter { !$0.isConfirmed }.map(\.address)) == Set((292..<300).map { IPAddress("192.0.3.\($0 - 249)")! })
    )
    #expect(gateway.snapshot[.evicted] == 284 && gateway.snapshot.held == 8 && gateway.snapshot.isBalanced)
  }

  @Test("Nor does a flood of questions to us, and the dataplane hears nothing of it")
  func questionFlood() {
    var limits = SlowPathLimits()
    limits.neighbours = 4
    var gateway = Gateway(limits: limits)
    _ = gateway.receive(asking(0), .noNeighbour)
    _ = gateway.receive(reply(0), .notIP)
    for host in 1..<50 {
      let source = mac(UInt8(100 + host))
      let question = ethernet(
        .arp, from: source, arp(sender: "192.0.2.\(1 + host)", senderMAC: source, target: Gateway.inside4))
      let directives = gateway.receive(question, .notIP)
      #expect(directives.count == 1 && directives.frames.count == 1)
    }
    #expect(gateway.state("192.0.2.1") == .reachable)
    #expect(gateway.snapshot.neighbours.count == 4)
  }

  @Test("A table full of those who answered takes nobody else, and says so")
  func full() {
    var limits = SlowPathLimits()
    limits.neighbours = 4
    var gateway = Gateway(limits: limits)
    for host in 0..<4 {
      _ = gateway.receive(asking(host), .noNeighbour)
      _ = gateway.receive(reply(host), .notIP)
    }
    #expect(gateway.receive(asking(4), .noNeighbour) == [.event(.tableFull(interface: 0))])
    #expect(gateway.snapshot[.tableFull] == 1)
    // Who asks us is answered all the same.
    let question = ethernet(.arp, arp(sender: "192.0.2.77", target: Gateway.inside4))
    #expect(gateway.receive(question, .notIP).frames.count == 1)
    #expect(gateway.snapshot.neighbours.count == 4)
  }

  @Test("New questions are limited: a sweep through a network does not fill the link")
  func sweep() {
    var gateway = Gateway()
    let frames = (0..<1000).flatMap { gateway.receive(asking($0), .noNeighbour) }.frames
    #expect(frames.count == 256)
    #expect(gateway.snapshot[.limitedQuestions] == 744)
    _ = gateway.pass(seconds: 0.1)
    #expect((2000..<3000).flatMap { gateway.receive(asking($0), .noNeighbour) }.frames.count == 100)
  }

  @Test("A tick looks at a limited number, and what is left is due at once")
  func ticks() {
    var gateway = Gateway()
    for host in 0..<200 { _ = gateway.receive(asking(host), .noNeighbour) }
    gateway.now += 5 * Gateway.second
    var ticks: [Int] = []
    while let next = gateway.path.nextTimer, next <= gateway.now {
      ticks.append(gateway.path.tick(now: gateway.now).count)
    }
    #expect(ticks == [64, 64, 64, 8])
  }
}

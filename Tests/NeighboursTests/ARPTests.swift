import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

private let everybody = "ff:ff:ff:ff:ff:ff"

/// Alice's question after somebody.
private func question(
  _ target: String, sender: String = Host.alice, from mac: String = Host.aliceMAC, says: String? = nil,
  to destination: String = everybody
) -> [UInt8] {
  ethernet(.arp, to: destination, from: mac, arp(sender: sender, senderMAC: says ?? mac, target: target))
}

private func reply(
  sender: String = Host.alice, from mac: String = Host.aliceMAC, says: String? = nil,
  to destination: String = Gateway.insideMAC, target: String = Gateway.inside4
) -> [UInt8] {
  ethernet(
    .arp, to: destination, from: mac,
    arp(2, sender: sender, senderMAC: says ?? mac, target: target, targetMAC: Gateway.insideMAC))
}

@Suite("ARP: questions to us")
struct ARPAnswerTests {
  private var answer: [UInt8] {
    padded(
      ethernet(
        .arp, to: Host.aliceMAC, from: Gateway.insideMAC,
        arp(
          2, sender: Gateway.inside4, senderMAC: Gateway.insideMAC, target: Host.alice, targetMAC: Host.aliceMAC)))
  }

  @Test("A question after our address is answered to its sender alone, and tells where he is")
  func answered() {
    var gateway = Gateway()
    #expect(gateway.receive(question(Gateway.inside4), .notIP) == [.send(frame: answer, interface: 0)])
    #expect(gateway.state(Host.alice) == .stale)
    #expect(gateway.neighbour(Host.alice)?.mac == MACAddress(Host.aliceMAC))
    #expect(gateway.neighbour(Host.alice)?.isConfirmed == false)
    #expect(gateway.snapshot[.answered] == 1 && gateway.snapshot[.arpReply] == 1)
  }

  @Test("Who asked us is not asked when somebody sends to him; the dataplane learns of him then, and he is verified")
  func heard() {
    var gateway = Gateway()
    _ = gateway.receive(question(Gateway.inside4, from: mac(9)), .notIP)
    #expect(gateway.receive(question(Gateway.inside4), .notIP) == [.send(frame: answer, interface: 0)])
    let frame = padded(Family.arp.frame(Family.arp.packet(), to: Host.aliceMAC, from: Gateway.insideMAC))
    let learned = Directive.neighbour(interface: 0, IPAddress(Host.alice)!, MACAddress(Host.aliceMAC)!)
    #expect(Family.arp.ask(&gateway) == [learned, .send(frame: frame, interface: 0)])
    #expect(gateway.state(Host.alice) == .delay)
    #expect(gateway.pass(seconds: 5).frames == [Family.arp.question(at: Host.aliceMAC)])
  }

  @Test("Who asked us, and whom nobody sends to, is dropped without a word")
  func unwanted() {
    var gateway = Gateway()
    _ = gateway.receive(question(Gateway.inside4), .notIP)
    #expect(gateway.pass(seconds: 90).isEmpty)
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  @Test("In a VLAN the question comes with a tag, and the answer goes with one")
  func tagged() {
    var gateway = Gateway()
    let host = "203.0.113.9"
    let question = ethernet(
      .vlan, to: everybody, from: mac(9),
      vlan(7, .arp, arp(sender: host, senderMAC: mac(9), target: Gateway.tagged4)))
    let answer = ethernet(
      .vlan, to: mac(9), from: Gateway.outsideMAC,
      vlan(
        7, .arp,
        arp(2, sender: Gateway.tagged4, senderMAC: Gateway.outsideMAC, target: host, targetMAC: mac(9))))
    #expect(gateway.receive(question, .notIP, on: Gateway.tagged).last == .send(frame: padded(answer), interface: 2))
  }

  @Test("A probe of our address is answered, and nothing is learned from it")
  func probed() {
    var gateway = Gateway()
    let probe = question(Gateway.inside4, sender: "0.0.0.0")
    #expect(gateway.receive(probe, .notIP).frames.count == 1)
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  @Test("Somebody from another network is answered, but not taken for a neighbour")
  func offLink() {
    var gateway = Gateway()
    #expect(gateway.receive(question(Gateway.inside4, sender: Host.bob), .notIP).frames.count == 1)
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  @Test("Questions after others are not ours to answer, nor those after an address of another link")
  func foreign() {
    var gateway = Gateway()
    for target in ["192.0.2.77", Gateway.outside4, Gateway.tagged4, "255.255.255.255", "0.0.0.0"] {
      #expect(gateway.receive(question(target), .notIP).isEmpty, "\(target)")
    }
    #expect(gateway.snapshot[.foreign] == 5)
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  @Test("A new MAC address in a question to us is taken, told, and verified five seconds later")
  func moved() {
    var gateway = Gateway()
    _ = Family.arp.ask(&gateway)
    _ = Family.arp.hear(&gateway)
    _ = gateway.pass(seconds: 2)
    let directives = gateway.receive(question(Gateway.inside4, from: mac(9)), .notIP)
    let (alice, old, new) = (IPAddress(Host.alice)!, MACAddress(Host.aliceMAC)!, MACAddress(mac(9))!)
    #expect(directives.first == .neighbour(interface: 0, alice, new))
    #expect(directives.events == [.moved(interface: 0, alice, from: old, to: new)])
    #expect(gateway.state(Host.alice) == .delay)
    let probe = question(
      Host.alice, sender: Gateway.inside4, from: Gateway.insideMAC, to: mac(9))
    var expected = probe
    expected.replaceSubrange(32..<38, with: address(mac(9)))
    #expect(gateway.pass(seconds: 5.01).frames == [padded(expected)])
  }
}

@Suite("ARP: what is not believed")
struct ARPDistrustTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let frame: [UInt8]
    let fate: Fate
  }

  private static func changed(_ frame: [UInt8], _ place: Int, _ octet: UInt8) -> [UInt8] {
    var frame = frame
    frame[14 + place] = octet
    return frame
  }

  static let cases = [
    Case(
      testDescription: "from a group's MAC address", frame: question(Gateway.inside4, from: "01:00:5e:00:00:01"),
      fate: .groupSender),
    Case(
      testDescription: "says a group's MAC address", frame: question(Gateway.inside4, says: everybody),
      fate: .groupSender),
    Case(
      testDescription: "says no MAC address", frame: question(Gateway.inside4, says: "00:00:00:00:00:00"),
      fate: .groupSender),
    Case(
      testDescription: "says another's MAC address", frame: question(Gateway.inside4, says: mac(9)),
      fate: .senderMismatch),
    Case(
      testDescription: "came back to us", frame: question(Gateway.inside4, from: Gateway.insideMAC), fate: .looped),
    Case(testDescription: "from a group", frame: question(Gateway.inside4, sender: "224.0.0.5"), fate: .noHost),
    Case(testDescription: "from loopback", frame: question(Gateway.inside4, sender: "127.0.0.1"), fate: .noHost),
    Case(testDescription: "from all", frame: question(Gateway.inside4, sender: "255.255.255.255"), fate: .noHost),
    Case(
      testDescription: "from the whole link", frame: question(Gateway.inside4, sender: "192.0.2.255"), fate: .noHost),
    Case(testDescription: "a reply from nobody", frame: reply(sender: "0.0.0.0"), fate: .noHost),
    Case(testDescription: "cut", frame: Array(question(Gateway.inside4).dropLast()), fate: .malformed),
    Case(testDescription: "for another hardware", frame: changed(question(Gateway.inside4), 1, 6), fate: .malformed),
    Case(testDescription: "for another protocol", frame: changed(question(Gateway.inside4), 2, 9), fate: .malformed),
    Case(testDescription: "another length", frame: changed(question(Gateway.inside4), 4, 8), fate: .malformed),
    Case(testDescription: "RARP", frame: changed(question(Gateway.inside4), 7, 3), fate: .unsupported),
    Case(testDescription: "no ARP at all", frame: ethernet(0x88cc, [1, 2, 3]), fate: .unsupported),
    Case(testDescription: "half a link header", frame: [1, 2, 3], fate: .malformed),
    Case(testDescription: "too many tags", frame: tagged(5, .arp, arp(target: Gateway.inside4)), fate: .malformed),
    Case(testDescription: "an answer that nobody asked for", frame: reply(), fate: .unasked),
  ]

  @Test("It is dropped and counted, and nothing is learned", arguments: cases)
  func refused(_ `case`: Case) {
    var gateway = Gateway()
    #expect(gateway.silentFate(`case`.frame, .notIP) == `case`.fate)
    #expect(gateway.snapshot.neighbours.isEmpty)
  }

  @Test("An interface that there is not", arguments: [-1, 3, .max])
  func interface(_ number: Int) {
    var gateway = Gateway()
    #expect(
      gateway.silentFate(question(Gateway.inside4), .notIP, on: number) == .unknownInterface)
  }

  /// Alice is known and has answered, `seconds` ago.
  private func knowing(seconds: Double) -> Gateway {
    var gateway = Gateway()
    _ = gateway.receive(ethernet(.ipv4, ipv4(.udp, to: Host.alice)), .noNeighbour, nextHop: Host.alice)
    _ = gateway.receive(reply(), .notIP)
    _ = gateway.pass(seconds: seconds)
    return gateway
  }

  @Test(
    "A cluster answers with the MAC address that all its members take, out of a frame of one member's own",
    arguments: ["03:00:00:00:00:07", mac(9)])
  func ofCluster(_ shared: String) {
    var gateway = Gateway()
    let mistrust: Fate = shared.hasPrefix("03") ? .groupSender : .senderMismatch
    #expect(gateway.silentFate(reply(says: shared), .notIP) == mistrust)
    _ = gateway.receive(ethernet(.ipv4, ipv4(.udp, to: Host.alice)), .noNeighbour, nextHop: Host.alice)
    // Not said to us, or of a group that is some protocol's: no answer.
    #expect(gateway.silentFate(reply(says: shared, to: everybody), .notIP) == mistrust)
    #expect(gateway.silentFate(reply(says: "01:00:5e:00:00:07"), .notIP) == .groupSender)
    let directives = gateway.receive(reply(says: shared), .notIP)
    #expect(directives.first == .neighbour(interface: 0, IPAddress(Host.alice)!, MACAddress(shared)!))
    #expect(gateway.state(Host.alice) == .reachable)
    #expect(gateway.silentFate(reply(says: shared), .notIP) == mistrust)
  }

  @Test("What others announce changes nothing: everybody is asked instead, and the answer counts")
  func announcement() {
    var gateway = knowing(seconds: 2)
    let announcement = question(Host.alice, from: mac(9))
    let directives = gateway.receive(announcement, .notIP)
    #expect(directives.frames == [padded(question(Host.alice, sender: Gateway.inside4, from: Gateway.insideMAC))])
    #expect(directives.count == 1)
    #expect(gateway.neighbour(Host.alice)?.mac == MACAddress(Host.aliceMAC))
    let answer = gateway.receive(reply(from: mac(9)), .notIP)
    #expect(answer.first == .neighbour(interface: 0, IPAddress(Host.alice)!, MACAddress(mac(9))!))
    #expect(gateway.state(Host.alice) == .reachable)
  }

  @Test("Nor does an announcement that says what is known, of somebody unknown, or right behind an answer")
  func harmlessAnnouncement() {
    var gateway = knowing(seconds: 0.5)
    #expect(gateway.receive(question(Host.alice, from: mac(9)), .notIP).isEmpty)
    _ = gateway.pass(seconds: 2)
    #expect(gateway.receive(question(Host.alice), .notIP).isEmpty)
    #expect(gateway.receive(question("192.0.2.77", sender: "192.0.2.77", from: mac(9)), .notIP).isEmpty)
    #expect(gateway.snapshot.neighbours.count == 1)
  }

  @Test("A second answer, from somebody else, is not believed")
  func secondAnswer() {
    var gateway = knowing(seconds: 0.1)
    #expect(gateway.silentFate(reply(from: mac(9)), .notIP) == .unasked)
    #expect(gateway.neighbour(Host.alice)?.mac == MACAddress(Host.aliceMAC))
  }

  @Test("Nor is a question to us from elsewhere, so soon behind the answer; a second later it is")
  func secondQuestion() {
    var gateway = knowing(seconds: 0.9)
    let other = question(Gateway.inside4, from: mac(9))
    #expect(gateway.receive(other, .notIP).frames.count == 1)
    #expect(gateway.neighbour(Host.alice)?.mac == MACAddress(Host.aliceMAC))
    _ = gateway.pass(seconds: 0.1)
    #expect(gateway.receive(other, .notIP).count == 3)
    #expect(gateway.neighbour(Host.alice)?.mac == MACAddress(mac(9)))
  }

  @Test("An answer to all, or to another address than ours, is none")
  func misdirected() {
    var gateway = Gateway()
    _ = gateway.receive(ethernet(.ipv4, ipv4(.udp, to: Host.alice)), .noNeighbour, nextHop: Host.alice)
    #expect(gateway.receive(reply(to: everybody), .notIP).isEmpty)
    #expect(gateway.receive(reply(target: "192.0.2.77"), .notIP).isEmpty)
    #expect(gateway.state(Host.alice) == .incomplete)
    #expect(gateway.receive(reply(), .notIP).count == 2)
  }
}

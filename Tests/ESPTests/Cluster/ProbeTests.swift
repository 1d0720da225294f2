import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Whether a unit works is asked of its workers, and answered by them (X19).
@Suite struct ProbeTests {
  private static let otherMAC = "02:00:00:00:00:99"
  private static let everybody = "ff:ff:ff:ff:ff:ff"

  private func own(_ side: Side) -> String { PipedMember.addresses[0][Int(side.rawValue)] }
  private func other(_ side: Side) -> String { PipedMember.addresses[1][Int(side.rawValue)] }

  private func question(_ side: Side, from sender: String, for target: String) -> [UInt8] {
    ethernet(
      .arp, to: Self.everybody, from: Self.otherMAC, arp(sender: sender, senderMAC: Self.otherMAC, target: target))
  }

  private func answer(_ side: Side, from sender: String) -> [UInt8] {
    let mac = "\(PipedGateway.macs[Int(side.rawValue)])"
    return ethernet(
      .arp, to: mac, from: Self.otherMAC,
      arp(2, sender: sender, senderMAC: Self.otherMAC, target: own(side), targetMAC: mac))
  }

  private func received(_ member: PipedMember, _ count: Int) {
    member.piped.wait { member.sum(\.receivedPackets) == count }
    member.pass()
  }

  @Test(arguments: Side.allCases)
  func `a worker answers another unit with the unit's own MAC address while the lease lasts`(_ side: Side) throws {
    let member = try PipedMember(PipedMember.all(of: 1))
    member.work()
    member.piped.send(question(side, from: other(side), for: own(side)), side, worker: 0)
    received(member, 1)
    let frames = member.piped.take(side, worker: 0)
    let mac = "\(PipedGateway.macs[Int(side.rawValue)])"
    let expected = ethernet(
      .arp, to: Self.otherMAC, from: mac,
      arp(2, sender: own(side), senderMAC: mac, target: other(side), targetMAC: Self.otherMAC))
    try #require(frames.count == 1)
    let isRight = frames[0].prefix(42).elementsEqual(expected)
    #expect(isRight && member.piped.take(side.other, worker: 0).isEmpty && member.piped.punted().isEmpty)
    member.desk.lease(until: 0)
    member.piped.send(question(side, from: other(side), for: own(side)), side, worker: 0)
    received(member, 2)
    #expect(member.piped.take(side, worker: 0).isEmpty && member.drops(.fenced) == 1)
    #expect(member.piped.punted().isEmpty)
  }

  @Test(arguments: Side.allCases)
  func `strangers, and questions for other addresses, are control's`(_ side: Side) throws {
    let member = try PipedMember(PipedMember.all(of: 0))
    member.work()
    let questions = [
      question(side, from: side == .inside ? "192.0.2.77" : "203.0.113.77", for: own(side)),
      question(side, from: other(side), for: side == .inside ? "192.0.2.100" : "203.0.113.100"),
      // A unit's, but of its other side.
      question(side, from: other(side.other), for: own(side)),
      question(side, from: other(side), for: own(side.other)),
      question(side, from: "0.0.0.0", for: own(side)),
    ]
    for frame in questions { member.piped.send(frame, side, worker: 0) }
    received(member, questions.count)
    let punted = member.piped.punted()
    #expect(punted.count == questions.count && punted.allSatisfy { $0.reason == .arp })
    #expect(member.piped.take(side, worker: 0).isEmpty)
  }

  @Test(arguments: [true, false])
  func `a unit's answer is noted by its side, with a lease and without`(_ hasLease: Bool) throws {
    let member = try PipedMember(PipedMember.all(of: 0))
    if hasLease { member.work() }
    #expect(member.desk.answeredAt(1, .inside) == 0 && member.desk.heardAt(workers: 1) == 0)
    member.piped.send(answer(.outside, from: other(.outside)), .outside, worker: 0)
    received(member, 1)
    let first = member.desk.answeredAt(1, .outside)
    let heard = member.desk.heardAt(workers: 1)
    #expect(first > 0 && heard > 0 && member.desk.answeredAt(1, .inside) == 0)
    #expect(member.desk.answeredAt(0, .outside) == 0)
    member.piped.send(answer(.inside, from: other(.inside)), .inside, worker: 0)
    // No answers of units: a stranger's, a question, and one that is cut.
    member.piped.send(answer(.outside, from: "203.0.113.77"), .outside, worker: 0)
    member.piped.send(question(.outside, from: other(.outside), for: own(.outside)), .outside, worker: 0)
    member.piped.send(Array(answer(.outside, from: other(.outside)).prefix(40)), .outside, worker: 0)
    received(member, 5)
    #expect(member.desk.answeredAt(1, .inside) > first && member.desk.answeredAt(1, .outside) == first)
    #expect(member.desk.heardAt(workers: 1) > heard)
    // Control wants to see answers as well; who has no lease has none for them.
    #expect(member.piped.punted().contains { $0.reason == .arp } == hasLease)
  }
}

/// Whom a unit that has no lease could ask whether it hears.
extension ProbeTests {
  @Test func `who asks for an address while a worker has no lease is kept in mind, and a unit is not`() throws {
    let member = try PipedMember(PipedMember.all(of: 0))
    #expect(member.desk.askers(workers: 1).isEmpty)
    for sender in [other(.outside), own(.outside), "0.0.0.0"] {
      member.piped.send(question(.outside, from: sender, for: "203.0.113.254"), .outside, worker: 0)
    }
    member.piped.send(answer(.outside, from: "203.0.113.77"), .outside, worker: 0)
    received(member, 4)
    #expect(member.desk.askers(workers: 1).isEmpty)
    for (side, sender) in [(Side.inside, "192.0.2.77"), (.outside, "203.0.113.77")] {
      let before = member.sum(\.receivedPackets)
      member.piped.send(question(side, from: sender, for: "203.0.113.254"), side, worker: 0)
      received(member, before + 1)
      let asker = try #require(member.desk.askers(workers: 1).first)
      #expect(asker.address == IPAddress(sender) && asker.side == side && asker.mac == MACAddress(Self.otherMAC))
    }
    // With a lease it is the slow path's to know.
    member.work()
    member.piped.send(question(.outside, from: "203.0.113.78", for: "203.0.113.254"), .outside, worker: 0)
    received(member, 7)
    #expect(member.desk.askers(workers: 1).first?.address == IPAddress("203.0.113.77"))
  }
}

/// The same where units have IPv6 addresses: they ask by neighbour discovery (X19).
@Suite struct DiscoveryProbeTests {
  private static let otherMAC = "02:00:00:00:00:99"

  private func own(_ side: Side) -> String { PipedMember.addresses6[0][Int(side.rawValue)] }
  private func other(_ side: Side) -> String { PipedMember.addresses6[1][Int(side.rawValue)] }
  private func mac(_ side: Side) -> String { "\(PipedGateway.macs[Int(side.rawValue)])" }

  private func frame(
    _ type: UInt8, flags: UInt8 = 0, _ target: String, from source: String, to destination: String, mac: String,
    says: String = otherMAC, hopLimit: UInt8 = 255
  ) -> [UInt8] {
    ethernet(
      .ipv6, to: mac, from: Self.otherMAC,
      ipv6(
        .icmpv6, from: source, to: destination, hopLimit: hopLimit,
        discovery(type, flags: flags, target, says, from: source, to: destination)))
  }

  private func question(_ side: Side, from source: String? = nil, for target: String? = nil) -> [UInt8] {
    let target = target ?? own(side)
    return frame(135, target, from: source ?? other(side), to: target, mac: mac(side))
  }

  private func answer(_ side: Side, of target: String? = nil, says: String = otherMAC, hopLimit: UInt8 = 255) -> [UInt8]
  {
    frame(
      136, flags: 0x60, target ?? other(side), from: other(side), to: own(side), mac: mac(side), says: says,
      hopLimit: hopLimit)
  }

  private func received(_ member: PipedMember, _ count: Int) {
    member.piped.wait { member.sum(\.receivedPackets) == count }
    member.pass()
  }

  @Test(arguments: Side.allCases, [true, false])
  func `a worker answers another unit, asked alone or by its group, while the lease lasts`(
    _ side: Side, _ isByGroup: Bool
  ) throws {
    let member = try PipedMember(PipedMember.all(of: 1), isIPv6: true)
    member.work()
    let asked =
      isByGroup
      ? frame(135, own(side), from: other(side), to: "ff02::1:ff00:1", mac: "33:33:ff:00:00:01") : question(side)
    member.piped.send(asked, side, worker: 0)
    received(member, 1)
    let frames = member.piped.take(side, worker: 0)
    let expected = ethernet(
      .ipv6, to: Self.otherMAC, from: mac(side),
      ipv6(
        .icmpv6, from: own(side), to: other(side), hopLimit: 255,
        discovery(136, flags: 0xe0, own(side), mac(side), from: own(side), to: other(side))))
    #expect(frames == [expected])
    #expect(member.piped.take(side.other, worker: 0).isEmpty && member.piped.punted().isEmpty)
    member.desk.lease(until: 0)
    member.piped.send(asked, side, worker: 0)
    received(member, 2)
    #expect(member.piped.take(side, worker: 0).isEmpty && member.drops(.fenced) == 1)
    #expect(member.piped.punted().isEmpty)
  }

  @Test(arguments: Side.allCases)
  func `discovery is no work to be shared: control hears a neighbour, whoever has his set (X20)`(_ side: Side) throws {
    let member = try PipedMember(PipedMember.all(of: 1), isIPv6: true)
    member.work()
    let stranger = "2001:db8:\(side == .inside ? 1 : 2)::77"
    let group = frame(135, own(side), from: stranger, to: "ff02::1:ff00:1", mac: "33:33:ff:00:00:01")
    for frame in [question(side, from: stranger), answer(side, of: stranger), group] {
      member.piped.send(frame, side, worker: 0)
    }
    received(member, 3)
    let punted = member.piped.punted()
    #expect(punted.count == 3 && punted.allSatisfy { $0.reason == .forUs } && member.drops(.notMine) == 0)
  }

  @Test(arguments: Side.allCases)
  func `strangers, and what is wrong, are control's`(_ side: Side) throws {
    let member = try PipedMember(PipedMember.all(of: 0), isIPv6: true)
    member.work()
    var broken = question(side)
    broken[60] ^= 1
    let questions = [
      question(side, from: "2001:db8:\(side == .inside ? 1 : 2)::77"), question(side, from: other(side.other)),
      question(side, from: "::"), broken,
      frame(135, own(side), from: other(side), to: own(side), mac: mac(side), says: Host.bobMAC),
      frame(135, own(side), from: other(side), to: own(side), mac: mac(side), hopLimit: 254),
    ]
    for frame in questions { member.piped.send(frame, side, worker: 0) }
    received(member, questions.count)
    let punted = member.piped.punted()
    #expect(punted.count == questions.count && punted.allSatisfy { $0.reason == .forUs })
    #expect(member.piped.take(side, worker: 0).isEmpty)
  }

  @Test(arguments: [true, false])
  func `a unit's answer is noted by its side, with a lease and without`(_ hasLease: Bool) throws {
    let member = try PipedMember(PipedMember.all(of: 0), isIPv6: true)
    if hasLease { member.work() }
    member.piped.send(answer(.outside), .outside, worker: 0)
    received(member, 1)
    let first = member.desk.answeredAt(1, .outside)
    #expect(first > 0 && member.desk.answeredAt(1, .inside) == 0)
    // From another link, with another's MAC address, a stranger's, a question.
    for frame in [
      answer(.outside, hopLimit: 64), answer(.outside, says: Host.bobMAC), answer(.outside, of: "2001:db8:2::77"),
      question(.outside),
    ] { member.piped.send(frame, .outside, worker: 0) }
    member.piped.send(answer(.inside), .inside, worker: 0)
    received(member, 6)
    #expect(member.desk.answeredAt(1, .outside) == first && member.desk.answeredAt(1, .inside) > first)
    #expect(member.piped.punted().contains { $0.reason == .forUs } == hasLease)
  }

  @Test func `who asks while a worker has no lease is kept in mind`() throws {
    let member = try PipedMember(PipedMember.all(of: 0), isIPv6: true)
    member.piped.send(question(.inside, from: "2001:db8::77"), .inside, worker: 0)
    received(member, 1)
    let asker = try #require(member.desk.askers(workers: 1).first)
    #expect(asker.address == IPAddress("2001:db8::77") && asker.side == .inside)
    #expect(asker.mac == MACAddress(Self.otherMAC))
  }
}

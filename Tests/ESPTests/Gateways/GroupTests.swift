import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A group SA: one key, many senders, a replay window for each.
@Suite struct GroupTests {
  private static let receiver = "203.0.113.9"

  /// A member of the group at one address, with the sites of the others.
  private func member(
    _ address: String, suite: CipherSuite = gcm, local: String, remote: [(gateway: String, network: String)],
    units: Int = 8, maxSenders: Int = 4
  ) -> ClassifyDescription {
    var group = GroupDescription(name: "group", spi: 0x10000, senderIDBits: 8)
    var esp = ESPDescription(suite)
    esp.window = 64
    let material = (0..<suite.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ 3) }
    group.security = GroupSecurity(
      esp, address: IPAddress(address)!, key: KeyDescription(Secret(material), born: 1), units: units,
      maxSenders: maxSenders, local: [IPPrefix(local)!],
      sites: remote.map { GroupSite(gateway: IPAddress($0.gateway)!, networks: [IPPrefix($0.network)!]) })
    var description = ClassifyDescription()
    description.clusterAddresses = [IPAddress(address)!]
    description.groups = [group]
    return description
  }

  private func sender(_ unit: Int, suite: CipherSuite = gcm, workers: Int = 1) throws -> TestGateway {
    try TestGateway(
      member(
        "203.0.113.\(unit + 1)", suite: suite, local: "192.0.0.0/8", remote: [(Self.receiver, "198.51.100.0/24")]),
      workers: workers, unit: unit)
  }

  private func receiver(
    _ suite: CipherSuite = gcm, maxSenders: Int = 4, workers: Int = 1
  ) throws -> TestGateway {
    try TestGateway(
      member(
        Self.receiver, suite: suite, local: "198.51.100.0/24", remote: [("203.0.113.1", "192.0.0.0/8")],
        maxSenders: maxSenders),
      workers: workers, unit: 7)
  }

  @Test(arguments: kinds.filter(\.isCounterMode))
  func `rows 1 to 4 for a group: each sender has a window of his own`(_ suite: CipherSuite) throws {
    let senders = [try sender(0, suite: suite), try sender(1, suite: suite)]
    let far = try receiver(suite)
    let frames = (0..<70).map { clear(60 + $0) }
    let sealed = senders.map { $0.run(frames).map(\.octets) }
    // The sender id is the IV's first octet: 256 ids among 8 units.
    #expect(sealed.map { $0[0][42] } == [0, 32])
    // The same numbers of both are no replays of each other.
    for index in [0, 5, 3] {
      #expect(far.run([sealed[0][index], sealed[1][index]]).map(\.reason) == [.none, .none], "\(index)")
      #expect(far.run([sealed[0][index], sealed[1][index]]).map(\.reason) == [.replayed, .replayed])
    }
    // One runs ahead and leaves his past behind; the other's stays open.
    let late = far.run([sealed[0][69], sealed[0][1], sealed[1][1], sealed[1][69]]).map(\.reason)
    #expect(late == [.none, .outsideWindow, .none, .none])
    #expect(far.run([sealed[0][2], sealed[0][4]]).map(\.reason) == [.outsideWindow, .outsideWindow])
    let counted = far.counters(.inbound)
    #expect(counted.senders == 2 && counted.sequence == 70 && counted.window == 64)
    // Numbers 1 to 6 have left both windows: 2, 3 and 5 of one and 3 and 5 of the other never came in time.
    #expect(counted.lost == 5)
    #expect(Set(counted.drops.map(\.name)) == ["replayed", "outsideWindow"])
    #expect(far.run(sealed[1][10]).octets == frames[10])
  }

  @Test func `row 5 for a group: a pool of windows, and none of them for who has no key`() throws {
    let far = try receiver(maxSenders: 2)
    let sealed = try (0..<3).map { try sender($0).run((0..<3).map { clear(60 + $0) }).map(\.octets) }
    // Every sender id there is, none of them authentic.
    let forged = (0..<256).filter { $0 != 0 }.map { id in
      var copy = sealed[0][0]
      copy[42] = UInt8(id)
      return copy
    }
    #expect(far.run(forged).allSatisfy { $0.reason == .integrity })
    #expect(far.counters(.inbound).senders == 0 && far.counters(.inbound).packets == 0)
    #expect(far.run([sealed[0][0], sealed[1][0]]).allSatisfy { $0.reason == .none })
    #expect(far.counters(.inbound).senders == 2)
    // For the third there is none, however often he tries; the first two go on.
    #expect(far.run(sealed[2]).allSatisfy { $0.reason == .noSenderWindow })
    #expect(far.run([sealed[2][0], sealed[0][1], sealed[1][2]]).map(\.reason) == [.noSenderWindow, .none, .none])
    let counted = far.counters(.inbound)
    #expect(counted.senders == 2 && counted.packets == 4)
    #expect(counted.drops.first { $0.name == "noSenderWindow" }?.count == 4)
    #expect(far.counters.drops(.noSenderWindow) == 4)
  }

  @Test func `row 49 for a group: all workers seal under ids of their own, and each sender is one worker's`() throws {
    let near = try sender(0, workers: 2)
    let far = try receiver(workers: 2)
    let frames = (0..<128).map { number in
      ethernet(.ipv4, ipv4(.udp, from: "192.0.2.\(number + 1)", to: "198.51.100.2", udp(from: UInt16(number))))
    }
    // Whatever arrives where: what belongs to the other crosses.
    let sealed = near.run(Array(frames[..<64]), worker: 0) + near.run(Array(frames[64...]), worker: 1)
    #expect(sealed.count == 128 && sealed.allSatisfy { $0.reason == .none })
    let ids = Set(sealed.map { $0.octets[42] })
    #expect(ids == [0, 16], "32 ids of the unit, 16 for each worker")
    #expect(Set(sealed.map { Array($0.octets[42..<50]) }).count == 128, "no IV twice")
    let states = (0..<2).map { near.associations.tables.outbound[0].state(of: $0).pointee.packets }
    #expect(states.reduce(0, +) == 128 && states.allSatisfy { $0 > 30 })
    #expect(near.bank.map(\.keptPackets) == states)
    #expect(near.counters(.outbound).packets == 128)
    let opened = far.run(sealed.prefix(64).map(\.octets)) + far.run(sealed.suffix(64).map(\.octets), worker: 1)
    #expect(opened.count == 128 && opened.allSatisfy { $0.reason == .none })
    #expect(Set(opened.map(\.octets)) == Set(frames))
    let counted = far.counters(.inbound)
    #expect(counted.senders == 2 && counted.packets == 128 && counted.lost == 0)
    let again = far.run(sealed.prefix(60).map(\.octets), worker: 1)
    #expect(again.count == 60 && again.allSatisfy { $0.reason == .replayed || $0.reason == .outsideWindow })
  }

  @Test func `a group's lifetime is that of all its workers together`() throws {
    var description = member(
      "203.0.113.1", local: "192.0.0.0/8", remote: [(Self.receiver, "198.51.100.0/24")])
    description.groups[0].security?.esp.packets = ESPDescription.Limit(soft: 20, hard: 41)
    let near = try TestGateway(description, workers: 2)
    let frames = (0..<128).map { number in
      ethernet(.ipv4, ipv4(.udp, from: "192.0.2.\(number + 1)", to: "198.51.100.2", udp(from: UInt16(number))))
    }
    let reasons = (near.run(Array(frames[..<64]), worker: 0) + near.run(Array(frames[64...]), worker: 1)).map(\.reason)
    #expect(reasons.count { $0 == .none } == 40 && reasons.count { $0 == .lifetimeOver } == 88)
  }

  /// The same numbers name tunnels and groups; whose traffic is whose is kept apart all the same.
  @Test func `row 26 for a group: its traffic does not come out of a tunnel, nor a tunnel's out of it`() throws {
    let wide = TunnelPair(ESPDescription(gcm))
    let tunnel = TunnelPair(ESPDescription(gcm), local: ["192.0.2.0/24"], remote: ["198.51.101.0/24"])
    var both = member(Self.receiver, local: "198.51.100.0/24", remote: [("203.0.113.1", "192.0.0.0/8")])
    both.tunnels = tunnel.far.tunnels
    both.clusterAddresses += tunnel.far.clusterAddresses
    let far = try TestGateway(both, unit: 7)
    func frame(_ to: String) -> [UInt8] { ethernet(.ipv4, ipv4(.udp, to: to, udp())) }
    let near = try TestGateway(wide.near)
    let other = try TestGateway(
      member("203.0.113.1", local: "192.0.0.0/8", remote: [(Self.receiver, "198.51.0.0/16")]), unit: 0)
    for (gateway, own, foreign) in [
      (near, "198.51.101.2", "198.51.100.2"), (other, "198.51.100.2", "198.51.101.2"),
    ] {
      let sealed = gateway.run([frame(own), frame(foreign)])
      #expect(sealed.map(\.reason) == [.none, .none])
      #expect(far.run(sealed.map(\.octets)).map(\.reason) == [.none, .selectorMismatch])
    }
  }

  @Test func `row 26 for a group: what is inside has to be the group's traffic`() throws {
    var other = member(Self.receiver, local: "198.51.100.0/24", remote: [("203.0.113.1", "192.0.2.0/25")])
    other.groups[0].name = "narrow"
    let far = try TestGateway(other, unit: 7)
    let near = try sender(0)
    let sealed = near.run([
      clear(60), ethernet(.ipv4, ipv4(.udp, from: "192.0.2.128", udp())),
      ethernet(.ipv4, ipv4(.udp, from: "192.0.2.127", udp())),
    ])
    #expect(far.run(sealed.map(\.octets)).map(\.reason) == [.none, .selectorMismatch, .none])
  }
}

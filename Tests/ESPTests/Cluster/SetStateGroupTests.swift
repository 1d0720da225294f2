import CWorkSet
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A group's senders have a window each, and each window moves with its sender's work set.
@Suite struct SetStateGroupTests {
  private static let key = WorkSetKey(high: 1, low: 2)

  /// A member of the group at one address, with the other behind it.
  private static func member(_ address: String, other: String, maxSenders: Int = 8) -> ClassifyDescription {
    var group = GroupDescription(name: "group", spi: 0x10000, senderIDBits: 8)
    var esp = ESPDescription(gcm)
    esp.window = 64
    group.security = GroupSecurity(
      esp, address: IPAddress(address)!, key: KeyDescription(Secret((0..<20).map { UInt8($0) }), born: 1), units: 16,
      maxSenders: maxSenders, local: [IPPrefix("0.0.0.0/0")!],
      sites: [GroupSite(gateway: IPAddress(other)!, networks: [IPPrefix("0.0.0.0/0")!])])
    var description = ClassifyDescription()
    description.key = key
    description.clusterAddresses = [IPAddress(address)!]
    description.groups = [group]
    return description
  }

  /// X7.
  private static func set(ofSender id: UInt8) -> Int {
    var expanded = hauberk_work_set_expand(key.high, key.low)
    return Int(hauberk_group(&expanded, 0x10000, UInt32(id)))
  }

  private let members: [TestGateway]
  private let states: [SetStates]
  /// Each with sender ids of his own.
  private let senders: [TestGateway]

  init() throws {
    members = try (0..<2).map { try TestGateway(Self.member("203.0.113.1", other: "203.0.113.2"), unit: $0) }
    states = members.map { SetStates($0.associations) }
    senders = try (4..<7).map { try TestGateway(Self.member("203.0.113.2", other: "203.0.113.1"), unit: $0) }
  }

  private let frames = (0..<10).map { clear(60 + $0) }

  /// Of a sender's packets: his id is the IV's first octet.
  private func set(_ sealed: [[UInt8]]) -> Int { Self.set(ofSender: sealed[0][42]) }

  @Test func `a sender's window goes along with his set, and the others' stay`() throws {
    let sealed = senders.map { $0.run(frames).map(\.octets) }
    let sets = sealed.map(set)
    try #require(Set(sets).count == 3)
    for one in sealed { #expect(members[0].run(Array(one.prefix(8))).allSatisfy { $0.reason == .none }) }
    #expect(states[1].take(states[0].octets(of: sets[0]) ?? [], of: sets[0]))
    states[1].begin(sets[0], .carried)
    #expect(
      members[1].run(sealed[0]).map(\.reason)
        == Array(repeating: .replayed, count: 8) + [DropReason.none, .none])
    // Of the second nobody has told it: his set has not moved, and would not come here.
    #expect(members[1].counters(.inbound).senders == 1 && members[1].counters(.inbound).lostSets == 0)
    // And back.
    #expect(states[0].take(states[1].octets(of: sets[0]) ?? [], of: sets[0]))
    #expect(members[0].run(sealed[0]).allSatisfy { $0.reason == .replayed })
    #expect(states[0].octets(of: (0..<1024).first { !sets.contains($0) }!) == nil)
  }

  @Test func `without what the dead one knew, senders of his sets are refused, and sealing goes on`() throws {
    let sealed = senders.map { $0.run(frames).map(\.octets) }
    let sets = sealed.map(set)
    // The first it knows from earlier, the second not at all; the third's set it has had all along.
    #expect(members[1].run(Array(sealed[0].prefix(3)) + sealed[2].prefix(3)).allSatisfy { $0.reason == .none })
    for set in sets.prefix(2) { states[1].begin(set, .bereft) }
    for one in sealed.prefix(2) { #expect(members[1].run(one).allSatisfy { $0.reason == .stateLost }) }
    #expect(
      members[1].run(sealed[2]).map(\.reason) == Array(repeating: .replayed, count: 3)
        + Array(repeating: .none, count: 7))
    #expect(members[1].run(frames).allSatisfy { $0.reason == .none })
    // Forged packets are that, and not a sender's.
    var forged = sealed[1][0]
    forged[forged.count - 1] ^= 1
    #expect(members[1].run(forged).reason == .integrity)
    let shown = members[1].counters(.inbound)
    #expect(shown.lostSets == 2 && !shown.isLost && !members[1].counters(.outbound).isLost)
    #expect(shown.drops.first { $0.name == "stateLost" }?.count == 20 && members[1].counters.drops(.stateLost) == 20)
    // So they are wherever the set goes next.
    #expect(states[0].take(states[1].octets(of: sets[1]) ?? [], of: sets[1]))
    #expect(members[0].run(sealed[1]).allSatisfy { $0.reason == .stateLost })
  }

  @Test func `a sender for whom no window is left is nobody's new sender later`() throws {
    let sealed = senders.map { $0.run(frames).map(\.octets) }
    let sets = sealed.map(set)
    let small = try TestGateway(Self.member("203.0.113.1", other: "203.0.113.2", maxSenders: 1), unit: 1)
    let smallStates = SetStates(small.associations)
    for one in sealed.prefix(2) { #expect(members[0].run(one).allSatisfy { $0.reason == .none }) }
    for set in sets.prefix(2) { #expect(smallStates.take(states[0].octets(of: set) ?? [], of: set)) }
    #expect(small.run(sealed[0]).allSatisfy { $0.reason == .replayed })
    #expect(small.run(sealed[1]).allSatisfy { $0.reason == .stateLost })
    #expect(states[1].take(smallStates.octets(of: sets[1]) ?? [], of: sets[1]))
    #expect(members[1].run(sealed[1]).allSatisfy { $0.reason == .stateLost })
  }

  @Test func `a sender of another set, or an id that there is not, makes the whole refused`() throws {
    let sealed = senders[0].run(frames).map(\.octets), set = set(sealed)
    #expect(members[0].run(sealed).allSatisfy { $0.reason == .none })
    var image = try #require(setImage(states[0].octets(of: set), of: set))
    guard case .group(let group) = image.records[0].content else { throw TestFailure() }
    for id in [UInt16(sealed[0][42]) + 1, 256, 65535] {
      var changed = group
      changed.senders[0].id = id
      image.records[0].content = .group(changed)
      #expect(!states[1].take(image.octets, of: set))
    }
    #expect(members[1].counters(.inbound).senders == 0)
  }

  private struct TestFailure: Error {}
}

import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Keys change by a reload of one member after the other, and sets move meanwhile: no numbers are used under a key that
/// were used before.
@Suite struct SetStateReloadTests {
  /// A member as far as its SAs go: the test counts for its workers.
  private final class Member {
    private let engine: CryptoEngine
    private(set) var associations: Associations
    let states: SetStates

    init(_ keys: Int) throws {
      engine = try CryptoEngine(lanes: 1)
      associations = try Associations(Self.description(keys), engine: engine, workers: 1)
      states = SetStates(associations)
    }

    static func description(_ keys: Int) -> ClassifyDescription {
      var description = TunnelPair(ESPDescription(gcm)).near
      func key(_ seed: Int) -> KeyDescription { KeyDescription(Secret((0..<20).map { UInt8($0 + seed) }), born: 1) }
      description.tunnels[0].security?.inboundKey = key(2 * keys)
      description.tunnels[0].security?.outboundKey = key(2 * keys + 1)
      return description
    }

    /// As the gateway does it, with whatever happens before the workers have let go of the generation before.
    func reload(_ keys: Int, meanwhile: () -> Void = {}) throws {
      let next = try Associations(Self.description(keys), engine: engine, workers: 1, after: associations)
      states.enter(next)
      meanwhile()
      states.leave()
      associations = next
    }

    var state: UnsafeMutablePointer<OutboundState> { associations.tables.outbound[0].state }
    var window: ReplayWindow { associations.tables.inbound[0].window }
    var isLost: Bool { state.pointee.end == .stateLost && window.isClosed }

    /// The last number then.
    func work(_ packets: Int) -> UInt64 {
      for _ in 0..<packets {
        _ = state.pointee.sequence.take(1)
        _ = window.commit(window.highest + 1)
      }
      return state.pointee.sequence.last
    }
  }

  private func move(_ from: Member, _ to: Member) throws {
    if let octets = from.states.octets(of: 1) { #expect(to.states.take(octets, of: 1)) }
    to.states.begin(1, .carried)
  }

  @Test func `keys that go on, go on; new ones begin anew wherever the set runs`() throws {
    let member = try Member(1)
    #expect(member.work(10) == 10)
    try member.reload(1)
    #expect(member.work(5) == 15)
    try member.reload(2)
    #expect(member.work(3) == 3 && member.window.highest == 3)
    member.states.begin(1, .bereft)
    #expect(member.isLost)
    // The old keys' end is no end of new ones.
    try member.reload(3)
    #expect(!member.isLost && member.work(2) == 2)
  }

  @Test func `from who has reloaded to who has not, and back: each key's numbers go on`() throws {
    let first = try Member(1), second = try Member(1)
    #expect(first.work(10) == 10)
    try first.reload(2)
    #expect(first.work(7) == 7)
    try move(first, second)
    // It has the old keys still, and the old numbers with them.
    #expect(second.work(5) == 15 && second.window.highest == 15)
    try second.reload(2)
    // The first has used the new ones already.
    #expect(second.work(1) == 8 && second.window.highest == 8)
    try move(second, first)
    #expect(first.work(1) == 9)
  }

  @Test func `from who has not reloaded to who has: new keys begin, and old ones do not come back as new`() throws {
    let first = try Member(1), second = try Member(1), third = try Member(1)
    #expect(first.work(10) == 10)
    try second.reload(2)
    try move(first, second)
    #expect(second.work(4) == 4)
    try move(second, third)
    #expect(third.work(1) == 11)
    try third.reload(2)
    #expect(third.work(1) == 5)
  }

  @Test func `what comes while a reload is under way is not lost`() throws {
    let first = try Member(2), second = try Member(1)
    #expect(first.work(6) == 6)
    let octets = try #require(first.states.octets(of: 1))
    try second.reload(2) {
      #expect(second.states.take(octets, of: 1))
      second.states.begin(1, .carried)
    }
    #expect(second.work(1) == 7)
    // And what leaves meanwhile is of both keys.
    let third = try Member(2)
    #expect(third.work(3) == 3)
    var left: [UInt8]?
    try third.reload(3) { left = third.states.octets(of: 1) }
    let other = try Member(2)
    #expect(other.states.take(left ?? [], of: 1) && other.work(1) == 4)
    // One that dies meanwhile leaves nothing of either.
    let fourth = try Member(1)
    try fourth.reload(2) { fourth.states.begin(1, .bereft) }
    #expect(fourth.isLost)
  }

  @Test func `keys of three reloads ago are nobody's any more`() throws {
    let member = try Member(1)
    for keys in 2...6 {
      _ = member.work(keys)
      try member.reload(keys)
    }
    let image = try #require(setImage(member.states.octets(of: 1)))
    #expect(image.records.count == 1 + SetStates.mostStrays)
    member.states.begin(1, .bereft)
    #expect(setImage(member.states.octets(of: 1))?.records.map(\.content) == [.lost])
  }
}

import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A planned move of a work set carries its SAs' numbers, windows and lifetimes along (X21); what a dead member had is
/// refused.
@Suite struct SetStateTests {
  private func esp(_ suite: CipherSuite = gcm, window: Int = 1024, extended: Bool = false) -> ESPDescription {
    var esp = ESPDescription(suite)
    esp.window = window
    esp.isExtended = extended
    return esp
  }

  private let frames = (0..<10).map { clear(60 + $0) }

  @Test(arguments: [64, 1024, 131_072], [false, true])
  func `moved back and forth, no number comes twice or is left out, and no nonce comes twice`(
    _ window: Int, _ isExtended: Bool
  ) throws {
    // Plain packets and those that go the general way.
    for stories in [false, true] {
      let pair = try MovedPair(esp(window: window, extended: isExtended), members: 3, stories: stories)
      var sequences: [UInt32] = [], nonces: [[UInt8]] = [], owner = 0
      for round in 0..<9 {
        let sealed = pair.members[owner].run(frames)
        #expect(sealed.allSatisfy { $0.reason == .none })
        for one in sealed {
          sequences.append(MovedPair.numbers(of: one.octets).sequence)
          nonces.append(MovedPair.numbers(of: one.octets).iv)
        }
        // The peer has had one window all along.
        #expect(pair.peer.run(sealed.map(\.octets)).map(\.octets) == frames)
        let next = (owner + 1 + round % 2) % 3
        pair.move(from: owner, to: next)
        owner = next
      }
      #expect(sequences == (1...90).map { UInt32($0) } && Set(nonces).count == 90)
      #expect(pair.members[owner].counters(.outbound).packets == 90 && pair.peer.counters(.inbound).lost == 0)
    }
  }

  @Test(arguments: [64, 1024, 131_072], [false, true])
  func `what was opened before a move is refused after it, and what was on its way is not`(
    _ window: Int, _ isExtended: Bool
  ) throws {
    let pair = try MovedPair(esp(window: window, extended: isExtended))
    if isExtended {
      pair.peer.goOn(after: 1 << 32 - 15)
      for member in pair.members { member.expect(after: 1 << 32 - 15) }
    }
    var opened: [[UInt8]] = [], late: [[UInt8]] = [], owner = 0
    for _ in 0..<6 {
      let sealed = pair.peer.run(frames).map(\.octets)
      // Two of them are slow, and come to the next owner.
      let now = late + sealed[0..<4] + sealed[5..<9]
      #expect(pair.members[owner].run(now).allSatisfy { $0.reason == .none })
      opened += now
      late = [sealed[9], sealed[4]]
      pair.move(from: owner, to: 1 - owner)
      owner = 1 - owner
      let again = pair.members[owner].run(opened).map(\.reason)
      // Beyond a window of 64 nobody knows, and with extended numbers they are taken for later ones.
      #expect(again.allSatisfy { $0 != .none } && again.suffix(8).allSatisfy { $0 == .replayed })
    }
    #expect(pair.members[owner].run(late).allSatisfy { $0.reason == .none })
    #expect(pair.members[owner].counters(.inbound).packets == 60 && pair.members[owner].counters(.inbound).lost == 0)
  }

  @Test(arguments: kinds) func `whatever the cipher`(_ suite: CipherSuite) throws {
    let pair = try MovedPair(esp(suite))
    var vectors: [[UInt8]] = [], owner = 0
    for _ in 0..<4 {
      let sealed = pair.members[owner].run(frames).map(\.octets)
      #expect(pair.peer.run(sealed).map(\.octets) == frames)
      let back = pair.peer.run(frames).map(\.octets)
      #expect(pair.members[owner].run(back).map(\.octets) == frames)
      // CBC's is sixteen octets, drawn by chance by each member's workers.
      vectors += sealed.map { Array($0[42..<42 + suite.ivBytes]) }
      pair.move(from: owner, to: 1 - owner)
      owner = 1 - owner
      #expect(pair.members[owner].run(back).allSatisfy { $0.reason == .replayed })
    }
    #expect(suite.ivBytes == 0 || Set(vectors).count == 40)
  }

  @Test func `all tunnels of a set move with it, and those of other sets do not`() throws {
    var (near, far) = (ClassifyDescription(), ClassifyDescription())
    for number in 0..<4 {
      let pair = TunnelPair(esp(), local: ["10.\(number).0.0/16"], remote: ["10.\(number + 10).0.0/16"])
      for (side, description) in [pair.near, pair.far].enumerated() {
        var tunnel = description.tunnels[0]
        // Work set 1, but the last one's is 2.
        let own: UInt32 = number == 3 ? 0x2002 : 0x1001 + 0x4000 * UInt32(number), peer = own + 0x100000
        (tunnel.inboundSPI, tunnel.outboundSPI) = side == 0 ? (own, peer) : (peer, own)
        tunnel.name = "\(number)"
        func key(_ seed: Int) -> KeyDescription {
          KeyDescription(Secret((0..<20).map { UInt8(truncatingIfNeeded: $0 &* 3 &+ seed) }), born: 1)
        }
        let seeds = side == 0 ? (2 * number, 2 * number + 1) : (2 * number + 1, 2 * number)
        tunnel.security?.inboundKey = key(seeds.0)
        tunnel.security?.outboundKey = key(seeds.1)
        if side == 0 { near.tunnels.append(tunnel) } else { far.tunnels.append(tunnel) }
      }
      (near.clusterAddresses, far.clusterAddresses) = (pair.near.clusterAddresses, pair.far.clusterAddresses)
    }
    let pair = try MovedPair(near, far)
    func traffic(_ number: Int, _ count: Int) -> [[UInt8]] {
      (0..<count).map { _ in ethernet(.ipv4, ipv4(.udp, from: "10.\(number).0.1", to: "10.\(number + 10).0.1", udp())) }
    }
    for number in 0..<4 { #expect(pair.members[0].run(traffic(number, number + 3)).allSatisfy { $0.reason == .none }) }
    pair.move(from: 0, to: 1)
    let next = (0..<4).map { MovedPair.numbers(of: pair.members[1].run(traffic($0, 1))[0].octets).sequence }
    #expect(next == [4, 5, 6, 1])
    #expect(pair.states[0].octets(of: 3) == nil)
  }

  @Test func `lifetimes add up: packets, octets, seconds, and an end that control has said`() throws {
    var limited = esp()
    limited.packets = ESPDescription.Limit(soft: 20, hard: 25)
    limited.bytes = ESPDescription.Limit(soft: 1800, hard: 100_000)
    let pair = try MovedPair(limited)
    var owner = 0, reasons: [DropReason] = []
    for _ in 0..<3 {
      reasons += pair.members[owner].run(frames).map(\.reason)
      pair.move(from: owner, to: 1 - owner)
      owner = 1 - owner
    }
    #expect(reasons == Array(repeating: .none, count: 25) + Array(repeating: .lifetimeOver, count: 5))
    let bytes = (0..<25).reduce(0) { $0 + 60 + $1 % 10 }
    #expect(pair.members[owner].counters(.outbound).bytesLeft == UInt64(100_000 - bytes))
    #expect(pair.members[owner].counters(.outbound).packetsLeft == 0)

    var timed = esp()
    timed.seconds = ESPDescription.Limit(soft: 100, hard: 200)
    let moved = try MovedPair(timed), now = hauberk_seconds()
    // One has been running for 150 s, the other for 10.
    moved.members[0].associations.tables.epoch.pointee = now - 150
    moved.members[1].associations.tables.epoch.pointee = now - 10
    let states = moved.members.map { SetStates($0.associations) }
    #expect(states[1].take(states[0].octets(of: 1) ?? [], of: 1))
    let left = try #require(moved.members[1].counters(.outbound).secondsLeft)
    #expect((48...50).contains(left))
    #expect(moved.members[1].run([clear(60)], seconds: now + 45)[0].reason == .none)
    #expect(moved.members[1].run([clear(60)], seconds: now + 51)[0].reason == .lifetimeOver)
    #expect(moved.members[0].run([clear(60)], seconds: now + 51)[0].reason == .lifetimeOver)

    let ended = try MovedPair(esp())
    ended.members[0].obey(Order(.endLifetime))
    ended.move(from: 0, to: 1)
    #expect(ended.members[1].run(frames[0]).reason == .lifetimeOver)
  }

  @Test func `after a restart a gateway guesses which numbers were used; one that knows says it`() throws {
    let pair = try MovedPair(esp())
    // As the record of its nonces has it.
    pair.members[1].outboundState.pointee.sequence.resume(after: 3 << 20)
    #expect(pair.members[0].run(frames).allSatisfy { $0.reason == .none })
    pair.move(from: 0, to: 1)
    #expect(MovedPair.numbers(of: pair.members[1].run(frames[0]).octets).sequence == 11)
    // What it has sealed itself it does not seal again, whatever somebody says.
    let old = try #require(pair.states[0].octets(of: 1))
    #expect(pair.states[1].take(old, of: 1))
    #expect(MovedPair.numbers(of: pair.members[1].run(frames[0]).octets).sequence == 12)
  }

  @Test(arguments: [false, true])
  func `an SA that died with another member is refused, in both directions, and counted`(_ stories: Bool) throws {
    for isExtended in [false, true] {
      let pair = try MovedPair(esp(extended: isExtended), stories: stories)
      let before = pair.peer.run(frames).map(\.octets)
      // It had the set itself once: what it knows of it is old.
      #expect(pair.members[1].run(before + frames).allSatisfy { $0.reason == .none })
      pair.states[1].begin(1, .bereft)
      let next = pair.peer.run(frames).map(\.octets)
      #expect(pair.members[1].run(before + next).allSatisfy { $0.reason == .stateLost })
      let outcomes = pair.members[1].run(frames)
      #expect(outcomes.allSatisfy { $0.reason == .stateLost } && outcomes.map(\.octets) == frames)
      #expect(pair.members[1].counters.drops(.stateLost) == 30)
      for (direction, count) in [(AssociationCounters.Direction.outbound, UInt64(10)), (.inbound, 20)] {
        let shown = pair.members[1].counters(direction)
        #expect(shown.isLost && shown.drops.first { $0.name == "stateLost" }?.count == count)
      }
      #expect(!pair.members[0].counters(.inbound).isLost)
      // Whoever gets it next has no numbers either, and whoever has them may bring them back.
      pair.move(from: 1, to: 0)
      #expect(pair.members[0].run(frames[0]).reason == .stateLost)
      let other = try MovedPair(esp(extended: isExtended))
      #expect(other.members[0].run(frames).allSatisfy { $0.reason == .none })
      #expect(pair.states[1].take(other.states[0].octets(of: 1) ?? [], of: 1))
      #expect(MovedPair.numbers(of: pair.members[1].run(frames[0]).octets).sequence == 11)
    }
  }

  @Test func `what nobody ever had begins as in a gateway that starts, and other sets are not touched`() throws {
    let pair = try MovedPair(esp())
    pair.states[0].begin(1, .fresh)
    pair.states[0].begin(2, .bereft)
    #expect(pair.members[0].run(frames).allSatisfy { $0.reason == .none })
    #expect(pair.members[0].run(pair.peer.run(frames).map(\.octets)).allSatisfy { $0.reason == .none })
    // Given back before anybody else had it.
    pair.states[0].begin(1, .carried)
    #expect(MovedPair.numbers(of: pair.members[0].run(frames[0]).octets).sequence == 11)
  }
}

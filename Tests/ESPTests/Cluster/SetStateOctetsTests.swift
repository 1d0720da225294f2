import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// What comes from another member is signed, and still looked at octet by octet: all of it makes sense, or nothing changes.
@Suite struct SetStateOctetsTests {
  private let frames = (0..<10).map { clear(60 + $0) }

  /// Two members, of which the first has sealed and opened something, with gaps.
  private func pair() throws -> MovedPair {
    let pair = try MovedPair(ESPDescription(gcm))
    _ = pair.members[0].run(frames)
    let back = pair.peer.run(frames + frames).map(\.octets)
    _ = pair.members[0].run([back[0], back[3], back[19]])
    return pair
  }

  @Test func `what is cut, longer or of another set is refused, and nothing changes`() throws {
    let pair = try pair()
    let octets = try #require(pair.states[0].octets(of: 1)), before = pair.states[1].octets(of: 1)
    for count in 0..<octets.count { #expect(!pair.states[1].take(Array(octets.prefix(count)), of: 1), "\(count)") }
    #expect(!pair.states[1].take(octets + [0], of: 1) && !pair.states[1].take(octets, of: 2))
    #expect(!pair.states[1].take(octets + [UInt8](repeating: 0, count: SetStates.mostOctets), of: 1))
    #expect(pair.states[1].octets(of: 1) == before)
    #expect(pair.states[1].take(octets, of: 1) && pair.states[1].octets(of: 1) == octets)
  }

  @Test func `any octet changed: refused as a whole, or a state that is told on as it came`() throws {
    let pair = try pair()
    let octets = try #require(pair.states[0].octets(of: 1))
    var refused = 0
    // Without workers: there are many.
    let near = TunnelPair(ESPDescription(gcm)).near, engine = try CryptoEngine(lanes: 1)
    for place in octets.indices {
      for change in [1, 0x80, 0xff] as [UInt8] {
        let states = SetStates(try Associations(near, engine: engine, workers: 1))
        let before = try #require(states.octets(of: 1))
        var changed = octets
        changed[place] ^= change
        if states.take(changed, of: 1) {
          let image = try #require(setImage(states.octets(of: 1)))
          #expect(!image.isIncomplete && (1...2).contains(image.records.count))
        } else {
          refused += 1
          #expect(states.octets(of: 1) == before)
        }
      }
    }
    #expect(refused > 30)
  }

  @Test func `numbers that cannot be are refused`() throws {
    let pair = try pair()
    let octets = try #require(pair.states[0].octets(of: 1))
    func isTaken(_ change: (inout SetImage.Tunnel) -> Void) throws -> Bool {
      var image = try #require(setImage(octets))
      guard case .tunnel(var tunnel) = image.records[0].content else { return false }
      change(&tunnel)
      image.records[0].content = .tunnel(tunnel)
      return pair.states[1].take(image.octets, of: 1)
    }
    #expect(try isTaken { _ in })
    #expect(try !isTaken { $0.sequence = 1 << 32 })
    #expect(try !isTaken { $0.packets = $0.sequence + 1 })
    #expect(try !isTaken { $0.window.highest = 1 << 32 })
    #expect(try !isTaken { $0.window.highest = .max })
    #expect(try !isTaken { $0.window.gaps = [WindowImage.Gap(word: 0, missing: 1 << 63)] })
    #expect(try !isTaken { $0.window.gaps = [WindowImage.Gap(word: 0, missing: 0)] })
    #expect(try !isTaken { $0.window.gaps.append($0.window.gaps[0]) })
    #expect(try !isTaken { $0.window.gaps = [WindowImage.Gap(word: 2048, missing: 1)] })
    // An SA twice; and more of it than there can be.
    var image = try #require(setImage(octets))
    image.records.append(image.records[0])
    #expect(!pair.states[1].take(image.octets, of: 1))
  }

  @Test func `a set of more SAs than there is room for: those that are left out are refused, not begun anew`() throws {
    var near = TunnelPair(ESPDescription(gcm)).near
    let first = near.tunnels[0]
    near.tunnels = (0..<1000).map { number in
      var tunnel = first
      (tunnel.inboundSPI, tunnel.outboundSPI) = (0x1001 + UInt32(number) * 1024, 0x2001 + UInt32(number) * 1024)
      tunnel.name = "\(number)"
      (tunnel.local, tunnel.remote) = (
        [IPPrefix("10.1.0.0/16")!], [IPPrefix("10.\(2 + number / 256).\(number % 256).0/24")!]
      )
      func key(_ seed: Int) -> KeyDescription {
        let octets = (0..<20).map { UInt8(truncatingIfNeeded: $0 < 2 ? seed >> (8 * $0) : $0) }
        return KeyDescription(Secret(octets), born: 1)
      }
      tunnel.security?.inboundKey = key(2 * number)
      tunnel.security?.outboundKey = key(2 * number + 1)
      return tunnel
    }
    let members = try (0..<2).map { try TestGateway(near, unit: $0) }
    let states = members.map { SetStates($0.associations) }
    func frame(_ number: Int) -> [UInt8] {
      ethernet(.ipv4, ipv4(.udp, from: "10.1.0.1", to: "10.\(2 + number / 256).\(number % 256).1", udp()))
    }
    let all = (0..<1000).map(frame)
    #expect(members[0].run(all).allSatisfy { $0.reason == .none })
    let octets = try #require(states[0].octets(of: 1))
    #expect(octets.count <= SetStates.mostOctets && states[1].take(octets, of: 1))
    let outcomes = members[1].run(all)
    let carried = outcomes.count { $0.reason == .none }
    #expect((800..<1000).contains(carried) && outcomes.count { $0.reason == .stateLost } == 1000 - carried)
    #expect(outcomes.allSatisfy { $0.reason != .none || MovedPair.numbers(of: $0.octets).sequence == 2 })
  }
}

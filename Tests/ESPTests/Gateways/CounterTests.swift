import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// What is counted, for each SA and each worker, and that nothing is counted nowhere.
@Suite struct CounterTests {
  /// Two tunnels, told apart by their traffic.
  static func twoTunnels(_ esp: ESPDescription = ESPDescription(gcm)) -> TunnelPair {
    var pair = TunnelPair(esp, local: ["192.0.2.0/24"], remote: ["198.51.100.0/24"])
    let second = TunnelPair(esp, local: ["192.0.2.0/24"], remote: ["198.51.101.0/24"])
    for (side, number) in [(second.near.tunnels[0], 0), (second.far.tunnels[0], 1)] {
      var tunnel = side
      tunnel.name = "second"
      tunnel.inboundSPI += 1
      tunnel.outboundSPI += 1
      // Another key, or both would seal under the same nonces.
      for key in [\TunnelSecurity.inboundKey, \.outboundKey] {
        let octets = tunnel.security![keyPath: key].material.withOctets { $0.map { $0 ^ 0x5a } }
        tunnel.security![keyPath: key] = KeyDescription(Secret(octets), born: 1)
      }
      if number == 0 { pair.near.tunnels.append(tunnel) } else { pair.far.tunnels.append(tunnel) }
    }
    return pair
  }

  static func frame(_ length: Int, to network: Int) -> [UInt8] {
    let payload = [UInt8](repeating: 7, count: length - 28)
    return ethernet(.ipv4, ipv4(.udp, to: "198.51.\(100 + network).9", udp(payload)))
  }

  @Test(arguments: [false, true])
  func `row 27: packets and octets of each SA, both ways`(_ stories: Bool) throws {
    let pair = Self.twoTunnels()
    let near = try TestGateway(pair.near, stories: stories), far = try TestGateway(pair.far, stories: stories)
    // An Ethernet trailer, as short frames have it, is no part of the packet.
    let networks = (0..<90).map { $0 % 3 == 0 ? 1 : 0 }
    let frames = networks.enumerated().map { number, network in
      Self.frame(28 + number, to: network) + [UInt8](repeating: 0, count: number % 5)
    }
    let sealed = near.run(frames)
    #expect(far.run(sealed.map(\.octets)).allSatisfy { $0.reason == .none })
    let octets = (0..<2).map { network -> UInt64 in
      networks.indices.filter { networks[$0] == network }.reduce(0) { $0 + 28 + UInt64($1) }
    }
    let out = near.associations.counters().filter { $0.direction == .outbound }
    let into = far.associations.counters().filter { $0.direction == .inbound }
    for list in [out, into] {
      #expect(list.map(\.name) == ["pair", "second"])
      #expect(list.map(\.packets) == [60, 30] && list.map(\.bytes) == octets)
      #expect(list.map(\.sequence) == [60, 30] && list.allSatisfy { $0.drops.isEmpty })
    }
    // The other directions have seen nothing.
    #expect(near.associations.counters().filter { $0.direction == .inbound }.allSatisfy { $0.packets == 0 })
    #expect(far.associations.counters().filter { $0.direction == .outbound }.allSatisfy { $0.packets == 0 })
  }

  @Test(arguments: kinds, [false, true])
  func `row 15: one failure does not disturb the rest of its burst`(_ suite: CipherSuite, _ stories: Bool) throws {
    let pair = Self.twoTunnels(ESPDescription(suite))
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far, stories: stories)
    let frames = (0..<64).map { Self.frame(40 + $0 * 3, to: $0 / 3 % 2) }
    let good = near.run(frames).map(\.octets)
    // Each kind of failure, each at several places, the first and the last among them.
    var burst = good
    var expected = [DropReason](repeating: .none, count: 64)
    func spoil(_ places: [Int], _ reason: DropReason, _ change: (inout [UInt8]) -> Void) {
      for place in places {
        change(&burst[place])
        expected[place] = reason
      }
    }
    spoil([0, 17, 31], .integrity) { $0[$0.count - 1] ^= 1 }
    spoil([3, 18, 63], .integrity) { $0[48] ^= 0x80 }
    spoil([5, 40], .unknownSPI) { $0[34] ^= 0x80 }
    spoil([6, 41], .innerTruncated) { $0.removeLast(9) }
    spoil([7], .espTooShort) {
      $0.replaceSubrange(16..<18, with: big(UInt16(30)))
    }
    burst[20] = burst[19]
    expected[20] = .replayed
    burst[22] = burst[21]
    expected[22] = .replayed
    let outcomes = far.run(burst)
    #expect(outcomes.map(\.reason) == expected)
    for (index, outcome) in outcomes.enumerated() where expected[index] == .none {
      let isSame = outcome.octets == frames[index]
      #expect(isSame, "packet \(index)")
    }
    // Neither did it use anything up: the good ones of the broken are still fresh.
    let again = far.run(good).map(\.reason)
    #expect(
      again
        == expected.map { $0 == .none || $0 == .replayed ? .replayed : .none }.enumerated().map {
          // What a replay took the place of has never come.
          [20, 22].contains($0.offset) ? .none : $0.element
        })
  }

  @Test(arguments: kinds, [false, true])
  func `row 15: what cannot be sealed does not disturb the rest of its burst`(
    _ suite: CipherSuite, _ stories: Bool
  ) throws {
    var esp = ESPDescription(suite)
    esp.pathMTU = 400
    let pair = Self.twoTunnels(esp)
    let near = try TestGateway(pair.near, stories: stories), far = try TestGateway(pair.far)
    // An SA's first packet goes the general way.
    #expect(near.run([0, 1].map { Self.frame(40, to: $0) }).allSatisfy { $0.reason == .none })
    var frames = (0..<64).map { Self.frame(40 + $0 * 2, to: $0 / 3 % 2) }
    var expected = [DropReason](repeating: .none, count: 64)
    for place in [0, 13, 62] {
      frames[place] = ethernet(.ipv4, ipv4(.udp, to: "198.51.109.9", udp()))
      expected[place] = .noPolicy
    }
    for place in [5, 14, 63] {
      frames[place] = ethernet(
        .ipv4, ipv4(.udp, to: "198.51.100.9", dontFragment: true, udp([UInt8](repeating: 1, count: 800))))
      expected[place] = .tooBigForPath
    }
    for place in [8, 15] {
      frames[place].removeLast(3)
      expected[place] = .innerTruncated
    }
    let sealed = near.run(frames)
    #expect(sealed.map(\.reason) == expected)
    for (index, outcome) in sealed.enumerated() where expected[index] != .none {
      #expect(outcome.octets == frames[index], "packet \(index) was refused, and changed")
    }
    let opened = far.run(sealed.filter { $0.reason == .none }.map(\.octets))
    let isSame = opened.map(\.octets) == zip(frames, expected).filter { $0.1 == .none }.map(\.0)
    #expect(isSame)
    #expect(near.associations.counters().filter { $0.direction == .outbound }.map(\.packets).reduce(0, +) == 58)
    #expect(far.associations.counters().filter { $0.direction == .inbound }.allSatisfy { $0.lost == 0 })
  }

  @Test func `row 23: in is out and drops, whatever comes`() throws {
    let pair = Self.twoTunnels()
    let near = try TestGateway(pair.near), far = try TestGateway(pair.far)
    var random = Seeded(seed: 77)
    var frames = (0..<500).map { _ in hostileFrame(&random) }
    frames += near.run((0..<300).map { Self.frame(40 + $0, to: $0 % 3) }).map { outcome in
      var octets = outcome.octets
      if random.chance(of: 4) { octets[random.below(octets.count)] ^= UInt8(1 << random.below(8)) }
      if random.chance(of: 8) { octets.removeLast(random.below(octets.count - 14)) }
      return octets
    }
    frames.shuffle(using: &random)
    let outcomes = far.run(frames)
    let drops = DropReason.allCases.filter { $0 != .none }.map { far.counters.drops($0) }.reduce(0, +)
    let made = outcomes.reduce(0) { $0 + $1.made.count }
    #expect(outcomes.count == frames.count && far.counters.receivedPackets == UInt64(frames.count))
    #expect(far.counters.receivedPackets + far.counters.madePackets == far.counters.keptPackets + drops)
    #expect(far.counters.keptPackets == UInt64(outcomes.count { $0.reason == .none } + made))
    for reason in DropReason.allCases where reason != .none {
      #expect(far.counters.drops(reason) == UInt64(outcomes.count { $0.reason == reason }), "\(reason)")
    }
    let octets = outcomes.filter { $0.reason == .none }.reduce(0) { $0 + $1.octets.count }
    #expect(far.counters.keptBytes == UInt64(octets + outcomes.flatMap(\.made).reduce(0) { $0 + $1.count }))
    #expect(far.counters.drops(.integrity) > 20 && far.counters.keptPackets > 50)
  }
}

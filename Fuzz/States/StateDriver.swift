import Contract
import FuzzKit
import Wire

@testable import Dataplane

/// Any octets as what another member says of a work set, among sets that live: sealed and opened, lost, told on. The first
/// octet of a step says what it is.
@main
enum StateDriver {
  static func main() {
    fuzz { data, size in
      guard let data else { return }
      var input = FuzzInput(data, size)
      var world = StateWorld()
      while !input.isEmpty { world.step(&input) }
    }
  }
}

private struct StateWorld {
  /// Expensive, and the same for all.
  nonisolated(unsafe) private static let engine: CryptoEngine = {
    guard let engine = try? CryptoEngine(forced: .openSSL, lanes: 1) else { preconditionFailure("no engine") }
    return engine
  }()
  private static let set = 1

  /// Two tunnels, one of them with extended numbers, and a group, some of whose senders are of the same set.
  private static let description: ClassifyDescription = {
    var description = ClassifyDescription()
    let address = IPAddress.v4(IPv4Address(0xcb00_7101)), peer = IPAddress.v4(IPv4Address(0xcb00_7102))
    guard let suite = try? CipherSuite(.aesGCM, keyBits: 128) else { preconditionFailure("no suite") }
    func key(_ seed: UInt8) -> KeyDescription { KeyDescription(Secret((0..<20).map { $0 &+ seed }), born: 1) }
    for (number, isExtended) in [false, true].enumerated() {
      var esp = ESPDescription(suite)
      esp.isExtended = isExtended
      esp.window = 64 << number
      var tunnel = TunnelDescription(
        inboundSPI: 0x1001 + UInt32(number) * 1024, outboundSPI: 0x2001 + UInt32(number), peer: peer)
      tunnel.security = TunnelSecurity(
        esp, address: address, inboundKey: key(UInt8(2 * number)), outboundKey: key(UInt8(2 * number + 1)))
      description.tunnels.append(tunnel)
    }
    var group = GroupDescription(spi: 0x10000, senderIDBits: 16)
    group.security = GroupSecurity(
      ESPDescription(suite), address: address, key: key(9), units: 4, maxSenders: 3, local: [], sites: [])
    description.groups = [group]
    description.clusterAddresses = [address]
    return description
  }()

  private let associations: Associations
  private let states: SetStates

  init() {
    guard let made = try? Associations(Self.description, engine: Self.engine, workers: 1) else {
      preconditionFailure("no memory")
    }
    associations = made
    states = SetStates(made)
  }

  mutating func step(_ input: inout FuzzInput) {
    switch input.byte() & 7 {
    case 0: states.begin(Self.set, .bereft)
    case 1: work(input.byte(), input.byte())
    case 2, 3: take(input.octets(input.word() & 1023))
    case let kind:
      var octets = states.octets(of: Self.set) ?? []
      _ = input.bend(&octets, from: kind > 5)
      take(octets)
    }
  }

  private func work(_ packets: Int, _ ahead: Int) {
    for number in 0..<associations.tables.inboundCount where associations.tables.inbound[number].senders == nil {
      let window = associations.tables.inbound[number].window
      if !window.isClosed, window.highest < 1 << 31 { _ = window.commit(window.highest + 1 + UInt64(ahead)) }
      _ = associations.tables.outbound[number].state.pointee.sequence.take(packets)
    }
  }

  private func take(_ octets: [UInt8]) {
    let before = states.octets(of: Self.set)
    let numbers = self.numbers
    guard states.take(octets, of: Self.set) else {
      precondition(states.octets(of: Self.set) == before, "what was refused has changed something")
      return
    }
    for (now, then) in zip(self.numbers, numbers) { precondition(now >= then, "numbers that were used come again") }
    let told = states.octets(of: Self.set) ?? []
    precondition(told.count <= SetStates.mostOctets, "more is told than there is room for")
    precondition(told.isEmpty || SetImage(told, of: Self.set) != nil, "what is told makes no sense")
    // Said again, it says nothing new.
    precondition(told.isEmpty || states.take(told, of: Self.set), "what was told is refused")
    precondition((states.octets(of: Self.set) ?? []) == told, "what was told is not what is there")
  }

  /// Of SAs that have sealed and opened: those only grow.
  private var numbers: [UInt64] {
    (0..<2).flatMap { number in
      let state = associations.tables.outbound[number].state.pointee
      let window = associations.tables.inbound[number].window
      return [state.packets > 0 ? state.sequence.last : 0, window.isClosed ? 0 : window.highest]
    }
  }
}

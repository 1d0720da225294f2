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
  private static let engine: CryptoEngine = {
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
    let before = told, numbers = self.numbers
    guard states.take(octets, of: Self.set) else {
      precondition(told == before, "what was refused has changed something")
      return
    }
    for case (let now?, let then?) in zip(self.numbers, numbers) {
      precondition(now >= then, "numbers that were used come again")
    }
    // Said again, it says nothing new.
    let now = told
    guard let again = states.octets(of: Self.set) else { return }
    precondition(again.count <= SetStates.mostOctets, "more is told than there is room for")
    precondition(states.take(again, of: Self.set), "what was told is refused")
    precondition(told == now, "what was told is not what is there")
  }

  /// Time apart, which goes on meanwhile.
  private var told: SetImage? {
    guard let octets = states.octets(of: Self.set) else { return nil }
    guard var image = SetImage(octets, of: Self.set) else { preconditionFailure("what is told makes no sense") }
    for place in image.records.indices {
      guard case .tunnel(var tunnel) = image.records[place].content else { continue }
      tunnel.ageSeconds = 0
      image.records[place].content = .tunnel(tunnel)
    }
    return image
  }

  /// Of SAs that have sealed and opened: those only grow. Nil where nobody can use any.
  private var numbers: [UInt64?] {
    (0..<2).flatMap { number in
      let state = associations.tables.outbound[number].state.pointee
      let window = associations.tables.inbound[number].window
      return [state.packets > 0 ? state.sequence.last : nil, window.isClosed ? nil : window.highest]
    }
  }
}

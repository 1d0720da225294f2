import Contract
@testable import Dataplane
import PacketMaking
import Wire

/// Members that share an address and its keys, and the peer that they talk to. The test moves work sets among them, as the
/// cluster's thread does.
final class MovedPair {
  let members: [TestGateway]
  let states: [SetStates]
  let peer: TestGateway

  init(
    _ near: ClassifyDescription, _ far: ClassifyDescription, members count: Int = 2, workers: Int = 1,
    stories: Bool = false
  ) throws {
    members = try (0..<count).map { try TestGateway(near, stories: stories, workers: workers, unit: $0) }
    states = members.map { SetStates($0.associations) }
    peer = try TestGateway(far, unit: 9)
  }

  convenience init(_ esp: ESPDescription, members: Int = 2, stories: Bool = false) throws {
    let pair = TunnelPair(esp)
    try self.init(pair.near, pair.far, members: members, stories: stories)
  }

  /// False: what came was refused.
  @discardableResult
  func move(_ set: Int = 1, from: Int, to: Int) -> Bool {
    if let octets = states[from].octets(of: set), !states[to].take(octets, of: set) { return false }
    states[to].begin(set, .carried)
    return true
  }

  /// Its sequence number and IV: IPv4 outside, over Ethernet, a cipher that counts.
  static func numbers(of sealed: [UInt8]) -> (sequence: UInt32, iv: [UInt8]) {
    (sealed[38..<42].reduce(0) { $0 << 8 | UInt32($1) }, Array(sealed[42..<50]))
  }
}

func setImage(_ octets: [UInt8]?, of set: Int = 1) -> SetImage? { octets.flatMap { SetImage($0, of: set) } }

import Contract
import Wire

extension Configuration {
  /// What has to be the same for all members (C6): what decides whose a packet is, how it gets to members, and what
  /// becomes of it. Written out by hand, for members of two versions of the program have to write the same: a word more
  /// makes strangers of them.
  package var agreement: String {
    var lines = ["hash \(classify.hash.rawValue) \(classify.key.text)"]
    lines += classify.clusterAddresses.map { "address \($0)" }
    lines += classify.tunnels.map {
      "tunnel \($0.inboundSPI) \($0.outboundSPI) \($0.peer) \(Self.words($0.local)) \(Self.words($0.remote))"
    }
    lines += classify.groups.map { "group \($0.spi) \($0.senderIDBits)" }
    lines += classify.policies.map(\.words)
    guard let membership else { return lines.joined(separator: "\n") }
    lines += membership.units.map { "unit \($0.number) \($0.inside) \($0.outside)" }
    lines.append("pace \(membership.pace.rawValue)")
    lines.append("balance \(membership.balance.rawValue)")
    lines.append("delivery \(membership.delivery.rawValue)")
    let macs = [classify.accept?.clusterMulticastMAC, classify.accept?.clusterUnicastMAC]
    lines += macs.compactMap { $0 }.map { "to \($0)" }
    return lines.joined(separator: "\n")
  }

  private static func words(_ prefixes: [IPPrefix]) -> String { prefixes.map { "\($0)" }.joined(separator: ",") }
}

extension WorkSetKey {
  fileprivate var text: String { String(high, radix: 16) + ":" + String(low, radix: 16) }
}

extension PolicyDescription {
  fileprivate var words: String {
    let action =
      switch self.action {
      case .bypass: "bypass"
      case .discard: "discard"
      case .protect(let name): "protect \(name)"
      }
    func ports(_ range: ClosedRange<UInt16>?) -> String { range.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "any" }
    let number = protocolNumber.map { "\($0)" } ?? "any"
    return "policy \(action) \(source) \(destination) \(number) \(ports(sourcePorts)) \(ports(destinationPorts))"
  }
}

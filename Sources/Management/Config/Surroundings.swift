import Contract
import Wire

/// What one section has to know of the others, and what it leaves for those behind it.
final class Surroundings {
  let addresses: [IPAddress]
  let unit: UnitSection?
  /// Of those that may be members of its cluster.
  let highestUnit: Int?
  private var keys: [Int: [(secret: Secret, path: FieldPath)]] = [:]

  init(_ cluster: ClusterSection?, _ unit: UnitSection?) {
    addresses = cluster?.addresses ?? []
    self.unit = unit
    highestUnit = cluster?.membership.units.map(\.number).max()
  }

  /// Our end of an association.
  func address(_ reader: inout FieldReader, peer: IPAddress?, isWanted: Bool) -> IPAddress? {
    let address = isWanted ? reader.field("address", .address) : reader.optional("address", .address)
    guard let address else { return nil }
    if !addresses.isEmpty, !addresses.contains(address) {
      let known = addresses.prefix(4).map(\.description) + (addresses.count > 4 ? ["…"] : [])
      reader.reject(
        "address", "found '\(address)', expected one of cluster.addresses: \(known.joined(separator: ", "))")
    }
    if let peer, peer.isIPv6 != address.isIPv6 {
      reader.reject(
        "address", "found '\(address)', expected an \(peer.isIPv6 ? "IPv6" : "IPv4") address, as the peer has one")
    }
    return address
  }

  /// Counters that must never come twice need to know where they have been, and whose they are.
  func refuseCounters(_ suite: CipherSuite, _ reader: borrowing FieldReader) {
    let missing = (unit?.missing ?? ["number", "stateDirectory"]).map { "'unit.\($0)'" }
    guard suite.isCounterMode, !missing.isEmpty else { return }
    reader.reject(
      "cipher", "\(suite) must never repeat a nonce, expected \(missing.joined(separator: " and ")) as well")
  }

  /// Two senders under one key draw the same nonces, and whoever reverses a packet has it accepted.
  func enter(_ secret: Secret, _ name: String, _ reader: borrowing FieldReader) {
    let location = reader.location(of: name)
    let hash = unsafe secret.withOctets { octets in
      var hasher = Hasher()
      unsafe hasher.combine(bytes: octets)
      return hasher.finalize()
    }
    if let other = keys[hash]?.first(where: { $0.secret.isSame(as: secret) }) {
      reader.reject(location, "found the key of \(other.path) again, expected every key once")
    } else {
      keys[hash, default: []].append((secret, location.path))
    }
  }
}

package import Contract
import Glibc
package import Nonces
package import Wire

/// What a replay needs to seal and open.
package struct ReplaySecurity {
  /// Nil takes the fastest that is here.
  package var engine: CryptoEngine.Kind?
  /// The gateway at the other end, for a round trip; nil leaves packets as they are sealed or opened.
  package var farEnd: ClassifyDescription?
  /// This one of the units that share keys.
  package var unit = 0
  package var keepsStories = false
  /// Where the nonces of all keys come from; nil where no suite needs any.
  package var nonces: NonceStateDirectory?
  /// What is known of the keys' past.
  package var history: KeyHistory

  package init(_ nonces: NonceStateDirectory?, _ history: KeyHistory) {
    self.nonces = nonces
    self.history = history
  }
}

/// Two gateways and one group SA between them, with a key that is drawn now and gone with the process: for whoever has
/// no configuration and wants to see his own packets there and back.
package struct RoundTripPlan {
  package let near: ClassifyDescription
  package let far: ClassifyDescription
  package let key: KeyDescription

  package static let spi: UInt32 = 0x4841_5542
  package static let suite: CipherSuite = {
    guard let suite = try? CipherSuite(.aesGCM, keyBits: 128) else { preconditionFailure("AES-GCM is a suite") }
    return suite
  }()

  package init(_ description: ClassifyDescription, link: LinkType) {
    var material = [UInt8](repeating: 0, count: Self.suite.materialBytes)
    precondition(getentropy(&material, material.count) == 0, "the kernel has no random octets")
    let key = KeyDescription(Secret(material), born: 0)
    explicit_bzero(&material, material.count)
    self.key = key
    let isIPv6 = link == .rawIPv6
    // Addresses for benchmarks (RFC 2544, RFC 5180): hardly anybody's.
    let nearAddress = isIPv6 ? "2001:2::a" : "198.18.255.1", farAddress = isIPv6 ? "2001:2::b" : "198.18.255.2"
    func side(_ own: String, _ other: String, receives: Bool) -> ClassifyDescription {
      var side = description
      side.tunnels = []
      side.policies = []
      guard let address = IPAddress(own), let gateway = IPAddress(other), let all4 = IPPrefix("0.0.0.0/0"),
        let all6 = IPPrefix("::/0")
      else { preconditionFailure("the addresses of a round trip are addresses") }
      var esp = ESPDescription(Self.suite)
      esp.window = 4096
      var group = GroupDescription(name: "round trip", spi: Self.spi, senderIDBits: 8)
      group.security = GroupSecurity(
        esp, address: address, key: key, units: 1, maxSenders: OwnershipDescription.mostWorkers,
        local: [all4, all6], sites: [GroupSite(gateway: gateway, networks: [all4, all6])])
      side.groups = [group]
      // What is captured is not for gateway A, whatever its addresses are; gateway B gets what A sends.
      side.clusterAddresses = receives ? [address] : []
      if receives {
        side.accept = nil
        side.hash = .keyed
      }
      return side
    }
    near = side(nearAddress, farAddress, receives: false)
    far = side(farAddress, nearAddress, receives: true)
  }

  /// Nonces for that key: of this process, like the key.
  package static func nonces() -> NonceStateDirectory { NonceStateDirectory(disk: MemoryDisk(), path: "memory") }
}

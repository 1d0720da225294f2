package import Contract

/// What an audit has to know of one SA.
package struct AuditedSA: Equatable, Sendable {
  /// 0 for a cipher without IV, 8 for the counter modes, 16 for CBC.
  package var ivBytes: Int
  /// How many of the IV's leading bits say who sent it (RFC 6054); 0 for none.
  package var senderIDBits: Int
  /// Whether an IV must never come twice. One of CBC should not, but the key survives it.
  package var isCounterMode: Bool

  package init(ivBytes: Int, senderIDBits: Int, isCounterMode: Bool) {
    precondition([0, 8, 16].contains(ivBytes) && (0...32).contains(senderIDBits))
    precondition(senderIDBits == 0 || ivBytes >= 8, "sender ids are in the IV")
    self.ivBytes = ivBytes
    self.senderIDBits = senderIDBits
    self.isCounterMode = isCounterMode
  }

  /// What nearly every SA of today is.
  package static let assumed = AuditedSA(ivBytes: 8, senderIDBits: 0, isCounterMode: true)
}

/// What is known of SAs, by SPI.
package struct AuditedSAs: Sendable {
  private var bySPI: [UInt32: AuditedSA] = [:]

  /// Nothing is known.
  package init() {}

  /// Both directions of the tunnels, and the groups. Where no suite is configured, a counter is assumed.
  package init(_ description: ClassifyDescription) {
    for tunnel in description.tunnels {
      let sa = Self.sa(tunnel.security?.esp.suite, senderIDBits: 0)
      self[tunnel.inboundSPI] = sa
      self[tunnel.outboundSPI] = sa
    }
    // After the tunnels, as in the table of SPIs that packets meet: a group's SPI is the group's.
    for group in description.groups {
      self[group.spi] = Self.sa(group.security?.esp.suite, senderIDBits: group.senderIDBits)
    }
  }

  package subscript(spi: UInt32) -> AuditedSA? {
    get { bySPI[spi] }
    set { bySPI[spi] = newValue }
  }

  private static func sa(_ suite: CipherSuite?, senderIDBits: Int) -> AuditedSA {
    let isCounterMode = suite?.isCounterMode ?? true
    // An IV of CBC is unpredictable from its first bit on.
    return AuditedSA(
      ivBytes: suite?.ivBytes ?? AuditedSA.assumed.ivBytes, senderIDBits: isCounterMode ? senderIDBits : 0,
      isCounterMode: isCounterMode)
  }
}

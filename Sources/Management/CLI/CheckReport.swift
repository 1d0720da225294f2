package import Config
package import Contract
import Wire

/// What a configuration would do, in plain words.
package struct CheckReport {
  let path: String
  let configuration: Configuration
  package private(set) var warnings: [String]

  /// `found` is what the machine says: of the state directory, of nonces.
  package init(_ path: String, _ configuration: Configuration, found: [String]) {
    self.path = path
    self.configuration = configuration
    warnings = CheckWarnings(configuration).list + found
  }

  private var classify: ClassifyDescription { configuration.classify }
  /// More would be no report any more; JSON has all.
  static let mostRules = 200

  package var text: String {
    var lines = ["\(path) is right\(configuration.signer.map { ", and signed by the key \($0)" } ?? "").", ""]
    lines += unit
    if let membership { lines += membership.text + [""] }
    if let gateway = configuration.gateway { lines += CheckPorts(gateway).text }
    for (number, tunnel) in classify.tunnels.enumerated() {
      lines += ["", Self.title(tunnel, number)] + describe(tunnel)
    }
    for (number, group) in classify.groups.enumerated() { lines += ["", Self.title(group, number)] + describe(group) }
    if classify.hasSecurity { lines += policies }
    if !warnings.isEmpty { lines += ["", "warnings"] + warnings.map { "  " + $0 } }
    return lines.joined(separator: "\n") + "\n"
  }

  private var membership: CheckMembership? {
    configuration.membership.map {
      CheckMembership($0, own: configuration.unitNumber ?? 0, classify, configuration.gateway?.interfaces ?? [])
    }
  }

  /// Nil where frames to every address are taken, and for a member, whose own ones are its devices'.
  private var unitMAC: MACAddress? { classify.accept.flatMap { $0.unitMAC == .zero ? nil : $0.unitMAC } }

  private var unit: [String] {
    var words: [String] = []
    if let number = configuration.unitNumber { words.append("number \(number)") }
    if let folder = configuration.stateDirectory { words.append("nonce state in \(folder)") }
    words.append(
      classify.accept == nil
        ? "accepts frames to every MAC address"
        : "accepts frames to \(unitMAC.map { "\($0)" } ?? "its devices' addresses"), the cluster and its groups")
    let addresses = classify.clusterAddresses.map(\.description)
    return [
      "unit      " + words.joined(separator: ", "),
      "cluster   " + (addresses.isEmpty ? "no addresses" : addresses.joined(separator: ", "))
        + (classify.hash == .keyed ? "; keyed hash" : "; the historic XOR filter"),
      "ciphers   " + (configuration.engine ?? "the fastest engine that is here"),
    ]
  }

  package static func title(_ tunnel: TunnelDescription, _ number: Int) -> String {
    "tunnel " + (tunnel.name.isEmpty ? "\(number + 1), 0x\(String(tunnel.inboundSPI, radix: 16))" : tunnel.name)
  }

  package static func title(_ group: GroupDescription, _ number: Int) -> String {
    "group " + (group.name.isEmpty ? "\(number + 1), 0x\(String(group.spi, radix: 16))" : group.name)
  }

  private func describe(_ tunnel: TunnelDescription) -> [String] {
    let spis =
      "  SPI in 0x\(String(tunnel.inboundSPI, radix: 16)), work set \(tunnel.inboundSPI & 1023);"
      + " out 0x\(String(tunnel.outboundSPI, radix: 16))"
    guard let security = tunnel.security else {
      return ["  to \(tunnel.peer), without keys: classified, neither sealed nor opened", spis]
    }
    return ["  \(security.address) to \(tunnel.peer)", spis] + describe(security.esp, isIPv6: tunnel.peer.isIPv6)
  }

  private func describe(_ group: GroupDescription) -> [String] {
    let spi = "  SPI 0x\(String(group.spi, radix: 16)), sender ids of \(group.senderIDBits) bits"
    guard let security = group.security else {
      return [spi + "; without keys: classified, neither sealed nor opened"]
    }
    let sites = security.sites.map { site in
      "  site \(site.gateway): \(Self.list(site.networks.map(\.description)))"
    }
    return [
      "  \(security.address), unit \(configuration.unitNumber ?? 0) of \(security.units)",
      spi + ", windows for \(security.maxSenders) senders",
    ] + describe(security.esp, isIPv6: security.address.isIPv6)
      + (sites.isEmpty ? ["  no sites: receives only"] : sites)
  }

  private func describe(_ esp: ESPDescription, isIPv6: Bool) -> [String] {
    var first = "  \(esp.suite), \(esp.mode.rawValue) mode"
    if let udp = esp.encapsulation { first += ", in UDP from port \(udp.localPort) to \(udp.peerPort)" }
    first += esp.isExtended ? ", 64-bit sequence numbers" : ""
    let inner = esp.innerMTU(isIPv6: isIPv6)
    let path =
      inner.map { "path of \(esp.pathMTU) octets: inner packets of up to \(max(0, $0))" } ?? "path of any length"
    return [
      first,
      "  outer header: \(esp.marks(isIPv6: isIPv6))" + (esp.paddedLength == 0 ? "" : "; padded to \(esp.paddedLength)"),
      "  replay window \(esp.window); \(path)", "  lifetime: \(Self.lifetime(esp))",
    ]
  }

  private static func lifetime(_ esp: ESPDescription) -> String {
    let limits = [("packets", esp.packets), ("bytes", esp.bytes), ("seconds", esp.seconds)]
    let words = limits.compactMap { name, limit in
      limit.map { "\(Format.grouped($0.hard)) \(name), told at \(Format.grouped($0.soft))" }
    }
    return words.isEmpty ? "as many packets as there are sequence numbers" : words.joined(separator: "; ")
  }

  private static func list(_ words: [String]) -> String {
    words.count <= 8 ? words.joined(separator: ", ") : words.prefix(8).joined(separator: ", ") + ", … (\(words.count))"
  }

  private var policies: [String] {
    let rules = CheckRule.all(classify)
    let shown = rules.prefix(Self.mostRules).enumerated().map { number, rule in
      "  " + Format.right("\(number + 1)", 4) + "  " + rule.text
    }
    let rest = rules.count > shown.count ? ["        … and \(rules.count - shown.count) more"] : []
    return ["", "policies, of which the first that fits counts"] + shown + rest + ["        discard everything else"]
  }
}

extension CheckReport {
  package var json: JSON {
    .object(members + (configuration.gateway.map { CheckPorts($0).json } ?? []) + last)
  }

  private var members: [(String, JSON)] {
    [
      ("config", .string(path)), ("signer", configuration.signer.map { .string($0) } ?? .null),
      ("unit", configuration.unitNumber.map { .integer(UInt64($0)) } ?? .null),
      ("stateDirectory", configuration.stateDirectory.map { .string($0) } ?? .null),
      ("unitMAC", unitMAC.map { .string($0.description) } ?? .null),
      ("clusterAddresses", .array(classify.clusterAddresses.map { .string($0.description) })),
      ("cluster", membership?.json ?? .null),
      ("hash", .string(classify.hash.rawValue)), ("engine", .string(configuration.engine ?? "auto")),
      ("tunnels", .array(classify.tunnels.map(Self.json))), ("groups", .array(classify.groups.map(Self.json))),
      ("policies", .array(classify.hasSecurity ? CheckRule.all(classify).map(\.json) : [])),
    ]
  }

  private var last: [(String, JSON)] { [("warnings", .array(warnings.map { .string($0) }))] }

  private static func json(_ tunnel: TunnelDescription) -> JSON {
    .object(
      [
        ("name", .string(tunnel.name)), ("peer", .string(tunnel.peer.description)),
        ("inboundSPI", .integer(UInt64(tunnel.inboundSPI))), ("outboundSPI", .integer(UInt64(tunnel.outboundSPI))),
        ("workSet", .integer(UInt64(tunnel.inboundSPI & 1023))),
      ] + (tunnel.security.map { json($0.esp, $0.address) } ?? []))
  }

  private static func json(_ group: GroupDescription) -> JSON {
    var members: [(String, JSON)] = [
      ("name", .string(group.name)), ("spi", .integer(UInt64(group.spi))),
      ("senderIDBits", .integer(UInt64(group.senderIDBits))),
    ]
    if let security = group.security {
      members += [
        ("units", .integer(UInt64(security.units))), ("maxSenders", .integer(UInt64(security.maxSenders))),
        ("sites", .array(security.sites.map { .string($0.gateway.description) })),
      ]
      members += json(security.esp, security.address)
    }
    return .object(members)
  }

  private static func json(_ esp: ESPDescription, _ address: IPAddress) -> [(String, JSON)] {
    func json(_ limit: ESPDescription.Limit?) -> JSON {
      limit.map { .object([("soft", .integer($0.soft)), ("hard", .integer($0.hard))]) } ?? .null
    }
    return [
      ("address", .string(address.description)), ("suite", .string(esp.suite.description)),
      ("mode", .string(esp.mode.rawValue)), ("esn", .bool(esp.isExtended)), ("window", .integer(UInt64(esp.window))),
      ("udp", .bool(esp.encapsulation != nil)), ("pathMTU", .integer(UInt64(esp.pathMTU))),
      ("innerMTU", esp.innerMTU(isIPv6: address.isIPv6).map { .integer(UInt64(max(0, $0))) } ?? .null),
      ("packets", json(esp.packets)), ("bytes", json(esp.bytes)), ("seconds", json(esp.seconds)),
    ] + outer(esp, isIPv6: address.isIPv6)
  }
}

extension CheckReport {
  /// What the outer header says: "copy", or a number.
  private static func outer(_ esp: ESPDescription, isIPv6: Bool) -> [(String, JSON)] {
    var members: [(String, JSON)] = [
      (
        "udpPorts",
        esp.encapsulation.map { .array([.integer(UInt64($0.localPort)), .integer(UInt64($0.peerPort))]) } ?? .null
      ),
      ("padTo", .integer(UInt64(esp.paddedLength))), ("ecn", .string(esp.ecn.rawValue)),
    ]
    if case .set(let value) = esp.dscp {
      members.append(("dscp", .integer(UInt64(value))))
    } else {
      members.append(("dscp", .string("copy")))
    }
    if case .set(let value) = esp.hopLimit {
      members.append(("hopLimit", .integer(UInt64(value))))
    } else {
      members.append(("hopLimit", .string("copy")))
    }
    switch (isIPv6, esp.flowLabel) {
    case (false, _): members.append(("dontFragment", .string(esp.dontFragment.rawValue)))
    case (true, .copy): members.append(("flowLabel", .string("copy")))
    case (true, .set(let value)): members.append(("flowLabel", .integer(UInt64(value))))
    }
    return members
  }
}

extension ESPDescription {
  /// What the outer header says where the inner one says something, too.
  fileprivate func marks(isIPv6: Bool) -> String {
    var words: [String] = []
    if case .set(let value) = dscp { words.append("DSCP \(value)") } else { words.append("DSCP copied") }
    words.append(ecn == .normal ? "ECN carried through" : "ECN hidden from the path")
    if case .set(let value) = hopLimit { words.append("hop limit \(value)") } else { words.append("hop limit copied") }
    switch (isIPv6, flowLabel) {
    case (true, .copy): words.append("flow label copied")
    case (true, .set(let value)): words.append("flow label \(value)")
    case (false, _):
      let fixed: [DontFragment: String] = [.copy: "DF copied", .set: "DF set", .clear: "DF clear"]
      words.append(fixed[dontFragment] ?? "")
    }
    return words.joined(separator: ", ")
  }

  /// The longest packet that still fits into the path once it is sealed; nil where the path takes all.
  package func innerMTU(isIPv6: Bool) -> Int? {
    guard pathMTU > 0 else { return nil }
    let header = isIPv6 ? 40 : 20
    let around = header + (encapsulation == nil ? 0 : 8) + 8 + suite.ivBytes + suite.tagBytes
    let block = max(4, suite.blockBytes)
    // Two octets of the trailer: how much padding, and what is inside.
    let covered = (pathMTU - around) / block * block - 2
    return mode == .transport ? covered + header : covered
  }
}

import Config
import Contract
import Wire

/// One line of the policy as it is in force, and where it comes from.
struct CheckRule {
  var policy: PolicyDescription
  /// Nil for one that the file has as a policy.
  var impliedBy: String?

  /// The file's own, then what tunnels and groups imply.
  static func all(_ classify: ClassifyDescription) -> [CheckRule] {
    var rules = classify.policies.map { CheckRule(policy: $0, impliedBy: nil) }
    for (number, tunnel) in classify.tunnels.enumerated() where tunnel.security != nil {
      rules += implied(tunnel.local, tunnel.remote, CheckReport.title(tunnel, number))
    }
    for (number, group) in classify.groups.enumerated() {
      for site in group.security?.sites ?? [] {
        let title = CheckReport.title(group, number) + " to \(site.gateway)"
        rules += implied(group.security?.local ?? [], site.networks, title)
      }
    }
    return rules
  }

  private static func implied(_ local: [IPPrefix], _ remote: [IPPrefix], _ title: String) -> [CheckRule] {
    local.flatMap { source in
      remote.filter { $0.address.isIPv6 == source.address.isIPv6 }.map { destination in
        CheckRule(
          policy: PolicyDescription(.protect(title), source: source, destination: destination), impliedBy: title)
      }
    }
  }

  private var action: String {
    switch policy.action {
    case .bypass: "bypass"
    case .discard: "discard"
    case .protect: "protect"
    }
  }

  var text: String {
    var words = Format.left(action, 8) + " \(policy.source) to \(policy.destination)"
    if let number = policy.protocolNumber { words += ", protocol \(number)" }
    if let ports = policy.sourcePorts { words += ", from port \(Self.written(ports))" }
    if let ports = policy.destinationPorts { words += ", to port \(Self.written(ports))" }
    if let impliedBy { return words + ": \(impliedBy), by its networks" }
    if case .protect(let name) = policy.action { words += ": \(name)" }
    return words
  }

  private static func written(_ ports: ClosedRange<UInt16>) -> String {
    ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
  }

  var json: JSON {
    func ports(_ range: ClosedRange<UInt16>?) -> JSON { range.map { .string(Self.written($0)) } ?? .null }
    var by = JSON.null
    if case .protect(let name) = policy.action { by = .string(name) }
    return .object([
      ("action", .string(action)), ("by", by), ("source", .string(policy.source.description)),
      ("destination", .string(policy.destination.description)),
      ("protocol", policy.protocolNumber.map { .integer(UInt64($0)) } ?? .null),
      ("sourcePorts", ports(policy.sourcePorts)), ("destinationPorts", ports(policy.destinationPorts)),
      ("implied", .bool(impliedBy != nil)),
    ])
  }
}

/// What is allowed and still hardly meant.
struct CheckWarnings {
  private(set) var list: [String] = []
  /// Every one is compared with all before it.
  static let mostCompared = 4096

  init(_ configuration: Configuration) {
    let classify = configuration.classify
    if classify.hash == .keyed, classify.key == .zero, !classify.clusterAddresses.isEmpty {
      list.append("cluster: the hash key is all zero, so anybody can choose the work set of his packets")
    }
    for (number, tunnel) in classify.tunnels.enumerated() {
      guard let security = tunnel.security else { continue }
      judge(
        security.esp, [security.inboundKey, security.outboundKey], isIPv6: tunnel.peer.isIPv6,
        CheckReport.title(tunnel, number))
    }
    for (number, group) in classify.groups.enumerated() {
      guard let security = group.security else { continue }
      judge(security.esp, [security.key], isIPv6: security.address.isIPv6, CheckReport.title(group, number))
    }
    judge(classify.policies, classify.groups)
  }

  private mutating func judge(_ esp: ESPDescription, _ keys: [KeyDescription], isIPv6: Bool, _ title: String) {
    if esp.suite.integrity == .hmacSHA1 { list.append("\(title): HMAC-SHA1 is for old peers alone (RFC 8221)") }
    if esp.suite.cipher == .null || esp.suite.cipher == .aesGMAC {
      list.append("\(title): \(esp.suite) hides nothing: everybody on the way can read the packets")
    }
    if keys.contains(where: { key in unsafe key.material.withOctets { unsafe $0.allSatisfy { $0 == 0 } } }) {
      list.append("\(title): a key is all zero, which protects from nobody")
    }
    if let inner = esp.innerMTU(isIPv6: isIPv6), inner < esp.paddedLength, esp.mode == .tunnel {
      list.append("\(title): padded to \(esp.paddedLength) octets, no packet fits into a path of \(esp.pathMTU)")
    }
  }

  private mutating func judge(_ policies: [PolicyDescription], _ groups: [GroupDescription]) {
    if policies.count > Self.mostCompared {
      list.append("policies: only the first \(Self.mostCompared) were compared with each other")
    }
    let compared = policies.prefix(Self.mostCompared)
    for (number, policy) in compared.enumerated() {
      if let earlier = compared[..<number].firstIndex(where: { $0.covers(policy) }) {
        list.append("policy \(number + 1) never counts: policy \(earlier + 1) fits everything that it fits")
      }
    }
    let sitesByName = Dictionary(groups.map { ($0.name, $0.security?.sites) }) { first, _ in first }
    for (number, policy) in policies.enumerated() {
      guard case .protect(let name) = policy.action, let sites = sitesByName[name] ?? nil else { continue }
      let reached = sites.flatMap(\.networks).contains {
        $0.isWithin(policy.destination) || policy.destination.isWithin($0)
      }
      // The family that was not meant where neither end is given.
      if !reached, policy.destination.length > 0 {
        list.append("policy \(number + 1): no site of group \(name) has a network of \(policy.destination)")
      }
    }
  }
}

extension PolicyDescription {
  /// Whether every packet that the other fits is one of this.
  fileprivate func covers(_ other: PolicyDescription) -> Bool {
    func covers(_ mine: ClosedRange<UInt16>?, _ theirs: ClosedRange<UInt16>?) -> Bool {
      guard let mine else { return true }
      return theirs.map { mine.contains($0.lowerBound) && mine.contains($0.upperBound) } ?? false
    }
    return other.source.isWithin(source) && other.destination.isWithin(destination)
      && (protocolNumber == nil || protocolNumber == other.protocolNumber)
      && covers(sourcePorts, other.sourcePorts) && covers(destinationPorts, other.destinationPorts)
  }
}

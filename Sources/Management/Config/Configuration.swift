package import Contract
import Wire

/// What a configuration file says.
package struct Configuration: Sendable {
  package var classify = ClassifyDescription()
  /// How many frames, and of how many bytes; nil leaves the default.
  package var frames: Int?
  package var frameBytes: Int?
  /// Which of the units that share keys this is.
  package var unitNumber: Int?
  /// Where the record of used nonces is.
  package var stateDirectory: String?
  /// What computes ciphers; nil chooses.
  package var engine: String?
  /// Of a live gateway; nil where the file names no ports.
  package var gateway: GatewayDescription?
  /// Of one of several gateways that wear the same addresses; nil of one alone.
  package var membership: MembershipDescription?
  package var operation = OperationSection()
  /// Whose signature it carries; nil where nobody asked.
  package var signer: String?

  package init(_ document: YAMLDocument) throws(ConfigurationErrors) {
    self = try document.read { Configuration(&$0) }
  }

  /// After an error, what is left has no meaning: the errors are thrown.
  init(_ reader: inout FieldReader) {
    let memory = reader.optional("memory", .section(MemorySection.read))
    let unit = reader.optional("unit", .section(UnitSection.read))
    let cluster = reader.optional("cluster", .section(ClusterSection.read))
    engine = reader.optional("engine", .engine).flatMap { $0 }
    readGateway(&reader)
    frames = memory?.frames
    frameBytes = memory?.frameBytes
    unitNumber = unit?.number
    stateDirectory = unit?.stateDirectory
    if let cluster {
      classify.clusterAddresses = cluster.addresses
      classify.hash = cluster.hash
      classify.key = cluster.key
    }
    classify.accept = unit?.mac.map { mac in
      AcceptDescription(
        unitMAC: mac, clusterUnicastMAC: cluster?.unicastMAC, clusterMulticastMAC: cluster?.multicastMAC,
        groups: unit?.groups ?? [])
    }
    readMembership(cluster, unit, &reader)
    // A live gateway's own MAC addresses are its devices'.
    if membership != nil, unit?.mac == nil {
      classify.accept = AcceptDescription(
        unitMAC: .zero, clusterUnicastMAC: cluster?.unicastMAC, clusterMulticastMAC: cluster?.multicastMAC,
        groups: unit?.groups ?? [])
    }
    readAssociations(&reader, Surroundings(cluster, unit))
    if unit?.mac == nil, cluster?.membership.isMeant != true, cluster?.unicastMAC != nil || cluster?.multicastMAC != nil
    {
      reader.reject("cluster", "MAC addresses are given, but no 'unit.mac' of its own that completes them")
    }
  }

  private mutating func readGateway(_ reader: inout FieldReader) {
    let ports = reader.optional("ports", .section(PortsSection.read))
    let routes = reader.field(
      "routes", .list(of: .section(RouteSection.read), count: 0...RouteDescription.most), default: [])
    let workers = reader.field("workers", .integer(in: 1...OwnershipDescription.mostWorkers), default: 1)
    let polling = reader.field("polling", .choice, default: Polling.adaptive)
    let segments = reader.field("clampMSS", .segmentLimit, default: SegmentLimit.none)
    operation = reader.field("operation", .section(OperationSection.read), default: OperationSection())
    guard let ports else {
      if !reader.contains("ports"), !routes.isEmpty {
        reader.reject("routes", "found routes, expected 'ports' as well, by which packets leave")
      }
      return
    }
    var gateway = GatewayDescription(ports: ports.ports, interfaces: ports.interfaces, routes: routes)
    gateway.workers = workers
    gateway.polling = polling
    gateway.segmentLimit = segments
    self.gateway = gateway
  }

  private mutating func readAssociations(_ reader: inout FieldReader, _ around: Surroundings) {
    let tunnels = reader.optional(
      "tunnels",
      .list(
        of: .located(.section { TunnelSection.read(&$0, around) }), count: 0...ClassifyDescription.mostTunnels))
    let groups = reader.optional("groups", .list(of: .located(.section { GroupSection.read(&$0, around) })))
    let policies = reader.optional("policies", .list(of: .section(PolicySection.read)))
    let consistency = Consistency(
      tunnels: reader.contains("tunnels") ? tunnels : [], groups: reader.contains("groups") ? groups : [],
      policies: reader.contains("policies") ? policies : [])
    consistency.check(reader)
    classify.tunnels = tunnels?.map(\.value) ?? []
    classify.groups = groups?.map(\.value) ?? []
    classify.policies = policies?.flatMap(\.descriptions) ?? []
    if classify.clusterAddresses.isEmpty, !classify.tunnels.isEmpty || !classify.groups.isEmpty {
      reader.reject(
        classify.tunnels.isEmpty ? "groups" : "tunnels",
        "security associations end at a cluster address, expected 'cluster.addresses' as well")
    }
  }
}

extension FieldFormat where Value == SegmentLimit {
  static var segmentLimit: FieldFormat {
    let range = SegmentLimit.octetRange
    return text("auto, off or a number of octets from \(range.lowerBound) to \(range.upperBound)") { text in
      switch text {
      case "auto": SegmentLimit.automatic
      case "off": SegmentLimit.none
      default: UInt16(text).flatMap { range.contains($0) ? .octets($0) : nil }
      }
    }
  }
}

extension FieldFormat where Value == String? {
  /// The raw values of `CryptoEngine.Kind`; nil chooses.
  static var engine: FieldFormat { choice(of: ["auto": nil, "ipsec-mb": "ipsec-mb", "openssl": "openssl"]) }
}

package import CLI

/// A gateway's status for Prometheus. Names and units by its conventions: base units, `_total` for what only grows.
package struct Metrics {
  private var exposition = Exposition()

  /// A series for each SA is dear where there are very many: no more than that get one.
  package static let mostAssociations = 1000

  package init(_ status: GatewayStatus, _ associations: [AssociationStatus] = []) {
    gateway(status)
    ports(status.ports)
    workers(status.workers)
    self.associations(associations.prefix(Self.mostAssociations))
    exposition.add(
      "hauberk_drops_total", .counter, "Packets that went no further, by reason.",
      status.drops.map { ([("reason", $0.reason)], "\($0.packets)") })
    exposition.add(
      "hauberk_events_total", .counter, "What else was counted, by name.",
      status.counters.map { ([("event", $0.name)], "\($0.value)") })
  }

  package var text: String { exposition.text }

  private mutating func gateway(_ status: GatewayStatus) {
    exposition.add(
      "hauberk_build_info", .gauge, "Which version runs.",
      [([("version", status.version), ("engine", status.engine ?? "")], "1")])
    exposition.add(
      "hauberk_state", .gauge, "1 for the state that the gateway is in, 0 for the others.",
      GatewayState.allCases.map { ([("state", $0.rawValue)], $0 == status.state ? "1" : "0") })
    exposition.add(
      "hauberk_uptime_seconds", .gauge, "How long the gateway runs.",
      [([], Exposition.number(status.uptimeSeconds))])
    exposition.add("hauberk_reloads_total", .counter, "How often the configuration was replaced.", status.reloads)
    exposition.add("hauberk_associations", .gauge, "Security associations there are.", status.associationCount)
    exposition.add("hauberk_routes", .gauge, "Routes there are.", status.routeCount)
    exposition.add("hauberk_neighbours", .gauge, "Neighbours that are known.", status.neighbourCount)
    exposition.add("hauberk_warnings", .gauge, "Things that an operator should look at.", UInt64(status.warnings.count))
  }

  private mutating func ports(_ ports: [PortStatus]) {
    func each(_ value: (PortStatus) -> String) -> [(labels: [(String, String)], String)] {
      ports.map { ($0.labels, value($0)) }
    }
    exposition.add(
      "hauberk_port_info", .gauge, "How a port reaches its device.",
      ports.map { ($0.labels + [("method", $0.method), ("mac", $0.mac)], "1") })
    exposition.add("hauberk_port_up", .gauge, "1 while the link is up.", each { $0.link == .up ? "1" : "0" })
    exposition.add("hauberk_port_mtu_bytes", .gauge, "The longest packet that the device takes.", each { "\($0.mtu)" })
    exposition.add(
      "hauberk_port_kernel_drops_total", .counter, "Packets that the kernel had for a port and dropped, by cause.",
      ports.flatMap { port in port.kernelDrops.list.map { (port.labels + [("cause", $0.name)], "\($0.count)") } })
    exposition.add(
      "hauberk_port_finished_checksums_total", .counter, "Checksums left to a device, and finished by the port.",
      each { "\($0.finishedChecksums)" })
    exposition.add(
      "hauberk_port_unfinished_checksums_total", .counter, "Checksums left to a device, and never finished.",
      each { "\($0.unfinishedChecksums)" })
    for (word, path) in [("received", \PortStatus.received), ("sent", \PortStatus.sent)] {
      exposition.add(
        "hauberk_port_\(word)_packets_total", .counter, "Packets \(word).", each { "\($0[keyPath: path].packets)" })
      exposition.add(
        "hauberk_port_\(word)_bytes_total", .counter, "Octets of packets \(word).",
        each { "\($0[keyPath: path].bytes)" })
      exposition.add(
        "hauberk_port_\(word)_drops_total", .counter, "Packets that were to be \(word) and were not, by cause.",
        ports.flatMap { port in
          port[keyPath: path].drops.list.map { (port.labels + [("cause", $0.name)], "\($0.count)") }
        })
    }
  }

  private mutating func workers(_ workers: [WorkerStatus]) {
    func add(_ name: String, _ kind: Exposition.Kind, _ help: String, _ value: (WorkerStatus) -> String) {
      exposition.add("hauberk_worker_\(name)", kind, help, workers.map { ([("worker", "\($0.number)")], value($0)) })
    }
    add("packets_total", .counter, "Packets that a worker has taken.") { "\($0.packets)" }
    add("bytes_total", .counter, "Octets that a worker has taken.") { "\($0.bytes)" }
    add("bursts_total", .counter, "Bursts that a worker has taken packets in.") { "\($0.bursts)" }
    add("drops_total", .counter, "Packets that a worker has dropped.") { "\($0.drops)" }
    add("idle_ratio", .gauge, "The share of its time in which a worker had nothing to do.") {
      Exposition.number($0.idleShare)
    }
  }

  private mutating func associations(_ all: ArraySlice<AssociationStatus>) {
    func add(_ name: String, _ kind: Exposition.Kind, _ help: String, _ value: (AssociationStatus) -> String?) {
      exposition.add(
        "hauberk_association_\(name)", kind, help, all.compactMap { sa in value(sa).map { (sa.labels, $0) } })
    }
    add("packets_total", .counter, "Packets that an SA has sealed or opened.") { "\($0.packets)" }
    add("bytes_total", .counter, "Octets that an SA has sealed or opened.") { "\($0.bytes)" }
    add("lost_packets_total", .counter, "Sequence numbers that left the window and never came.") { "\($0.lost)" }
    add("sequence_number", .gauge, "The highest sequence number.") { "\($0.sequence)" }
    add("lost_sets", .gauge, "Work sets in which an SA refuses what comes, for its numbers went with another member.") {
      "\($0.state == .stateLost ? 1 : $0.lostSets)"
    }
    add("lifetime_left_seconds", .gauge, "What is left of an SA's life in time.") { $0.left.seconds.map { "\($0)" } }
    add("lifetime_left_packets", .gauge, "What is left of an SA's life in packets.") { $0.left.packets.map { "\($0)" } }
    add("lifetime_left_bytes", .gauge, "What is left of an SA's life in octets.") { $0.left.bytes.map { "\($0)" } }
    exposition.add(
      "hauberk_association_drops_total", .counter, "Packets that an SA refused, by reason.",
      all.flatMap { sa in sa.drops.list.map { (sa.labels + [("reason", $0.name)], "\($0.count)") } })
  }
}

extension PortStatus {
  fileprivate var labels: [(String, String)] { [("side", side), ("device", device)] }
}

extension AssociationStatus {
  fileprivate var labels: [(String, String)] {
    // A peer chooses our outbound SPI: another may choose the same.
    [
      ("name", name), ("spi", "0x" + Format.hex(UInt64(spi), digits: 8)), ("direction", direction), ("peer", peer),
    ]
  }
}

/// What a gateway says of itself, as a person reads it.
package struct StatusTables {
  private let status: GatewayStatus
  private let rates: Rates?

  package init(_ status: GatewayStatus, _ rates: Rates? = nil) {
    self.status = status
    self.rates = rates
  }

  /// The answer of `hauberk show`, or of `hauberk status`.
  package func text(of what: Shown?) -> String {
    switch what {
    case .ports: ports
    case .workers: workers
    case .drops: drops
    case .counters: counters
    default: overview
    }
  }

  /// The answer of `hauberk status`.
  var overview: String {
    var lines = ["\(status.state.rawValue) for \(Format.duration(status.uptimeSeconds)), hauberk \(status.version)"]
    lines.append("")
    lines.append("  config    \(status.configuration)" + (status.personality.map { ", signed by \($0)" } ?? ""))
    if status.reloads > 0 { lines.append("  reloaded  \(status.reloads == 1 ? "once" : "\(status.reloads) times")") }
    lines.append("  process   \(status.process), polling \(status.polling)")
    if let cluster = status.cluster { lines.append("  cluster   \(cluster)") }
    if let engine = status.engine { lines.append("  ciphers   \(engine)") }
    if !status.memory.isEmpty { lines.append("  memory    \(status.memory)") }
    let counts = [
      ("SAs", status.associationCount), ("routes", status.routeCount), ("neighbours", status.neighbourCount),
    ]
    lines.append("  tables    " + counts.map { "\(Format.grouped($0.1)) \($0.0)" }.joined(separator: ", "))
    for warning in status.warnings { lines.append("  warning   \(warning)") }
    lines += section("ports", portTable) + section("workers", workerTable)
    let drops = status.drops.filter { $0.packets > 0 }
    if !drops.isEmpty { lines += section("dropped", dropTable) }
    return text(lines)
  }

  var ports: String {
    var lines = portTable.lines(indent: "")
    var causes: [String] = []
    for port in status.ports {
      let counts = [("received", port.received.drops), ("sent", port.sent.drops), ("kernel", port.kernelDrops)]
      for (direction, drops) in counts {
        for cause in drops.list where cause.count > 0 {
          causes.append(
            "  \(Format.left(port.side, 8)) \(Format.left(direction, 8)) "
              + "\(Format.right(Format.grouped(cause.count), 13)) \(cause.name)")
        }
      }
    }
    if !causes.isEmpty { lines += ["", "dropped by ports"] + causes }
    return text(lines)
  }

  var workers: String { text(workerTable.lines(indent: "")) }

  var drops: String {
    let table = dropTable
    return text(table.isEmpty ? ["nothing was dropped"] : table.lines(indent: ""))
  }

  var counters: String {
    guard !status.counters.isEmpty else { return "nothing else is counted\n" }
    var table = Table([("counter", .left), ("value", .right), ("meaning", .left)])
    for counter in status.counters { table.add([counter.name, Format.grouped(counter.value), counter.meaning]) }
    return text(table.lines(indent: ""))
  }

  private func section(_ title: String, _ table: Table) -> [String] {
    table.isEmpty ? [] : ["", title] + table.lines()
  }

  private func text(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }

  /// One row for each direction of a port: twice as long, and no line wraps.
  private var portTable: Table {
    var titles: [(String, Table.Side)] = [
      ("side", .left), ("device", .left), ("link", .left), ("MAC", .left), ("MTU", .right), ("", .left),
      ("packets", .right), ("bytes", .right), ("drops", .right),
    ]
    if rates != nil { titles += [("packet/s", .right), ("bit/s", .right)] }
    var table = Table(titles)
    for port in status.ports {
      for (name, path) in [("in", \PortStatus.received), ("out", \PortStatus.sent)] {
        let traffic = port[keyPath: path]
        let names =
          name == "in"
          ? [port.side, port.device, port.link.rawValue, port.mac, "\(port.mtu)"]
          : ["", "  " + port.method, "", "", ""]
        let counts = [traffic.packets, traffic.bytes, traffic.drops.total].map(Format.grouped)
        table.add(names + [name] + counts + (rates?.traffic(of: port, path) ?? []))
      }
    }
    return table
  }

  private var workerTable: Table {
    var titles: [(String, Table.Side)] = [
      ("worker", .left), ("processor", .right), ("packets", .right), ("packets/burst", .right), ("drops", .right),
      ("idle", .right), ("busy", .left),
    ]
    if rates != nil { titles.insert(("packet/s", .right), at: 3) }
    var table = Table(titles)
    for worker in status.workers {
      let perBurst =
        worker.bursts == 0 ? "-" : Format.fixed(Double(worker.packets) / Double(worker.bursts), 1)
      var cells = [
        "\(worker.number)", worker.processor.map { "\($0)" } ?? "-", Format.grouped(worker.packets), perBurst,
        Format.grouped(worker.drops), Format.fixed(worker.idleShare * 100, 1) + " %",
        Format.bar(1 - worker.idleShare, width: 16),
      ]
      if let rates { cells.insert(rates.packets(of: worker), at: 3) }
      table.add(cells)
    }
    return table
  }

  private var dropTable: Table {
    var titles: [(String, Table.Side)] = [("packets", .right), ("reason", .left), ("meaning", .left)]
    if rates != nil { titles.insert(("packet/s", .right), at: 1) }
    var table = Table(titles)
    let found = status.drops.filter { $0.packets > 0 }
    for drop in found.sorted(by: { ($1.packets, $0.reason) < ($0.packets, $1.reason) }) {
      var cells = [Format.grouped(drop.packets), drop.reason, drop.meaning]
      if let rates { cells.insert(rates.drops(of: drop), at: 1) }
      table.add(cells)
    }
    return table
  }
}

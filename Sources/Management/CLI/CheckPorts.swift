import Contract
import Wire

/// The live part of a configuration, in plain words.
struct CheckPorts {
  let gateway: GatewayDescription

  init(_ gateway: GatewayDescription) { self.gateway = gateway }

  var json: [(String, JSON)] {
    let ports = gateway.ports.map { port in
      JSON.object([
        ("side", .string("\(port.side)")), ("device", .string(port.device)),
        ("method", .string(port.method?.rawValue ?? "auto")),
        ("mac", port.mac.map { .string($0.description) } ?? .null), ("takeAddresses", .bool(port.takesAddresses)),
      ])
    }
    let interfaces = gateway.interfaces.map { interface in
      JSON.object([
        ("side", .string("\(interface.side)")), ("vlan", interface.vlan.map { .integer(UInt64($0)) } ?? .null),
        (
          "addresses", .array(interface.addresses.map { .string("\($0.address)/\($0.network.length)") })
        ), ("mtu", .integer(UInt64(interface.mtu))),
      ])
    }
    let routes = gateway.routes.map { route in
      JSON.object([
        ("to", .string(route.network.description)), ("via", route.gateway.map { .string($0.description) } ?? .null),
      ])
    }
    let clamp: JSON =
      switch gateway.segmentLimit {
      case .none: .null
      case .automatic: .string("auto")
      case .octets(let octets): .integer(UInt64(octets))
      }
    return [
      ("clampMSS", clamp), ("workers", .integer(UInt64(gateway.workers))),
      ("polling", .string(gateway.polling.rawValue)),
      ("ports", .array(ports)), ("interfaces", .array(interfaces)), ("routes", .array(routes)),
    ]
  }

  var text: [String] {
    var lines = [
      "workers   \(gateway.workers), \(gateway.polling == .busy ? "always awake" : gateway.polling == .sleep ? "asleep at once when idle" : "asleep when idle")",
      "",
      "ports",
    ]
    for port in gateway.ports {
      let method = port.method.map { " by the method \($0.rawValue)" } ?? " by the fastest method that works"
      lines.append("  \(port.side)  \(port.device)\(method)\(port.mac.map { ", as \($0)" } ?? "")")
      if port.takesAddresses { lines.append("    the kernel's addresses are taken over meanwhile") }
      for interface in gateway.interfaces where interface.side == port.side {
        let addresses = interface.addresses.map { "\($0.address)/\($0.network.length)" }
        guard interface.vlan != nil || !addresses.isEmpty else { continue }
        let name = interface.vlan.map { "VLAN \($0)" } ?? "untagged"
        lines.append(
          "    \(name): \(addresses.isEmpty ? "no addresses" : addresses.joined(separator: ", ")), MTU \(interface.mtu)"
        )
      }
    }
    switch gateway.segmentLimit {
    case .none: break
    case .automatic: lines += ["", "TCP       hosts agree on segments that fit into every tunnel"]
    case .octets(let octets): lines += ["", "TCP       hosts agree on segments of at most \(octets) octets"]
    }
    if !gateway.routes.isEmpty { lines += ["", "routes"] }
    lines += gateway.routes.prefix(CheckReport.mostRules).map { route in
      "  \(route.network) " + (route.gateway.map { "via \($0)" } ?? "leads nowhere: senders are told")
    }
    if gateway.routes.count > CheckReport.mostRules { lines.append("  … \(gateway.routes.count) in all") }
    return lines
  }
}

import Contract
import Wire

/// A member's part of a configuration, in plain words.
struct CheckMembership {
  let membership: MembershipDescription
  let own: Int
  /// To which frames for the cluster's addresses are sent.
  let mac: MACAddress?
  let shared: [(side: Side, vlan: UInt16?, address: IPAddress)]
  /// The cluster's addresses that are on no link of this unit.
  let elsewhere: [IPAddress]
  /// SAs whose numbers are somewhere once, and move.
  let hasTunnels: Bool
  let hasGroups: Bool

  init(
    _ membership: MembershipDescription, own: Int, _ classify: ClassifyDescription, _ interfaces: [InterfaceDescription]
  ) {
    self.membership = membership
    self.own = own
    mac = classify.accept.flatMap { $0.clusterMulticastMAC ?? $0.clusterUnicastMAC }
    let shared = interfaces.flatMap { interface in interface.shared.map { (interface.side, interface.vlan, $0) } }
    self.shared = shared
    hasTunnels = classify.tunnels.contains { $0.security != nil }
    hasGroups = classify.groups.contains { $0.security != nil }
    elsewhere = classify.clusterAddresses.filter { address in !shared.contains { $0.2 == address } }
  }

  /// X2: until a dead member's work is another's.
  private var promiseMilliseconds: Int { membership.pace == .fast ? 40 : 200 }

  var text: [String] {
    var lines = [
      "", "cluster \(membership.name)",
      "  unit \(own), by \(membership.certificate) and \(membership.key)",
      "  others are believed by \(membership.authority)"
        + (membership.revocations.map { ", but for those in \($0)" } ?? "; nothing says whose certificates are revoked"),
      "  pace \(membership.pace.rawValue): a dead member's work is another's within \(promiseMilliseconds) ms",
    ]
    lines.append(
      membership.balance == .packets
        ? "  work is shared out by packets per second, as a mean over ten seconds: each member carries as many"
        : "  work is shared out by sets: each member has as many")
    if hasTunnels {
      lines.append(
        "  tunnels move with their numbers; those that a dead member had are refused until they have new keys")
    }
    if hasGroups {
      lines.append("  groups go on sealing; senders in a dead member's sets are refused until the group has a new key")
    }
    for side in Side.allCases {
      let addresses = shared.filter { $0.side == side }.map { one in
        "\(one.address)" + (one.vlan.map { " in VLAN \($0)" } ?? "")
      }
      lines.append("  shared \(side): " + (addresses.isEmpty ? "none" : addresses.joined(separator: ", ")))
    }
    if !elsewhere.isEmpty {
      let words = elsewhere.map(\.description).joined(separator: ", ")
      lines.append("  shared, and on no link of this unit, so routers have to know the way: \(words)")
    }
    if let mac {
      lines.append(
        "  frames for them go to \(mac), " + (mac.isGroup ? "a group" : "which all members take for their own"))
    } else {
      lines.append("  frames for them go to the master's own MAC address, and it forwards what is others'")
    }
    var table = Table([("unit", .right), ("inside", .left), ("outside", .left), ("", .left)])
    for unit in membership.units {
      table.add(["\(unit.number)", "\(unit.inside)", "\(unit.outside)", unit.number == own ? "this one" : ""])
    }
    return lines + table.lines()
  }

  var json: JSON {
    func list(_ addresses: [IPAddress]) -> JSON { .array(addresses.map { .string($0.description) }) }
    let units = membership.units.map { unit in
      JSON.object([
        ("number", .integer(UInt64(unit.number))), ("inside", .string(unit.inside.description)),
        ("outside", .string(unit.outside.description)),
      ])
    }
    let sides = Side.allCases.map { side in ("\(side)", list(shared.filter { $0.side == side }.map(\.address))) }
    return .object([
      ("name", .string(membership.name)), ("unit", .integer(UInt64(own))), ("units", .array(units)),
      ("shared", .object(sides + [("elsewhere", list(elsewhere))])),
      ("delivery", .string(membership.delivery.rawValue)), ("mac", mac.map { .string($0.description) } ?? .null),
      ("pace", .string(membership.pace.rawValue)), ("balance", .string(membership.balance.rawValue)),
      ("promiseMilliseconds", .integer(UInt64(promiseMilliseconds))),
      ("authority", .string(membership.authority)),
      ("revocations", membership.revocations.map { .string($0) } ?? .null),
      ("certificate", .string(membership.certificate)), ("key", .string(membership.key)),
    ])
  }
}

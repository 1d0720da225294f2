import Contract
import Wire

/// Of `cluster`, what makes members of units; and of `unit`, who this one is.
struct MembershipSection {
  var name: String?
  var units: [MembershipDescription.Unit]
  /// Units are there, if perhaps wrong ones: what else is there belongs to them.
  var isMeant: Bool
  var pace: MembershipDescription.Pace
  var balance: MembershipDescription.Balance
  /// Nil: the MAC address that is given says it.
  var delivery: MembershipDescription.Delivery?
  var authority: String?
  var revocations: String?

  static func read(_ reader: inout FieldReader) -> MembershipSection {
    let units = reader.optional("units", .list(of: .section(unit), count: 0...OwnershipDescription.mostMembers))
    let section = MembershipSection(
      name: reader.optional("name", .name), units: units ?? [],
      isMeant: units.map { !$0.isEmpty } ?? reader.contains("units"),
      pace: reader.field("pace", .choice, default: .normal),
      balance: reader.field("balance", .choice, default: .sets), delivery: reader.optional("delivery", .choice),
      authority: reader.optional("authority", .absolutePath),
      revocations: reader.optional("revocations", .absolutePath))
    if !section.isMeant {
      for field in ["name", "pace", "balance", "delivery", "authority", "revocations"] where reader.contains(field) {
        reader.reject(field, "only members of a cluster have it, expected 'units' as well: those that may be members")
      }
      return section
    }
    let missing = ["name", "authority"].filter { !reader.contains($0) }.map { "'\($0)'" }
    if !missing.isEmpty {
      reader.reject(
        "units", "units are members by their certificates, expected \(missing.joined(separator: " and ")) as well")
    }
    var numbers = Set<Int>(), addresses = Set<IPAddress>()
    for unit in section.units {
      if !numbers.insert(unit.number).inserted {
        reader.reject("units", "found unit \(unit.number) twice, expected each once")
      }
      for address in [unit.inside, unit.outside] where !addresses.insert(address).inserted {
        reader.reject("units", "found the address \(address) twice, expected each once")
      }
    }
    // X19: who has an IPv4 address there asks by ARP, and who has an IPv6 address by ND.
    for (side, addresses) in [("inside", section.units.map(\.inside)), ("outside", section.units.map(\.outside))]
    where Set(addresses.map(\.isIPv6)).count > 1 {
      reader.reject("units", "found addresses of both families \(side), expected one: units ask each other by them")
    }
    return section
  }

  private static func unit(_ reader: inout FieldReader) -> MembershipDescription.Unit? {
    let number = reader.field("number", .integer(in: 0...OwnershipDescription.mostMembers - 1))
    let inside = reader.field("inside", .address.matching("the address of a host") { $0.isHost })
    let outside = reader.field("outside", .address.matching("the address of a host") { $0.isHost })
    guard let number, let inside, let outside else { return nil }
    return MembershipDescription.Unit(number: number, inside: inside, outside: outside)
  }
}

extension FieldFormat where Value == String {
  /// From another folder, a relative one would be another one.
  static var absolutePath: FieldFormat { text("an absolute path") { $0.hasPrefix("/") ? $0 : nil } }
}

extension Configuration {
  /// Whether all parts are there, and fit each other.
  mutating func readMembership(_ cluster: ClusterSection?, _ unit: UnitSection?, _ reader: inout FieldReader) {
    guard let cluster, cluster.membership.isMeant else {
      for (field, isThere) in [("certificate", unit?.certificate), ("key", unit?.key)] where isThere != nil {
        reader.reject("unit", "found '\(field)', expected 'cluster.units' as well: those that may be members")
      }
      return
    }
    let section = cluster.membership
    guard !section.units.isEmpty else { return }
    var missing: [String] = []
    if unit?.number == nil { missing.append("'unit.number'") }
    if unit?.stateDirectory == nil { missing.append("'unit.stateDirectory'") }
    if unit?.certificate == nil { missing.append("'unit.certificate'") }
    if unit?.key == nil { missing.append("'unit.key'") }
    if gateway == nil { missing.append("'ports'") }
    if cluster.addresses.isEmpty { missing.append("'cluster.addresses'") }
    // What is there and wrong is not missing, and has been said.
    if !missing.isEmpty, !reader.hasErrors {
      reader.reject("cluster", "units are given, expected \(missing.joined(separator: ", ")) as well")
    }
    guard let unit, let number = unit.number, let certificate = unit.certificate, let key = unit.key,
      let name = section.name, let authority = section.authority, gateway != nil
    else { return }
    for other in section.units where other.number != number {
      for address in [other.inside, other.outside] where cluster.addresses.contains(address) {
        reader.reject(
          "cluster", "found \(address) under 'addresses', expected no address of unit \(other.number)'s own there")
      }
    }
    guard let own = section.units.first(where: { $0.number == number }) else {
      reader.reject("cluster", "'unit.number' is \(number), expected one of 'cluster.units'")
      return
    }
    let delivery = Self.delivery(cluster)
    if delivery == nil, !reader.hasErrors { reader.reject("cluster", Self.expectedDelivery(cluster)) }
    var membership = MembershipDescription(
      name: name, units: section.units, authority: authority, certificate: certificate, key: key)
    membership.pace = section.pace
    membership.balance = section.balance
    membership.delivery = delivery ?? .multicast
    membership.revocations = section.revocations
    self.membership = membership
    share(cluster, own, &reader)
  }

  /// C22: one of three ways, each with the MAC address that it takes, and no other.
  private static func delivery(_ cluster: ClusterSection) -> MembershipDescription.Delivery? {
    let meant: MembershipDescription.Delivery? =
      switch (cluster.multicastMAC, cluster.unicastMAC) {
      case (_?, nil): .multicast
      case (nil, _?): .unicast
      case (nil, nil): cluster.membership.delivery == .master ? .master : nil
      case (_?, _?): nil
      }
    guard let said = cluster.membership.delivery, said != meant else { return meant }
    return nil
  }

  private static func expectedDelivery(_ cluster: ClusterSection) -> String {
    switch cluster.membership.delivery {
    case .multicast: "delivery is multicast, expected 'multicastMAC', and no 'unicastMAC' (C22)"
    case .unicast: "delivery is unicast, expected 'unicastMAC', and no 'multicastMAC' (C22)"
    case .master:
      "delivery is master, expected neither 'multicastMAC' nor 'unicastMAC': frames go to the master's own MAC address (C22)"
    case nil:
      "expected either 'multicastMAC' or 'unicastMAC', to which all members' frames are sent, or 'delivery: master' (C22)"
    }
  }

  /// Gives the links their shared addresses.
  private mutating func share(
    _ cluster: ClusterSection, _ own: MembershipDescription.Unit, _ reader: inout FieldReader
  ) {
    guard var gateway else { return }
    for (address, side) in [(own.inside, Side.inside), (own.outside, Side.outside)]
    where !gateway.interfaces.contains(where: { $0.side == side && $0.addresses.contains { $0.address == address } }) {
      reader.reject("cluster", "unit \(own.number) has \(address), expected it under 'ports.\(side).addresses' as well")
    }
    for index in gateway.interfaces.indices {
      let own = gateway.interfaces[index].addresses
      gateway.interfaces[index].shared = cluster.addresses.filter { address in
        own.contains { $0.network.contains(address) }
      }
      gateway.interfaces[index].sharedMAC = cluster.multicastMAC ?? cluster.unicastMAC
      for address in own.map(\.address) where cluster.addresses.contains(address) {
        reader.reject(
          "cluster",
          "found \(address) under 'addresses' and under 'ports', expected an address of this unit's own there")
      }
    }
    self.gateway = gateway
  }
}

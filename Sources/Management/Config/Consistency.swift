import Contract
import Wire

/// What no section can see alone. Nil for a list that was refused: what depends on it is not judged.
struct Consistency {
  var tunnels: [Located<TunnelDescription>]?
  var groups: [Located<GroupDescription>]?
  var policies: [PolicySection]?

  func check(_ reader: borrowing FieldReader) {
    refuseRepeatedSPIs(reader)
    refuseRepeatedNames(reader)
    guard let tunnels, let groups, let policies else { return }
    refuseTargets(policies, tunnels.map(\.value), groups.map(\.value), reader)
    let named = Set(policies.compactMap { $0.target?.value })
    for tunnel in tunnels where tunnel.value.security != nil {
      let isReached = !tunnel.value.local.isEmpty && !tunnel.value.remote.isEmpty
      if !isReached, tunnel.value.name.isEmpty || !named.contains(tunnel.value.name) {
        reader.reject(
          tunnel.location, "no traffic can reach it, expected 'local' and 'remote', or a policy that names it")
      }
    }
    refuseTooManyRules(tunnels.map(\.value), groups.map(\.value), policies.flatMap(\.descriptions), reader)
  }

  /// Two SAs with one SPI cannot be told apart on the wire.
  private func refuseRepeatedSPIs(_ reader: borrowing FieldReader) {
    var seen = Set<UInt32>()
    for spi in (tunnels ?? []).map(\.value.inboundSPI) where !seen.insert(spi).inserted {
      reader.reject("tunnels", "found inbound SPI 0x\(String(spi, radix: 16)) twice, expected each once")
    }
    for spi in (groups ?? []).map(\.value.spi) where !seen.insert(spi).inserted {
      reader.reject("groups", "found SPI 0x\(String(spi, radix: 16)) twice, expected each once")
    }
  }

  private func refuseRepeatedNames(_ reader: borrowing FieldReader) {
    let places =
      (tunnels ?? []).map { ($0.value.name, $0.location) } + (groups ?? []).map { ($0.value.name, $0.location) }
    var first: [String: FieldLocation] = [:]
    for (name, location) in places where !name.isEmpty {
      if let other = first[name] {
        reader.reject(
          location, "found the name \(excerpt(of: name)) of \(other.path) again, expected every name once")
      } else {
        first[name] = location
      }
    }
  }

  /// What policies protect with has to be there, and has to be able to.
  private func refuseTargets(
    _ policies: [PolicySection], _ tunnels: [TunnelDescription], _ groups: [GroupDescription],
    _ reader: borrowing FieldReader
  ) {
    let protects = Dictionary(tunnels.map { ($0.name, $0.security != nil) }) { first, _ in first }
    let sends = Dictionary(groups.map { ($0.name, $0.security?.sites.isEmpty == false) }) { first, _ in first }
    for target in policies.compactMap(\.target) {
      if let isAble = protects[target.value] {
        if isAble { continue }
        reader.reject(
          target.location, "found \(excerpt(of: target.value)), which has no keys, expected a tunnel that protects")
      } else if let isAble = sends[target.value] {
        if isAble { continue }
        reader.reject(
          target.location,
          "found \(excerpt(of: target.value)), which has no sites with keys, expected a group that can send")
      } else {
        reader.reject(target.location, Self.unknown(target.value, tunnels.map(\.name) + groups.map(\.name)))
      }
    }
  }

  private static func unknown(_ name: String, _ known: [String]) -> String {
    let hint = nearestName(to: name, among: known.filter { !$0.isEmpty }).map { ": did you mean \(excerpt(of: $0))?" }
    return "found \(excerpt(of: name)), which no tunnel and no group is called\(hint ?? "")"
  }

  private struct Shape: Hashable {
    var source: Int
    var destination: Int
    var isIPv6: Bool
  }

  /// As the table of policies will have them.
  private func refuseTooManyRules(
    _ tunnels: [TunnelDescription], _ groups: [GroupDescription], _ policies: [PolicyDescription],
    _ reader: borrowing FieldReader
  ) {
    let place = reader.contains("policies") ? "policies" : reader.contains("tunnels") ? "tunnels" : "groups"
    let networks = Dictionary(groups.map { ($0.name, Self.networks($0)) }) { first, _ in first }
    var rules = tunnels.reduce(0) { $0 + $1.local.count * $1.remote.count }
    rules += groups.reduce(0) { $0 + ($1.security?.local.count ?? 0) * Self.networks($1).count }
    for policy in policies { rules += max(1, Self.target(policy).flatMap { networks[$0]?.count } ?? 1) }
    guard rules <= PolicyDescription.mostRules else {
      let most = PolicyDescription.mostRules
      reader.reject(place, "found \(rules) pairs of prefixes, expected at most \(most) in policies, tunnels and groups")
      return
    }
    var shapes = Set<Shape>()
    for tunnel in tunnels { Self.enter(tunnel.local, tunnel.remote, &shapes) }
    for group in groups { Self.enter(group.security?.local ?? [], Self.networks(group), &shapes) }
    for policy in policies {
      Self.enter([policy.source], [policy.destination], &shapes)
      if let many = Self.target(policy).flatMap({ networks[$0] }) { Self.enter([policy.source], many, &shapes) }
    }
    if shapes.count > PolicyDescription.mostShapes {
      reader.reject(
        place, "found \(shapes.count) combinations of prefix lengths, expected at most \(PolicyDescription.mostShapes)")
    }
  }

  private static func networks(_ group: GroupDescription) -> [IPPrefix] {
    group.security?.sites.flatMap(\.networks) ?? []
  }

  private static func target(_ policy: PolicyDescription) -> String? {
    if case .protect(let name) = policy.action { name } else { nil }
  }

  private static func enter(_ sources: [IPPrefix], _ destinations: [IPPrefix], _ shapes: inout Set<Shape>) {
    let from = Set(sources.map { Shape(source: $0.length, destination: 0, isIPv6: $0.address.isIPv6) })
    let to = Set(destinations.map { Shape(source: 0, destination: $0.length, isIPv6: $0.address.isIPv6) })
    for source in from {
      for destination in to where destination.isIPv6 == source.isIPv6 {
        shapes.insert(Shape(source: source.source, destination: destination.destination, isIPv6: source.isIPv6))
      }
    }
  }
}

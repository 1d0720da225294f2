import CXDP
package import Contract
import Wire

extension EarlyRules {
  /// Nil where packets cannot be told apart by what the kernel sees: then all of them are workers' to judge.
  package convenience init?(_ description: ClassifyDescription) {
    self.init(description, Self.forwarded(description))
  }

  /// How many buckets of selectors an interface should have room for.
  package static func selectorBuckets(_ description: ClassifyDescription) -> Int {
    if case .lookedUp(let inside, _) = forwarded(description) { inside.buckets.count } else { 0 }
  }

  /// Clear traffic of a unicast tunnel has its SPI's work set (X5), which the policy says. Where no tunnel takes any, the
  /// policy is not asked: all that it could say is that packets have work sets of their own.
  private static func forwarded(_ description: ClassifyDescription) -> Forwarded {
    guard !description.clusterAddresses.isEmpty, takesTraffic(description) else { return .judged }
    let pairs = description.tunnels.reduce(0) { $0 + $1.local.count * $1.remote.count }
    guard pairs <= Int(HAUBERK_EARLY_MOST_SELECTORS) else { return .left }
    let lines = lines(description)
    guard let inside = EarlySelectors(lines), let outside = EarlySelectors(lines.map(\.turned)) else { return .left }
    return .lookedUp(inside: inside, outside: outside)
  }

  private static func takesTraffic(_ description: ClassifyDescription) -> Bool {
    let names = Set(description.tunnels.map(\.name))
    return description.tunnels.contains { !$0.local.isEmpty && !$0.remote.isEmpty }
      || description.policies.contains {
        if case .protect(let name) = $0.action { names.contains(name) } else { false }
      }
  }

  /// Those of the workers' own table, in its order, down to the last that leads into a tunnel: behind it stand only such
  /// as leave a packet its own work set, as no line at all does.
  private static func lines(_ description: ClassifyDescription) -> [EarlySelector] {
    let plan = AssociationPlan(description, hasAssociations: true)
    let rules = PolicyTableBuilder(description, plan, nil).rules
    let count = rules.lastIndex { $0.entry.workSet != PolicyTable.flow }.map { $0 + 1 } ?? 0
    return rules.prefix(count).map { rule in
      var fields = hauberk_early_selector()
      fields.set =
        rule.entry.workSet == PolicyTable.flow ? UInt16(HAUBERK_EARLY_OWN_SET) : rule.entry.workSet
      fields.protocol = rule.entry.protocolNumber
      (fields.from_first, fields.from_last) = (rule.entry.sourcePorts.low, rule.entry.sourcePorts.high)
      (fields.to_first, fields.to_last) = (rule.entry.destinationPorts.low, rule.entry.destinationPorts.high)
      // Without a protocol no ports are asked for.
      if !rule.entry.anyProtocol {
        fields.names =
          UInt64(HAUBERK_EARLY_NAMES_PROTOCOL) | (rule.entry.namesPorts ? UInt64(HAUBERK_EARLY_NAMES_PORTS) : 0)
      }
      return EarlySelector(source: rule.source, destination: rule.destination, fields: fields)
    }
  }
}

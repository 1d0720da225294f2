import Contract
import Wire

/// Puts policies into a table, in their order: those of the description, then what tunnels and groups imply.
struct PolicyTableBuilder {
  struct Rule {
    var source: IPPrefix
    var destination: IPPrefix
    var entry: PolicyTable.Entry
  }

  private struct Key: Hashable {
    var shape: Int
    var words: [UInt64]
  }

  /// What is called how, by number; of two the first.
  private struct Names {
    let tunnels: [String: Int]
    let groups: [String: Int]

    init(_ description: ClassifyDescription) {
      tunnels = Dictionary(description.tunnels.enumerated().map { ($1.name, $0) }) { first, _ in first }
      groups = Dictionary(description.groups.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }
  }

  private(set) var rules: [Rule] = []
  private let tables: AssociationTables?

  /// `plan` says which SA and bundle stand for which tunnel and group site.
  init(_ description: ClassifyDescription, _ plan: AssociationPlan, _ tables: AssociationTables?) {
    self.tables = tables
    if !description.policies.isEmpty {
      let names = Names(description)
      for policy in description.policies { add(policy, description, names, plan) }
    }
    for (number, tunnel) in description.tunnels.enumerated() {
      for local in tunnel.local {
        for remote in tunnel.remote { add(local, remote, Self.entry(tunnel, number, plan)) }
      }
    }
    for (number, group) in description.groups.enumerated() {
      for (site, sa) in zip(group.security?.sites ?? [], plan.sites[number]) {
        for local in group.security?.local ?? [] {
          for remote in site.networks { add(local, remote, Self.entry(group: plan.bundle(group: number), sa)) }
        }
      }
    }
  }

  private mutating func add(_ source: IPPrefix, _ destination: IPPrefix, _ entry: PolicyTable.Entry) {
    guard source.address.halves.isIPv6 == destination.address.halves.isIPv6 else { return }
    var entry = entry
    if let tables, entry.action.kind == .seal, tables.outbound[entry.action.index].flags.contains(.isPlain) {
      entry.action = entry.action.plain
    }
    rules.append(Rule(source: source, destination: destination, entry: entry))
  }

  private mutating func add(
    _ policy: PolicyDescription, _ description: ClassifyDescription, _ names: Names, _ plan: AssociationPlan
  ) {
    var entry = PolicyTable.Entry()
    switch policy.action {
    case .bypass: entry.action = .bypass
    case .discard: entry.action = .refuse(.policyDiscard)
    case .protect(let name):
      if let number = names.tunnels[name] {
        entry = Self.entry(description.tunnels[number], number, plan)
      } else if let number = names.groups[name] {
        addGroup(policy, description.groups[number], number, plan)
        return
      } else {
        // The configuration refuses this; whoever describes by hand gets what is safe.
        entry.action = .refuse(.noPolicy)
      }
    }
    add(policy.source, policy.destination, Self.narrow(entry, policy))
  }

  /// A policy for a group says which traffic; the destination's site says to whom. Whatever lies outside of every
  /// site's networks is for nobody.
  private mutating func addGroup(
    _ policy: PolicyDescription, _ group: GroupDescription, _ number: Int, _ plan: AssociationPlan
  ) {
    for (site, sa) in zip(group.security?.sites ?? [], plan.sites[number]) {
      let entry = Self.narrow(Self.entry(group: plan.bundle(group: number), sa), policy)
      for network in site.networks {
        if network.isWithin(policy.destination) {
          add(policy.source, network, entry)
        } else if policy.destination.isWithin(network) {
          add(policy.source, policy.destination, entry)
        }
      }
    }
  }

  private static func narrow(_ entry: PolicyTable.Entry, _ policy: PolicyDescription) -> PolicyTable.Entry {
    var entry = entry
    entry.anyProtocol = policy.protocolNumber == nil
    entry.protocolNumber = policy.protocolNumber ?? 0
    entry.namesPorts = policy.sourcePorts != nil || policy.destinationPorts != nil
    entry.sourcePorts = PolicyTable.PortRange(policy.sourcePorts)
    entry.destinationPorts = PolicyTable.PortRange(policy.destinationPorts)
    return entry
  }

  /// A tunnel's clear traffic belongs to the work set of its inbound SPI (X5, X7).
  private static func entry(
    _ tunnel: TunnelDescription, _ number: Int, _ plan: AssociationPlan
  ) -> PolicyTable.Entry {
    var entry = PolicyTable.Entry()
    entry.action = plan.tunnels[number].map { .seal($0) } ?? .none
    entry.bundle = plan.bundles[number]
    entry.workSet = UInt16(tunnel.inboundSPI & 1023)
    return entry
  }

  private static func entry(group bundle: UInt32, _ sa: Int) -> PolicyTable.Entry {
    var entry = PolicyTable.Entry()
    entry.action = .seal(sa)
    entry.bundle = bundle
    return entry
  }

  /// A table that is a third full at most, so that a probe ends soon. `refusing`: what no policy fits is discarded.
  func build(refusing: Bool) -> PolicyTable {
    var shapes: [PolicyTable.Shape] = []
    var numbers: [[UInt64]: Int] = [:]
    var chains: [Key: [PolicyTable.Entry]] = [:]
    var order: [Key] = []
    for (priority, rule) in rules.enumerated() {
      let source = Mask(rule.source), destination = Mask(rule.destination)
      let form = [source.high, source.low, destination.high, destination.low, source.isIPv6 ? 1 : 0]
      let number = numbers[form] ?? shapes.count
      if number == shapes.count {
        guard number < PolicyTable.mostShapes else { preconditionFailure("more shapes of policies than the limit") }
        numbers[form] = number
        shapes.append(
          PolicyTable.Shape(
            sourceHigh: source.high, sourceLow: source.low, destinationHigh: destination.high,
            destinationLow: destination.low, isIPv6: source.isIPv6, firstPriority: UInt32(priority)))
      }
      let from = rule.source.address.halves, to = rule.destination.address.halves
      var entry = rule.entry
      entry.sourceHigh = from.high & source.high
      entry.sourceLow = from.low & source.low
      entry.destinationHigh = to.high & destination.high
      entry.destinationLow = to.low & destination.low
      if !source.isIPv6 { (entry.sourceLow, entry.destinationLow) = (entry.sourceLow << 32 | entry.destinationLow, 0) }
      entry.priority = UInt32(priority)
      entry.shape = UInt8(number + 1)
      let key = Key(
        shape: number, words: [entry.sourceHigh, entry.sourceLow, entry.destinationHigh, entry.destinationLow])
      if chains[key] == nil { order.append(key) }
      chains[key, default: []].append(entry)
    }
    return Self.lay(shapes, order.map { chains[$0] ?? [] }, refusing: refusing)
  }

  private static func lay(
    _ shapes: [PolicyTable.Shape], _ chains: [[PolicyTable.Entry]], refusing: Bool
  ) -> PolicyTable {
    var capacity = 16
    while capacity < 3 * chains.count { capacity *= 2 }
    let shift = UInt64(64 - capacity.trailingZeroBitCount)
    let factor = factor(chains.compactMap { shapes[Int($0[0].shape) - 1].isIPv6 ? nil : $0[0] }, capacity, shift)
    let extra = chains.reduce(0) { $0 + $1.count - 1 }
    let memory = TableMemory(bytes: (capacity + extra) * MemoryLayout<PolicyTable.Entry>.stride)
    let entries = memory.base.bindMemory(to: PolicyTable.Entry.self, capacity: capacity + extra)
    entries.initialize(repeating: PolicyTable.Entry(), count: capacity + extra)
    var free = capacity
    for chain in chains {
      let head = chain[0], shape = shapes[Int(head.shape) - 1]
      let hash =
        shape.isIPv6
        ? PolicyTable.hash(
          Int(head.shape) - 1, head.sourceHigh, head.sourceLow, head.destinationHigh, head.destinationLow)
        : PolicyTable.hash(Int(head.shape) - 1, head.sourceLow, factor)
      var place = Int(hash >> shift)
      while entries[place].shape != 0 { place = (place + 1) & (capacity - 1) }
      for entry in chain {
        entries[place] = entry
        entries[place].isFirst = place < capacity && entry.anyProtocol
        if entry.priority != chain[chain.count - 1].priority {
          entries[place].next = UInt32(free)
          place = free
          free += 1
        }
      }
    }
    let list = UnsafeMutablePointer<PolicyTable.Shape>.allocate(capacity: max(1, shapes.count))
    for (index, shape) in shapes.enumerated() { (list + index).initialize(to: shape) }
    let fallback = UnsafeMutablePointer<PolicyTable.Entry>.allocate(capacity: 1)
    var last = PolicyTable.Entry()
    last.priority = .max
    last.action = refusing ? .refuse(.noPolicy) : .none
    fallback.initialize(to: last)
    let plain = shapes.filter { !$0.isIPv6 }
    return PolicyTable(
      memory: memory, shapes: list, shapeCount: shapes.count, entries: entries, mask: capacity - 1, shift: shift,
      factor: factor, fallback: fallback,
      reversedMask: plain.count == 1 ? plain[0].destinationLow << 32 | plain[0].sourceLow & 0xffff_ffff : 0,
      firstMask: shapes.first.map { $0.sourceLow << 32 | $0.destinationLow & 0xffff_ffff } ?? 0,
      isSimple: shapes.count == 1 && plain.count == 1)
  }

  /// Networks are numbered by people: their pairs are evenly spaced, and a factor spreads them either hardly at all or
  /// better than chance would. So a few are tried, and the one stays that sends the fewest beyond their first place.
  private static func factor(_ heads: [PolicyTable.Entry], _ capacity: Int, _ shift: UInt64) -> UInt64 {
    var best: UInt64 = 0x9e37_79b9_7f4a_7c15, fewest = Int.max
    var candidate = best
    for _ in 0..<16 {
      var isTaken = [Bool](repeating: false, count: capacity)
      var astray = 0
      for head in heads {
        let place = Int(PolicyTable.hash(Int(head.shape) - 1, head.sourceLow, candidate) >> shift)
        astray += isTaken[place] ? 1 : 0
        isTaken[place] = true
      }
      if astray < fewest { (best, fewest) = (candidate, astray) }
      if astray * 50 <= heads.count { break }
      candidate = (candidate &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407) | 1
    }
    return best
  }

  /// Which bits of an address a prefix looks at. An IPv4 address fills the low 32 of 128.
  private struct Mask {
    var high: UInt64
    var low: UInt64
    var isIPv6: Bool

    init(_ prefix: IPPrefix) {
      isIPv6 = prefix.address.halves.isIPv6
      let length = isIPv6 ? prefix.length : prefix.length + 96
      high = length >= 64 ? .max : length == 0 ? 0 : .max << UInt64(64 - length)
      low = length >= 128 ? .max : length <= 64 ? 0 : .max << UInt64(128 - length)
      if !isIPv6 { high = 0 }
    }
  }
}

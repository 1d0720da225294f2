import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// The table against a list that is asked from the front.
@Suite struct PolicyTableTests {
  /// Few values, so that policies overlap and packets fit several.
  private static func prefix(_ random: inout Seeded, isIPv6: Bool, length: Int? = nil) -> IPPrefix {
    if isIPv6 {
      let length = [0, 16, 32, 48, 64, 65, 96, 127, 128][random.below(9)]
      let text = "2001:db8:\(random.below(2)):\(random.below(3))::\(random.below(3))/\(length)"
      return IPPrefix(masked(text))!
    }
    let length = length ?? [0, 8, 15, 16, 23, 24, 31, 32][random.below(8)]
    return IPPrefix(masked("10.\(random.below(3)).\(random.below(3)).\(random.below(4))/\(length)"))!
  }

  /// Prefixes are written without bits behind their length.
  private static func masked(_ text: String) -> String {
    let parts = text.split(separator: "/")
    let length = Int(parts[1])!
    switch IPAddress(String(parts[0]))! {
    case .v4(let address):
      let mask: UInt32 = length == 0 ? 0 : .max << UInt32(32 - length)
      return "\(IPv4Address(address.value & mask))/\(length)"
    case .v6(let address):
      let high: UInt64 = length == 0 ? 0 : length >= 64 ? .max : .max << UInt64(64 - length)
      let low: UInt64 = length <= 64 ? 0 : length >= 128 ? .max : .max << UInt64(128 - length)
      return "\(IPv6Address(high: address.high & high, low: address.low & low))/\(length)"
    }
  }

  /// All of one shape go the short way.
  private static func policy(_ random: inout Seeded, isOneShape: Bool) -> PolicyDescription {
    let isIPv6 = !isOneShape && random.chance(of: 3)
    let action: PolicyDescription.Action = random.chance(of: 2) ? .bypass : .discard
    var policy = PolicyDescription(
      action, source: prefix(&random, isIPv6: isIPv6, length: isOneShape ? 24 : nil),
      destination: prefix(&random, isIPv6: isIPv6, length: isOneShape ? 16 : nil))
    if random.chance(of: 2) {
      policy.protocolNumber = [6, 17, 1, 50][random.below(4)]
      let number = policy.protocolNumber
      if number == 6 || number == 17, random.chance(of: 2) {
        let low = UInt16(random.below(4) * 10)
        if random.chance(of: 2) { policy.sourcePorts = low...(low + UInt16(random.below(20))) }
        if random.chance(of: 2) || policy.sourcePorts == nil { policy.destinationPorts = low...(low + 9) }
      }
    }
    return policy
  }

  private static func packet(_ random: inout Seeded) -> Selector {
    let isIPv6 = random.chance(of: 3)
    func host() -> IPAddress {
      IPAddress(
        isIPv6
          ? "2001:db8:\(random.below(2)):\(random.below(3))::\(random.below(3))"
          : "10.\(random.below(3)).\(random.below(3)).\(random.below(4))")!
    }
    let from = host().halves, to = host().halves
    let number: UInt8 = [6, 17, 1, 50, 89][random.below(5)]
    let hasPorts = (number == 6 || number == 17) && !random.chance(of: 6)
    return Selector(
      addresses: AddressPair(
        sourceHigh: from.high, sourceLow: from.low, destinationHigh: to.high, destinationLow: to.low, isIPv6: isIPv6),
      protocolNumber: number, hasPorts: hasPorts, sourcePort: hasPorts ? UInt16(random.below(50)) : 0,
      destinationPort: hasPorts ? UInt16(random.below(50)) : 0)
  }

  /// RFC 4301 section 4.4.1, word by word.
  private static func first(_ list: [PolicyDescription], _ packet: Selector) -> Int? {
    func contains(_ prefix: IPPrefix, _ high: UInt64, _ low: UInt64) -> Bool {
      let own = prefix.address.halves
      guard own.isIPv6 == packet.addresses.isIPv6 else { return false }
      // An IPv4 address is the last 32 of 128 bits.
      let length = prefix.length + (own.isIPv6 ? 0 : 96)
      let upper = min(length, 64), lower = max(length - 64, 0)
      return (own.high ^ high) >> UInt64(64 - upper) == 0 && (own.low ^ low) >> UInt64(64 - lower) == 0
    }
    return list.firstIndex { policy in
      let a = packet.addresses
      guard contains(policy.source, a.sourceHigh, a.sourceLow),
        contains(policy.destination, a.destinationHigh, a.destinationLow)
      else { return false }
      guard let number = policy.protocolNumber else { return true }
      guard number == packet.protocolNumber else { return false }
      if policy.sourcePorts == nil, policy.destinationPorts == nil { return true }
      return packet.hasPorts && (policy.sourcePorts?.contains(packet.sourcePort) ?? true)
        && (policy.destinationPorts?.contains(packet.destinationPort) ?? true)
    }
  }

  @Test(arguments: [1, 2, 3, 10, 40, 150], [false, true])
  func `the first policy that fits is found, whatever there is`(_ count: Int, _ isOneShape: Bool) {
    var random = Seeded(seed: UInt64(count))
    var faults = 0, found = Set<Int>()
    for _ in 0..<8 {
      var description = ClassifyDescription()
      for _ in 0..<count { description.policies.append(Self.policy(&random, isOneShape: isOneShape)) }
      let plan = AssociationPlan(description, hasAssociations: true)
      let table = PolicyTableBuilder(description, plan, nil).build(refusing: true)
      defer { table.deallocate() }
      if isOneShape { faults += table.isSimple ? 0 : 1 }
      for _ in 0..<100 {
        let packet = Self.packet(&random)
        let expected = Self.first(description.policies, packet)
        var entries = [table.find(packet)]
        if packet.hasPorts, !packet.addresses.isIPv6 {
          let a = packet.addresses
          let ports =
            UInt64(packet.protocolNumber) << 32 | UInt64(packet.sourcePort) << 16 | UInt64(packet.destinationPort)
          let pair = a.sourceLow << 32 | a.destinationLow
          withUnsafePointer(to: ports) { entries.append(table.find4(pair, $0, place: table.prefetch4(pair))) }
        }
        for entry in entries {
          let isRight =
            expected.map { number in
              entry.pointee.priority == UInt32(number)
                && entry.pointee.action
                  == (description.policies[number].action == .bypass ? .bypass : .refuse(.policyDiscard))
            } ?? (entry.pointee.priority == .max && entry.pointee.action == .refuse(.noPolicy))
          faults += isRight ? 0 : 1
        }
        if let expected { found.insert(expected) }
      }
    }
    #expect(faults == 0)
    #expect(found.count >= min(count, 6), "packets met \(found.count) policies")
  }
}

import Contract
import Wire

/// One of `policies`: two descriptions where it is about both families.
struct PolicySection {
  var descriptions: [PolicyDescription]
  var target: Located<String>?

  private enum Action: String, CaseIterable {
    case bypass, discard, protect
  }

  static func read(_ reader: inout FieldReader) -> PolicySection? {
    let action = reader.field("action", FieldFormat<Action>.choice)
    let target =
      action == .protect
      ? reader.field("tunnel", .located(.name)) : reader.optional("tunnel", .located(.name))
    let source = reader.optional("source", .prefix)
    let destination = reader.optional("destination", .prefix)
    let number = reader.optional("protocol", .protocolNumber)
    let sourcePorts = reader.optional("sourcePorts", .ports)
    let destinationPorts = reader.optional("destinationPorts", .ports)
    if let action, action != .protect, target != nil {
      reader.reject("tunnel", "only a policy that protects names a tunnel, expected no such field")
    }
    if let source, let destination, source.address.isIPv6 != destination.address.isIPv6 {
      reader.reject(
        "destination",
        "found '\(destination)', expected an \(source.address.isIPv6 ? "IPv6" : "IPv4") prefix, as"
          + " the source is one")
    }
    // What is there but wrong has been said.
    if !reader.contains("protocol") || number != nil {
      for name in ["sourcePorts", "destinationPorts"] where reader.contains(name) {
        if let number, PortProtocols.numbers.contains(number) { continue }
        reader.reject(name, "only TCP, UDP and SCTP have ports, expected 'protocol' to be tcp, udp or sctp")
      }
    }
    let taken: PolicyDescription.Action
    switch (action, target) {
    case (.bypass, _): taken = .bypass
    case (.discard, _): taken = .discard
    case (.protect, let target?): taken = .protect(target.value)
    default: return nil
    }
    let descriptions = pairs(source, destination).map { pair in
      var policy = PolicyDescription(taken, source: pair.0, destination: pair.1)
      policy.protocolNumber = number
      policy.sourcePorts = sourcePorts
      policy.destinationPorts = destinationPorts
      return policy
    }
    return PolicySection(descriptions: descriptions, target: target)
  }

  /// What is left out is everything of the other's family.
  private static func pairs(_ source: IPPrefix?, _ destination: IPPrefix?) -> [(IPPrefix, IPPrefix)] {
    let all = [IPPrefix(.v4(IPv4Address(0)), length: 0), IPPrefix(.v6(IPv6Address(high: 0, low: 0)), length: 0)]
    return all.compactMap { everything in
      guard let everything else { return nil }
      let pair = (source ?? everything, destination ?? everything)
      let isIPv6 = everything.address.isIPv6
      return pair.0.address.isIPv6 == isIPv6 && pair.1.address.isIPv6 == isIPv6 ? pair : nil
    }
  }
}

/// Those whose first two fields are ports.
enum PortProtocols {
  static let numbers: [UInt8] = [6, 17, 132]
}

extension FieldFormat where Value == UInt8 {
  /// By the name that IANA has for it, or by number.
  static var protocolNumber: FieldFormat {
    let names: [(String, UInt8)] = [
      ("tcp", 6), ("udp", 17), ("sctp", 132), ("icmp", 1), ("icmpv6", 58), ("igmp", 2), ("esp", 50), ("ah", 51),
      ("gre", 47), ("ipv4", 4), ("ipv6", 41), ("ospf", 89), ("pim", 103), ("vrrp", 112), ("l2tp", 115),
    ]
    let list = names.map(\.0).joined(separator: ", ")
    return text("\(list) or a number from 0 to 255") { text in
      if let known = names.first(where: { $0.0 == text }) { return known.1 }
      // Written as it is printed: no sign, no leading zero.
      return UInt8(text).flatMap { String($0) == text ? $0 : nil }
    }
  }
}

extension FieldFormat where Value == ClosedRange<UInt16> {
  static var ports: FieldFormat {
    text("a port from 0 to 65535, or a range such as 6000-6063") { text in
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end in
        UInt16(end).flatMap { String($0) == end ? $0 : nil }
      }
      guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1], low <= high else {
        return nil
      }
      return low...high
    }
  }
}

internal import CLI

extension Diagnosis {
  /// What the kernel would do on the device beside a gateway.
  static func neighbourhood(_ device: DeviceFacts) -> [Finding] {
    guard device.isChosen else { return [] }
    return forwarding(device) + filter(device) + own(device)
  }

  private static func forwarding(_ device: DeviceFacts) -> [Finding] {
    let families = [("ipv4", device.forwardsIPv4), ("ipv6", device.forwardsIPv6)].filter(\.1).map(\.0)
    guard !families.isEmpty else { return [] }
    return [
      Finding(
        .better, .devices, device.name, "the kernel forwards what comes in here (\(families.joined(separator: ", ")))",
        why: "what reaches the kernel as well goes out twice, the second time in the clear; a gateway keeps it away, "
          + "and without forwarding there is nothing to keep away",
        remedy: families.map { "sudo sysctl -w net/\($0)/conf/\(device.name)/forwarding=0" }.joined(separator: "\n"))
    ]
  }

  private static func filter(_ device: DeviceFacts) -> [Finding] {
    guard device.reversePathFilter == 1 else { return [] }
    return [
      Finding(
        .better, .devices, device.name, "the kernel filters by reverse path, strictly",
        why:
          "it drops without a word what it would answer by another way, and answers go through the gateway's tunnels",
        remedy: "sudo sysctl -w net/ipv4/conf/\(device.name)/rp_filter=2")
    ]
  }

  private static func own(_ device: DeviceFacts) -> [Finding] {
    var findings: [Finding] = []
    if !device.addresses.isEmpty {
      findings.append(
        Finding(
          .better, .devices, device.name, "the kernel has addresses here: " + device.addresses.joined(separator: ", "),
          why: "two would answer for them; a port's addresses belong to the gateway alone",
          remedy: "sudo ip addr flush dev \(device.name)"))
    }
    if device.hasIPv6 {
      findings.append(
        Finding(
          .better, .devices, device.name, "the kernel speaks IPv6 here by itself",
          why: "it asks for routers and neighbours in its own name, where only the gateway should be seen",
          remedy: "sudo sysctl -w net/ipv6/conf/\(device.name)/disable_ipv6=1"))
    }
    return findings
  }
}

internal import CLI

/// What a configuration wants of its devices' links.
package struct LinkFacts: Sendable {
  package enum Side: String, Sendable {
    case inside, outside
  }

  package var side: Side
  package var device: String
  /// The longest IP packet that is to be sent there, its VLANs' among them.
  package var mtu: Int

  package init(_ side: Side, _ device: String, mtu: Int) {
    self.side = side
    self.device = device
    self.mtu = mtu
  }
}

extension Diagnosis {
  /// Whether what is sent fits the devices, and what is sealed the outer link.
  static func links(_ facts: MachineFacts) -> [Finding] {
    let found = facts.links.flatMap { link in
      facts.devices.filter { $0.name == link.device && $0.isThere && $0.mtu < link.mtu }.map { device in
        Finding(
          .wrong, .devices, link.device, "takes packets of \(device.mtu) octets, and its `mtu` is \(link.mtu)",
          why: "what is longer than the device takes is lost there, and nobody is told",
          remedy: "sudo ip link set \(link.device) mtu \(link.mtu)   # or mtu: \(device.mtu) for this port")
      }
    }
    return found + (found.isEmpty ? outer(facts) : [])
  }

  private static func outer(_ facts: MachineFacts) -> [Finding] {
    guard facts.outerOctets > 0, let inside = facts.links.first(where: { $0.side == .inside }),
      let outside = facts.links.first(where: { $0.side == .outside })
    else { return [] }
    let wanted = inside.mtu + facts.outerOctets
    guard outside.mtu < wanted else {
      return [
        Finding(.good, .devices, outside.device, "has room for packets from inside with what a tunnel puts around them")
      ]
    }
    return [
      Finding(
        .better, .devices, outside.device,
        "takes packets of \(outside.mtu) octets, and those from inside become up to \(wanted)",
        why: "long ones are cut in two, or their sender is told to make them shorter; where the whole path takes more, "
          + "neither is needed",
        remedy: "sudo ip link set \(outside.device) mtu \(wanted)   # and mtu: \(wanted) for this port")
    ]
  }
}

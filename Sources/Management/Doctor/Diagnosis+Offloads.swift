internal import CLI

extension Diagnosis {
  /// What a device does by itself, and AF_XDP cannot know: there is no place beside a packet that would say so.
  static func offloads(_ device: DeviceFacts) -> [Finding] { joined(device) + tags(device) + unfinished(device) }

  /// How `ethtool -K` calls what is on, each once; and which of them can be switched off.
  private struct On {
    var words: [String] = []
    var changeable: [String] = []

    init(_ features: [String: DeviceFacts.Feature], _ names: [(String, String)]) {
      for (name, word) in names {
        guard let feature = features[name], feature.isOn, !words.contains(word) else { continue }
        words.append(word)
        if !feature.isFixed { changeable.append(word) }
      }
    }

    var list: String { words.joined(separator: ", ") }

    func remedy(_ device: String) -> String? { changeable.isEmpty ? nil : Diagnosis.off(device, changeable) }
  }

  private static func joined(_ device: DeviceFacts) -> [Finding] {
    let on = On(
      device.features,
      [("rx-lro", "lro"), ("rx-gro-hw", "rx-gro-hw"), ("rx-gro", "gro"), ("rx-gro-list", "rx-gro-list")])
    guard !on.words.isEmpty else { return [] }
    // Where XDP comes before the kernel joins, it is the card's own joining alone that does harm.
    let isOnlyKernels = on.words.allSatisfy { $0 == "gro" || $0 == "rx-gro-list" }
    let hasNative = device.xdp?.isNative == true
    if isOnlyKernels, hasNative {
      return [Finding(.good, .devices, device.name, "\(on.list) on, behind its XDP")]
    }
    return [
      Finding(
        device.isChosen && !isOnlyKernels ? .wrong : .better, .devices, device.name,
        "\(on.list) on",
        why: "packets that were joined are longer than the way out, and their parts no longer what was sent",
        remedy: on.remedy(device.name))
    ]
  }

  private static func tags(_ device: DeviceFacts) -> [Finding] {
    guard device.isOn("rx-vlan-hw-parse"), device.xdp?.isNative == true else { return [] }
    return [
      Finding(
        .better, .devices, device.name, "takes VLAN tags off by itself",
        why:
          "with AF_XDP the tag is lost then, and the packet is in the wrong network; no matter where there is no VLAN",
        remedy: off(device.name, ["rxvlan"]))
    ]
  }

  /// Cards finish checksums and cut segments before anybody sees them. A virtual link's other end does not.
  private static func unfinished(_ device: DeviceFacts) -> [Finding] {
    let names = [
      ("tx-checksum-ip-generic", "tx"), ("tx-checksum-ipv4", "tx"), ("tx-tcp-segmentation", "tso"),
      ("tx-udp-segmentation", "tx-udp-segmentation"),
    ]
    let why = "what its programs send has no checksum yet, or is to be cut: sealed as it is, the far end drops it"
    if device.driver == "veth" {
      guard let peer = device.peer, let name = peer.name else {
        return [
          Finding(
            .better, .devices, device.name, "its other end is in another namespace, where nobody looked",
            why: "if checksums are left to that end, " + why,
            remedy: "ip netns exec NAMESPACE ethtool -K DEVICE tx off tso off   # where the other end is")
        ]
      }
      let left = On(peer.features, names)
      guard !left.words.isEmpty else {
        return [Finding(.good, .devices, device.name, "\(name) at its other end finishes packets")]
      }
      return [
        Finding(
          harm(device), .devices, device.name,
          "\(name) at its other end leaves work undone: "
            + left.list, why: why, remedy: left.remedy(name))
      ]
    }
    guard device.driver == "virtio_net", device.isOn("rx-checksum") else { return [] }
    return [
      Finding(
        .better, .devices, device.name, "takes packets without a checksum from its host and the host's other guests",
        why: "where AF_XDP takes the generic hook they go on as they are, and the far end drops them",
        remedy: off(device.name, ["rx"]))
    ]
  }

  fileprivate static func off(_ device: String, _ names: [String]) -> String {
    "sudo ethtool -K \(device) " + names.map { "\($0) off" }.joined(separator: " ")
  }
}

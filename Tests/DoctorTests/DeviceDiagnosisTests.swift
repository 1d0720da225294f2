import Testing

@testable import Doctor

@Suite struct DeviceDiagnosisTests {
  typealias Change = DiagnosisTests.Change

  /// Changes the one device.
  private static func change(
    _ name: String, _ level: Finding.Level, _ seen: String, _ remedy: String?,
    _ change: @escaping @Sendable (inout DeviceFacts) -> Void
  ) -> Change { Change(name, level, seen, remedy) { change(&$0.devices[0]) } }

  @Test(arguments: standing + offloads + stack)
  func `one change, one finding`(_ change: Change) throws {
    let complaints = Made.complaints(Made.machine(change.change))
    let finding = try #require(complaints.first, "nothing was found")
    #expect(complaints.count == 1, "\(complaints)")
    #expect(finding.seen.contains(change.seen) && finding.level == change.level && !finding.why.isEmpty, "\(finding)")
    #expect(finding.topic == "eth1" && finding.subject == .devices)
    if let remedy = change.remedy {
      #expect(finding.remedy?.contains(remedy) == true, "\(finding)")
    } else {
      #expect(finding.remedy == nil)
    }
  }

  static let standing = [
    change("not there", .wrong, "no such device", "ip -brief link") { $0.isThere = false },
    change("down", .wrong, "is down", "ip link set eth1 up") { $0.isUp = false },
    change("no link", .better, "no link", "ethtool eth1") { $0.hasCarrier = false },
    change("no XDP", .better, "generic hook", nil) {
      $0.xdp?.isNative = false
      $0.features = [:]
    },
    change("jumbo", .better, "shorter than its 9000", "mtu 1500") {
      $0.mtu = 9000
      $0.xdp?.takesLong = false
    },
    change("too many queues", .better, "8 queues, and processors for 3 workers", "ethtool -L eth1 combined 3") {
      $0.queues?.now = 8
    },
    change("a short ring", .better, "512 of at most 8160", "ethtool -G eth1 rx 2048") { $0.rings?.now = 512 },
    Change("far away", .better, "is on node 1", "taskset -c 4-7") {
      $0.memory.nodes.append(MemoryFacts.Node(number: 1, processors: [4, 5, 6, 7], pages: 128, freePages: 128))
      $0.devices[0].node = 1
    },
  ]

  static let offloads = [
    change("LRO", .wrong, "lro, gro on", "ethtool -K eth1 lro off gro off") {
      $0.features["rx-lro"] = .init(isOn: true)
    },
    change("joined by the card", .wrong, "rx-gro-hw, gro on", "rx-gro-hw off") {
      $0.features["rx-gro-hw"] = .init(isOn: true)
    },
    change("joined by a card that does nothing else", .wrong, "rx-gro-hw, gro on", "-K eth1 gro off") {
      $0.features["rx-gro-hw"] = .init(isOn: true, isFixed: true)
    },
    change("joined before the generic hook", .better, "gro on", "ethtool -K eth1 gro off") { $0.xdp = nil },
    change("VLAN tags", .better, "VLAN tags", "ethtool -K eth1 rxvlan off") {
      $0.features["rx-vlan-hw-parse"] = .init(isOn: true)
    },
    change(
      "a veth's other end", .wrong, "veth9 at its other end leaves work undone: tx, tso", "-K veth9 tx off tso off"
    ) {
      $0.driver = "veth"
      $0.peer = DeviceFacts.Peer(name: "veth9")
      $0.peer?.features = [
        "tx-checksum-ip-generic": .init(isOn: true), "tx-checksum-ipv4": .init(isOn: true),
        "tx-tcp-segmentation": .init(isOn: true), "tx-udp-segmentation": .init(isOn: false),
      ]
    },
    change("a veth into another namespace", .better, "nobody looked", "ip netns exec") {
      $0.driver = "veth"
      $0.peer = DeviceFacts.Peer(name: nil)
    },
    change("a guest's card", .better, "without a checksum", "ethtool -K eth1 rx off") {
      $0.driver = "virtio_net"
      $0.features["rx-checksum"] = .init(isOn: true)
    },
  ]

  static let stack = [
    change("forwarding", .better, "forwards what comes in here (ipv4, ipv6)", "net/ipv4/conf/eth1/forwarding=0") {
      $0.forwardsIPv4 = true
      $0.forwardsIPv6 = true
    },
    change("reverse path", .better, "strictly", "net/ipv4/conf/eth1/rp_filter=2") { $0.reversePathFilter = 1 },
    change("addresses", .better, "addresses here: 192.0.2.1, fe80::1", "ip addr flush dev eth1") {
      $0.addresses = ["192.0.2.1", "fe80::1"]
    },
    change("IPv6", .better, "IPv6 here by itself", "net/ipv6/conf/eth1/disable_ipv6=1") { $0.hasIPv6 = true },
  ]

  @Test func `a veth whose other end finishes packets is good`() {
    let facts = Made.port({
      $0.driver = "veth"
      $0.peer = DeviceFacts.Peer(name: "veth9")
      $0.peer?.features = ["tx-checksum-ip-generic": .init(isOn: false)]
    })
    #expect(Made.complaints(facts).isEmpty)
  }

  @Test(arguments: standing.dropFirst() + offloads + stack)
  func `of a device that nobody named nothing is wrong, and no address is taken away`(_ change: Change) {
    var facts = Made.good
    change.change(&facts)
    facts.devices[0].isChosen = false
    let complaints = Made.complaints(facts)
    #expect(complaints.allSatisfy { $0.level == .better }, "\(complaints)")
    #expect(!complaints.contains { $0.remedy?.contains("flush") == true })
  }

  @Test func theOuterHeaderHasToFit() {
    func found(inside: Int, outside: Int, device: Int) -> [Finding] {
      Made.complaints(
        Made.machine {
          $0.devices[0].mtu = device
          $0.links = [LinkFacts(.inside, "eth0", mtu: inside), LinkFacts(.outside, "eth1", mtu: outside)]
          $0.outerOctets = 57
        })
    }
    #expect(found(inside: 1443, outside: 1500, device: 1500).isEmpty)
    let cut = found(inside: 1444, outside: 1500, device: 1500)
    #expect(cut.count == 1 && cut[0].level == .better && cut[0].remedy?.contains("ip link set eth1 mtu 1501") == true)
    let lost = found(inside: 1400, outside: 1500, device: 1400)
    #expect(lost.count == 1 && lost[0].level == .wrong && lost[0].remedy?.contains("ip link set eth1 mtu 1500") == true)
  }
}

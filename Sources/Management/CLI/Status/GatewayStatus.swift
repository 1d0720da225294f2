/// Where a gateway is in its life.
package enum GatewayState: String, CodedWord {
  case starting, running, draining, drained, stopping
}

/// What a running gateway says of itself. Long lists (SAs, routes, neighbours) are only counted here.
package struct GatewayStatus: JSONMembers {
  package var state = GatewayState.starting
  package var version = Help.version
  package var process = 0
  package var uptimeSeconds = 0.0
  /// The configuration's path, and whose signature it carries.
  package var configuration = ""
  package var personality: String?
  /// How often it was replaced by a reload.
  package var reloads: UInt64 = 0
  package var polling = ""
  package var engine: String?
  /// Of a member of a cluster, in one line.
  package var cluster: String?
  package var memory = ""
  package var workers: [WorkerStatus] = []
  package var ports: [PortStatus] = []
  package var associationCount: UInt64 = 0
  package var routeCount: UInt64 = 0
  package var neighbourCount: UInt64 = 0
  package var drops: [DropStatus] = []
  package var counters: [CounterStatus] = []
  /// What an operator should know, in sentences: a link that is down, a mode that the kernel refused.
  package var warnings: [String] = []

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("state", \.state), Member("version", \.version), Member("process", \.process),
      Member("uptimeSeconds", \.uptimeSeconds), Member("configuration", \.configuration),
      Member("personality", \.personality), Member("reloads", \.reloads), Member("polling", \.polling),
      Member("engine", \.engine), Member("cluster", \.cluster), Member("memory", \.memory),
      Member("workers", \.workers), Member("ports", \.ports),
      Member("associations", \.associationCount), Member("routes", \.routeCount),
      Member("neighbours", \.neighbourCount), Member("drops", \.drops), Member("counters", \.counters),
      Member("warnings", \.warnings),
    ]
  }
}

package struct WorkerStatus: JSONMembers {
  package var number = 0
  package var processor: Int?
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  package var bursts: UInt64 = 0
  /// Of the time since the worker began, from 0 to 1.
  package var idleShare = 0.0
  package var drops: UInt64 = 0

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("number", \.number), Member("processor", \.processor), Member("packets", \.packets),
      Member("bytes", \.bytes), Member("bursts", \.bursts), Member("idleShare", \.idleShare), Member("drops", \.drops),
    ]
  }
}

package enum LinkState: String, CodedWord {
  case up, down
  /// The device is not there.
  case absent
}

/// One direction of a port.
package struct TrafficStatus: JSONMembers {
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  package var drops = NamedCounts()

  package init() {}

  package init(packets: UInt64, bytes: UInt64, drops: [(name: String, count: UInt64)] = []) {
    self.packets = packets
    self.bytes = bytes
    self.drops = NamedCounts(drops)
  }

  package static var members: [Member<Self>] {
    [Member("packets", \.packets), Member("bytes", \.bytes), Member("drops", \.drops)]
  }
}

package struct PortStatus: JSONMembers {
  package var side = ""
  package var device = ""
  /// What was got, in words: `AF_XDP, native, zero-copy`.
  package var method = ""
  package var link = LinkState.down
  package var mac = ""
  package var mtu = 0
  package var queues = 1
  package var received = TrafficStatus()
  package var sent = TrafficStatus()
  /// What the kernel had for the port and dropped, by cause; with AF_XDP alone.
  package var kernelDrops = NamedCounts()
  /// The device takes VLAN tags off before anybody sees them.
  package var hidesVLANTags = false
  /// Packets whose checksum the sender had left to a device. Finished: the port was told, and did it. Unfinished: AF_XDP
  /// and libpcap are not told; such a packet went on as it was, and its receiver drops it.
  package var finishedChecksums: UInt64 = 0
  package var unfinishedChecksums: UInt64 = 0

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("side", \.side), Member("device", \.device), Member("method", \.method), Member("link", \.link),
      Member("mac", \.mac), Member("mtu", \.mtu), Member("queues", \.queues), Member("received", \.received),
      Member("sent", \.sent), Member("kernelDrops", \.kernelDrops), Member("hidesVLANTags", \.hidesVLANTags),
      Member("finishedChecksums", \.finishedChecksums), Member("unfinishedChecksums", \.unfinishedChecksums),
    ]
  }
}

package struct DropStatus: JSONMembers {
  package var reason = ""
  package var meaning = ""
  package var packets: UInt64 = 0

  package init() {}

  package init(reason: String, meaning: String, packets: UInt64) {
    self.reason = reason
    self.meaning = meaning
    self.packets = packets
  }

  package static var members: [Member<Self>] {
    [Member("reason", \.reason), Member("meaning", \.meaning), Member("packets", \.packets)]
  }
}

/// A count of something that is no loss.
package struct CounterStatus: JSONMembers {
  package var name = ""
  package var meaning = ""
  package var value: UInt64 = 0

  package init() {}

  package init(name: String, meaning: String, value: UInt64) {
    self.name = name
    self.meaning = meaning
    self.value = value
  }

  package static var members: [Member<Self>] {
    [Member("name", \.name), Member("meaning", \.meaning), Member("value", \.value)]
  }
}

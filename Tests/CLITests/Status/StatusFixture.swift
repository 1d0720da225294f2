@testable import CLI

/// A gateway that has seen something of everything.
enum StatusFixture {
  static var status: GatewayStatus {
    var status = GatewayStatus()
    status.state = .running
    status.process = 4711
    status.uptimeSeconds = 93_784.5
    status.configuration = "/etc/hauberk/gateway.yaml"
    status.personality = "Mail & Post"
    status.reloads = 2
    status.polling = "adaptive"
    status.engine = "ipsec-mb"
    status.cluster = "north, unit 2, master"
    status.memory = "64 MiB, transparent huge pages"
    status.workers = [worker(0, processor: 2, packets: 1_000_000), worker(1, processor: nil, packets: 0)]
    status.ports = [port("inside", "eth1"), port("outside", "eth\"2\"")]
    status.ports[1].link = .absent
    status.associationCount = 2
    status.routeCount = 1_048_576
    status.neighbourCount = 1
    status.drops = [
      DropStatus(reason: "replayed", meaning: "its sequence number was there before", packets: 7),
      DropStatus(reason: "integrity", meaning: "the tag is wrong", packets: 1234),
      DropStatus(reason: "arp", meaning: "none of it", packets: 0),
    ]
    status.counters = [CounterStatus(name: "echoAnswered", meaning: "pings to the gateway", value: 40)]
    status.warnings = ["outside (eth2) is gone"]
    return status
  }

  static var story: TraceStory {
    var story = TraceStory()
    story.time = 1.5
    (story.origin, story.device, story.worker, story.crossedFrom) = ("inside", "eth1", 1, 2)
    story.came.source = "10.1.0.2"
    (story.came.sourcePort, story.came.spi, story.came.sequence, story.came.vlan) = (4000, 7, 8, 9)
    (story.workSet, story.fate, story.reason, story.meaning) = (417, .dropped, "replayed", "it was there")
    story.takenBy = StoryTaker(kind: "tunnel", name: "berlin", spi: 7, suite: "AES")
    story.left = story.came
    (story.made, story.exit, story.nextHop) = (2, "eth2", "192.0.2.2")
    return story
  }

  static func worker(_ number: Int, processor: Int?, packets: UInt64) -> WorkerStatus {
    var worker = WorkerStatus()
    worker.number = number
    worker.processor = processor
    worker.packets = packets
    worker.bytes = packets * 100
    worker.bursts = packets / 32
    worker.idleShare = 0.25
    worker.drops = packets / 1000
    return worker
  }

  static func port(_ side: String, _ device: String) -> PortStatus {
    var port = PortStatus()
    port.side = side
    port.device = device
    port.method = "AF_XDP, native, zero-copy"
    port.link = .up
    port.kernelDrops = NamedCounts([("ringFull", 3)])
    port.hidesVLANTags = true
    (port.finishedChecksums, port.unfinishedChecksums) = (5, 6)
    port.mac = "02:00:00:00:00:01"
    port.mtu = 1500
    port.queues = 2
    port.received = TrafficStatus(packets: 1_000_000, bytes: 64_000_000, drops: [("ringFull", 3)])
    port.sent = TrafficStatus(packets: 999_000, bytes: 63_000_000)
    return port
  }

  static var associations: [AssociationStatus] {
    ["out", "in"].enumerated().map { number, direction in
      var sa = AssociationStatus()
      sa.name = "berlin"
      sa.spi = 0x1001 + UInt32(number)
      sa.direction = direction
      sa.peer = "203.0.113.2"
      sa.suite = "AES-GCM-16-128"
      sa.state = number == 0 ? .alive : .stateLost
      sa.lostSets = number
      sa.packets = 500_000
      sa.bytes = 32_000_000
      sa.sequence = 500_003
      sa.window = number == 0 ? 0 : 1024
      sa.lost = 3
      sa.drops = NamedCounts([("replayed", 7)])
      sa.left = LifetimeLeft(seconds: 3600, packets: 12_000)
      return sa
    }
  }
}

import CKernel
import Contract
import Dataplane
import Memory
import Nonces
import Rings
import Wire

/// A gateway of several workers and the packets that each of them has to seal: one group SA for all, or many unicast SAs,
/// of which each is one worker's.
final class ScalingGateway {
  enum Kind: String, CaseIterable {
    case group = "1 group SA"
    case unicast = "64 unicast SAs"
  }

  static let packets = 1024
  private static let offset = 192

  private let associations: Associations
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let supply: NonceSupply
  private let memory: PacketMemory
  private let reports: [SPSCRing<Report>]
  private let espWorkers: [ESPWorker]
  private let counters: [WorkerCounters]
  private let paths: [BurstPath]
  /// By worker: its packets as they begin, and their names.
  private var plain: [[[UInt8]]]
  private let refs: [UnsafeMutablePointer<PacketRef>]

  init(_ kind: Kind, workers: Int, length: Int, firstLane: Int = 0) throws {
    let description = try Self.description(kind)
    var sizes = PacketMemorySizes()
    sizes.frames = workers * Self.packets
    sizes.largeFrames = 4
    let memory = try PacketMemory(sizes, near: nil)
    let associations = try Associations(
      description, engine: try CryptoEngine(forced: .ipsecMB, lanes: firstLane + workers), workers: workers)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: workers)
    let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
    supply = try NonceSupply(associations, ownership, workers: workers, unit: 0, from: directory, .new)
    snapshot = ClassifySnapshotBuilder.build(description, ownership, associations)
    let shared = WorkerShared(memory: memory, first: snapshot, workers: workers, crossingCapacity: 64)
    reports = (0..<workers).map { _ in SPSCRing(capacity: 1 << 16) }
    espWorkers = try reports.enumerated().map { worker, reports in
      ESPWorker(
        lane: try associations.engine.lane(firstLane + worker), memory: memory, reports: reports, worker: worker,
        link: .ethernet)
    }
    let counters = (0..<workers).map { _ in WorkerCounters() }
    self.counters = counters
    paths = espWorkers.enumerated().map { worker, esp in
      BurstPath(shared, counters[worker], worker: UInt8(worker), link: .ethernet, esp: esp)
    }
    refs = (0..<workers).map { _ in
      let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Self.packets)
      refs.initialize(repeating: PacketRef(position: 0, offset: 0, length: 0), count: Self.packets)
      return refs
    }
    self.memory = memory
    self.shared = shared
    self.associations = associations
    plain = Self.share(kind, length, Classifier(snapshot, link: .ethernet), ownership, workers)
  }

  deinit {
    for worker in espWorkers { worker.deallocate() }
    for ring in reports { ring.deallocate() }
    for bank in counters { bank.deallocate() }
    for list in refs { list.deallocate() }
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    memory.deallocate()
  }

  private static func description(_ kind: Kind) throws -> ClassifyDescription {
    let near = IPAddress.v4(IPv4Address(0xc000_0201)), far = IPAddress.v4(IPv4Address(0xc633_6401))
    let esp = ESPDescription(try CipherSuite(.aesGCM, keyBits: 128))
    func key(_ number: Int, _ direction: UInt8) -> KeyDescription {
      KeyDescription(Secret((0..<20).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) ^ direction }), born: 0)
    }
    func network(_ value: UInt32) -> [IPPrefix] { IPPrefix(.v4(IPv4Address(value)), length: 24).map { [$0] } ?? [] }
    var description = ClassifyDescription()
    description.clusterAddresses = [near]
    switch kind {
    case .group:
      var group = GroupDescription(name: "group", spi: 0x4001, senderIDBits: 16)
      group.security = GroupSecurity(
        esp, address: near, key: key(0, 0), units: 2, maxSenders: 16, local: network(0x0a00_0000),
        sites: [GroupSite(gateway: far, networks: network(0x0a80_0000))])
      description.groups = [group]
    case .unicast:
      description.tunnels = (0..<64).map { number in
        let spi = UInt32(0x1000 + number)
        var tunnel = TunnelDescription(
          name: "tunnel \(number)", inboundSPI: spi, outboundSPI: spi, peer: far,
          local: network(0x0a00_0000 + UInt32(number) << 8), remote: network(0x0a80_0000 + UInt32(number) << 8))
        tunnel.security = TunnelSecurity(
          esp, address: near, inboundKey: key(number, 0x55), outboundKey: key(number, 0xaa))
        return tunnel
      }
    }
    return description
  }

  /// Packets of many flows, each with the worker that it belongs to, until every worker has enough.
  private static func share(
    _ kind: Kind, _ length: Int, _ classifier: Classifier, _ ownership: OwnershipDescription, _ workers: Int
  ) -> [[[UInt8]]] {
    var shares = [[[UInt8]]](repeating: [], count: workers)
    var number = 0
    while shares.contains(where: { $0.count < packets }) {
      let packet = packet(number, kind == .group ? 0 : number % 64, length)
      number += 1
      let set = packet.withUnsafeBytes { bytes in
        Int(classifier.judge(Bytes(UnsafeRawPointer(bytes.baseAddress!), count: bytes.count)).workSet)
      }
      let worker = Int(ownership.workers[set])
      if shares[worker].count < packets { shares[worker].append(packet) }
    }
    return shares
  }

  /// UDP over IPv4 over Ethernet.
  private static func packet(_ number: Int, _ network: Int, _ length: Int) -> [UInt8] {
    func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }
    var octets: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
    octets += [0x45, 0] + two(length) + two(number & 0xffff) + [0, 0, 64, 17, 0, 0]
    octets += [10, 0, UInt8(network), UInt8(number >> 6 & 0xff), 10, 128, UInt8(network), 7]
    octets += two(1024 + number % 50_000) + [0x13, 0x88] + two(length - 20) + [0, 0]
    return octets + (0..<(length - 28)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  }

  /// Ticks for each of the worker's packets, sealed `passes` times; nil when one was not.
  func seal(_ worker: Int, passes: Int) -> Double? {
    var spent: UInt64 = 0
    let refs = refs[worker], path = paths[worker], counters = counters[worker]
    for _ in 0..<passes {
      restore(worker)
      let before = counters.keptPackets
      let start = hauberk_ticks()
      var first = 0
      while first < Self.packets {
        var burst = Burst(refs + first, count: Burst.capacity)
        hotRunBurstPath(path, &burst)
        first &+= Burst.capacity
      }
      spent &+= hauberk_ticks() &- start
      guard counters.keptPackets - before == Self.packets else { return nil }
    }
    return Double(spent) / Double(passes * Self.packets)
  }

  private func restore(_ worker: Int) {
    let stride = memory.sizes.frameBytes
    for (index, packet) in plain[worker].enumerated() {
      let start = (worker * Self.packets + index) * stride
      let ref = PacketRef(
        position: UInt32(start) / FrameAddresses.unit, offset: UInt16(Self.offset), length: UInt32(packet.count))
      packet.withUnsafeBytes {
        memory.addresses.address(start: ref.start).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
      refs[worker][index] = ref
    }
  }
}

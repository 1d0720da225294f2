import CBaseline
import Contract
import Dataplane
import Memory
import Nonces
import Rings
import Wire

/// The pipeline as a gateway: the same SAs, addresses and keys as the baseline's gateway of that side, so that one opens
/// what the other seals.
final class ESPGateway {
  private let associations: Associations
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let worker: ESPWorker
  private let reports: SPSCRing<Report>
  private let supply: NonceSupply
  private let path: BurstPath
  private let counters = WorkerCounters()

  init(_ baseline: OpaquePointer, sas: Int, side: Int, memory: PacketMemory) throws {
    let ends = [IPAddress("192.0.2.1"), IPAddress("198.51.100.1")].compactMap { $0 }
    var description = ClassifyDescription()
    description.accept = AcceptDescription(
      unitMAC: MACAddress(0x02aa_0000_0001), clusterUnicastMAC: MACAddress(0x0200_0000_0002),
      clusterMulticastMAC: MACAddress(0x0300_0000_0002))
    description.clusterAddresses = [ends[side]]
    let esp = ESPDescription(try CipherSuite(.aesGCM, keyBits: 128))
    description.tunnels = (0..<sas).compactMap { index in
      let low = UInt32(index & 255) << 8, high = UInt32(index >> 8) << 16
      let near = IPv4Address(10 << 24 | high | low), far = IPv4Address(10 << 24 | 128 << 16 | high | low)
      guard let a = IPPrefix(.v4(near), length: 24), let b = IPPrefix(.v4(far), length: 24) else { return nil }
      let spi = UInt32(BASELINE_ESP_FIRST_SPI) + UInt32(index)
      var tunnel = TunnelDescription(
        name: "tunnel \(index)", inboundSPI: spi, outboundSPI: spi, peer: ends[1 - side],
        local: [side == 0 ? a : b], remote: [side == 0 ? b : a])
      tunnel.security = TunnelSecurity(
        esp, address: ends[side], inboundKey: Self.key(baseline, index, ofSealing: false),
        outboundKey: Self.key(baseline, index, ofSealing: true))
      return tunnel
    }
    associations = try Associations(description, engine: try CryptoEngine(forced: .ipsecMB, lanes: 1), workers: 1)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 1)
    let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
    supply = try NonceSupply(associations, ownership, workers: 1, unit: 0, from: directory, .new)
    snapshot = ClassifySnapshotBuilder.build(description, ownership, associations)
    shared = WorkerShared(memory: memory, first: snapshot, workers: 1, crossingCapacity: 64)
    reports = SPSCRing(capacity: 1 << 16)
    worker = ESPWorker(
      lane: try associations.engine.lane(0), memory: memory, reports: reports, worker: 0, link: .ethernet)
    path = BurstPath(shared, counters, worker: 0, link: .ethernet, esp: worker)
  }

  private static func key(_ baseline: OpaquePointer, _ index: Int, ofSealing: Bool) -> KeyDescription {
    var secret = [UInt8](repeating: 0, count: Int(BASELINE_ESP_SECRET))
    baseline_esp_secret(baseline, UInt32(index), ofSealing ? 1 : 0, &secret)
    return KeyDescription(Secret(secret), born: 0)
  }

  deinit {
    worker.deallocate()
    reports.deallocate()
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    counters.deallocate()
  }

  /// A burst in place; how many of it are done.
  @inline(__always)
  func run(_ refs: UnsafeMutablePointer<PacketRef>, _ count: Int) -> UInt32 {
    let before = counters.keptPackets
    var burst = Burst(refs, count: count)
    hotRunBurstPath(path, &burst)
    return UInt32(truncatingIfNeeded: counters.keptPackets &- before)
  }

  func rewind() { associations.forgetReceived() }

  /// What went wrong, for whoever reads.
  var drops: String {
    DropReason.allCases.filter { counters.drops($0) > 0 }.map { "\($0.name) \(counters.drops($0))" }.joined(
      separator: ", ")
  }
}

import CBaseline
import Contract
import Dataplane
import Memory
import Nonces
import Rings
import Wire

/// The same as in the table of ESP, with what makes each packet anew: for instruction counts, and for the heap.
func sealedAndMadeAnew() throws -> Comparison? {
  guard let frames = ESPFrames(sas: 1, .fixed(64)) else { return nil }
  let gateway = try ESPGateway(frames.gateway, sas: 1, side: 0, memory: frames.packets)
  return madeAnew("seal, and make anew, 64 bytes", frames, gateway, frames.gateway, baseline_esp_seal) {
    frames.restorePlain(0)
  }
}

func openedAndMadeAnew() throws -> Comparison? {
  guard let frames = ESPFrames(sas: 1, .fixed(64)) else { return nil }
  let gateway = try ESPGateway(frames.peer, sas: 1, side: 1, memory: frames.packets)
  return madeAnew("open, and make anew, 64 bytes", frames, gateway, frames.peer, baseline_esp_open) {
    frames.restoreSealed(0)
    gateway.rewind()
    baseline_esp_rewind(frames.peer)
  }
}

private func madeAnew(
  _ name: String, _ frames: ESPFrames, _ gateway: ESPGateway, _ baseline: OpaquePointer,
  _ other:
    @escaping (OpaquePointer?, UnsafeMutablePointer<baseline_frame>?, UInt32, UnsafeMutablePointer<UInt8>?) -> UInt32,
  _ restore: @escaping () -> Void
) -> Comparison {
  let passes = 8
  let verdicts = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(BASELINE_BURST))
  verdicts.initialize(repeating: 0, count: Int(BASELINE_BURST))
  func run(_ burst: @escaping (Int) -> UInt32) -> Runner {
    Runner(units: passes * ESPFrames.count) {
      var done: UInt64 = 0
      for _ in 0..<passes {
        restore()
        for first in stride(from: 0, to: ESPFrames.count, by: Int(BASELINE_BURST)) { done &+= UInt64(burst(first)) }
      }
      precondition(done == passes * ESPFrames.count, "\(name): \(done) packets, and \(gateway.drops)")
      return done
    }
  }
  return Comparison(
    name: name, unit: "packet", ours: run { gateway.run(frames.refs + $0, Int(BASELINE_BURST)) },
    other: run { other(baseline, frames.frames + $0, UInt32(BASELINE_BURST), verdicts) },
    otherName: "C on intel-ipsec-mb", isHot: true)
}

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

import Contract
@testable import Dataplane
import Memory
import Nonces
import PacketMaking
import Rings
import Wire

/// The engines that this machine can run.
let engines = CryptoEngine.Kind.allCases.filter(\.isHere)

/// One gateway with one worker: frames go through the whole path, burst by burst.
final class TestGateway {
  struct Outcome {
    var octets: [UInt8]
    var reason: DropReason
    /// What was made out of it.
    var made: [[UInt8]] = []

    /// Behind the Ethernet header.
    var packet: [UInt8] { Array(octets.dropFirst(14)) }
  }

  let associations: Associations
  let counters = WorkerCounters()
  let reports: SPSCRing<Report>
  private let memory: PacketMemory
  private let frames: FrameSource
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let esp: ESPWorker
  private let path: BurstPath

  init(
    _ description: ClassifyDescription, engine: CryptoEngine.Kind? = nil, stories: Bool = false,
    hasNonces: Bool = true
  ) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = 1024
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory)
    associations = try Associations(description, engine: try CryptoEngine(forced: engine, lanes: 1), workers: 1)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 1)
    if hasNonces {
      let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
      _ = try NonceSupply(associations, ownership, workers: 1, unit: 0, from: directory, .new)
    }
    snapshot = ClassifySnapshotBuilder.build(description, ownership, associations)
    shared = WorkerShared(memory: memory, first: snapshot, workers: 1, crossingCapacity: 64)
    reports = SPSCRing(capacity: 64)
    esp = ESPWorker(
      lane: try associations.engine.lane(0), memory: memory, reports: reports, worker: 0, link: .ethernet,
      keepsStories: stories)
    path = BurstPath(shared, counters, worker: 0, link: .ethernet, esp: esp)
  }

  deinit {
    esp.deallocate()
    reports.deallocate()
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    counters.deallocate()
    frames.deallocate()
    memory.deallocate()
  }

  /// In bursts of 64, in order.
  func run(_ list: [[UInt8]], seconds: Int64 = 0) -> [Outcome] {
    var outcomes: [Outcome] = []
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    for first in stride(from: 0, to: list.count, by: Burst.capacity) {
      var burst = Burst(refs)
      for octets in list[first..<min(list.count, first + Burst.capacity)] {
        var ref = PacketRef(position: 0, offset: 0, length: 0)
        precondition(frames.take(length: octets.count, &ref))
        memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
        let header = memory.header(of: ref)
        header.pointee = FrameHeader()
        header.pointee.seconds = seconds
        header.pointee.wireLength = UInt32(octets.count)
        burst.append(ref)
      }
      hotRunBurstPath(path, &burst)
      for index in 0..<burst.count { outcomes.append(take(burst.refs[index])) }
    }
    return outcomes
  }

  func run(_ octets: [UInt8]) -> Outcome { run([octets])[0] }

  private func take(_ ref: PacketRef) -> Outcome {
    var outcome = Outcome(octets: octets(of: ref), reason: DropReason(rawValue: ref.verdict) ?? .none)
    var next = memory.header(of: ref).pointee.made
    frames.give(ref)
    while next.length != 0 {
      outcome.made.append(octets(of: next))
      let following = memory.header(of: next).pointee.made
      frames.give(next)
      next = following
    }
    return outcome
  }

  private func octets(of ref: PacketRef) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: memory.address(of: ref), count: Int(ref.length)))
  }

  /// A block for every SA without a record of it: for tests that use a key twice on purpose.
  func giveNonces() {
    for number in 0..<associations.tables.outboundCount {
      let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
      let key = NonceKey(fingerprint: Array(repeating: UInt8(number), count: NonceKey.fingerprintBytes), born: 1)!
      let ids = try! SenderIDs(width: .sixteen, units: 256, unit: 0, workers: 1)
      let nonces = try! directory.open(key, .new, ids: ids)
      associations.tables.outbound[number].state.pointee.nonces = try! nonces.lease(worker: 0).nextBlock()
    }
  }

  func counters(_ direction: AssociationCounters.Direction) -> AssociationCounters {
    associations.counters().first { $0.direction == direction }!
  }
}

/// Two ends of one tunnel: what one seals the other opens.
struct TunnelPair {
  var near: ClassifyDescription
  var far: ClassifyDescription

  init(
    _ esp: ESPDescription, isOuterIPv6: Bool = false, local: [String] = ["0.0.0.0/0", "::/0"],
    remote: [String] = ["0.0.0.0/0", "::/0"]
  ) {
    let ends = (isOuterIPv6 ? ["2001:db8:1::1", "2001:db8:2::1"] : ["203.0.113.1", "203.0.113.2"]).map {
      IPAddress($0)!
    }
    let keys = [11, 12].map { seed in
      KeyDescription(Secret((0..<esp.suite.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ seed) }), born: 1)
    }
    func side(_ here: Int) -> ClassifyDescription {
      var tunnel = TunnelDescription(
        name: "pair", inboundSPI: 0x1001 + UInt32(here) * 0x1000, outboundSPI: 0x2001 - UInt32(here) * 0x1000,
        peer: ends[1 - here], local: (here == 0 ? local : remote).map { IPPrefix($0)! },
        remote: (here == 0 ? remote : local).map { IPPrefix($0)! })
      tunnel.security = TunnelSecurity(esp, address: ends[here], inboundKey: keys[here], outboundKey: keys[1 - here])
      var description = ClassifyDescription()
      description.clusterAddresses = [ends[here]]
      description.tunnels = [tunnel]
      return description
    }
    near = side(0)
    far = side(1)
  }
}

/// The suites, and one of each kind where all would take too long.
let gcm = try! CipherSuite(.aesGCM, keyBits: 128)

func clear(_ length: Int, isIPv6: Bool = false, trafficClass: UInt8 = 0, dontFragment: Bool = false) -> [UInt8] {
  let payload = (0..<max(0, length - (isIPv6 ? 48 : 28))).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  return isIPv6
    ? ethernet(.ipv6, ipv6(.udp, trafficClass: UInt32(trafficClass), udp(from: 4000, to: 5000, payload)))
    : ethernet(
      .ipv4, ipv4(.udp, trafficClass: trafficClass, dontFragment: dontFragment, udp(from: 4000, to: 5000, payload)))
}

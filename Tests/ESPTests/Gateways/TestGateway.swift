import Contract
@testable import Dataplane
import Memory
import Nonces
import PacketMaking
import Rings
import Wire

/// The engines that this machine can run.
let engines = CryptoEngine.Kind.allCases.filter(\.isHere)

/// One gateway: frames go through the whole path, burst by burst, each burst to the worker that it is given to.
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
  let bank: [WorkerCounters]
  /// All workers': whoever asks knows which.
  let reports: SPSCRing<Report>
  let supply: NonceSupply?
  private let memory: PacketMemory
  private let frames: FrameSource
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let esp: [ESPWorker]
  private let paths: [BurstPath]

  /// Worker 0's.
  var counters: WorkerCounters { bank[0] }

  init(
    _ description: ClassifyDescription, engine: CryptoEngine.Kind? = nil, stories: Bool = false,
    hasNonces: Bool = true, workers: Int = 1, unit: Int = 0, forward: ForwardTables? = nil
  ) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = 1024
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory)
    associations = try Associations(
      description, engine: try CryptoEngine(forced: engine, lanes: workers), workers: workers)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: workers)
    if hasNonces {
      let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
      supply = try NonceSupply(associations, ownership, workers: workers, unit: unit, from: directory, .new)
    } else {
      supply = nil
    }
    snapshot = ClassifySnapshotBuilder.build(description, ownership, associations, forward: forward)
    let shared = WorkerShared(memory: memory, first: snapshot, workers: workers, crossingCapacity: 64)
    let reports = SPSCRing<Report>(capacity: 64)
    self.shared = shared
    self.reports = reports
    bank = (0..<workers).map { _ in WorkerCounters() }
    let memory = memory, engine = associations.engine
    esp = try (0..<workers).map { number in
      ESPWorker(
        lane: try engine.lane(number), memory: memory, reports: reports, worker: number, link: .ethernet,
        keepsStories: stories)
    }
    paths = zip(bank, esp).enumerated().map { number, both in
      BurstPath(shared, both.0, worker: UInt8(number), link: .ethernet, esp: both.1)
    }
  }

  deinit {
    for worker in esp { worker.deallocate() }
    reports.deallocate()
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    for counters in bank { counters.deallocate() }
    frames.deallocate()
    memory.deallocate()
  }

  /// In bursts of 64, in order. What crosses to another worker comes last, once that one has had its turn.
  func run(_ list: [[UInt8]], seconds: Int64 = 0, worker: Int = 0, from side: Side = .inside) -> [Outcome] {
    var outcomes: [Outcome] = []
    var path = paths[worker]
    path.side = side
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    for first in stride(from: 0, to: list.count, by: Burst.capacity) {
      var burst = Burst(refs)
      for octets in list[first..<min(list.count, first + Burst.capacity)] {
        let ref = ref(octets, side)
        memory.header(of: ref).pointee.seconds = seconds
        burst.append(ref)
      }
      hotRunBurstPath(path, &burst)
      for index in 0..<burst.count { outcomes.append(take(burst.refs[index])) }
    }
    outcomes += runCrossed(refs)
    return outcomes
  }

  private func ref(_ octets: [UInt8], _ side: Side) -> PacketRef {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    precondition(frames.take(length: octets.count, &ref))
    memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    let header = memory.header(of: ref)
    header.pointee = FrameHeader()
    header.pointee.sequence = UInt64(side.rawValue)
    header.pointee.wireLength = UInt32(octets.count)
    return ref
  }

  /// What another worker has judged by tables that are not in force any more, and sent over to this one.
  func runLate(_ list: [[UInt8]], to worker: Int, from side: Side = .inside) -> [Outcome] {
    for octets in list {
      var late = ref(octets, side)
      late.judgement = Judgement(workSet: 0, worker: UInt8(worker))
      memory.header(of: late).pointee.generation = .max
      precondition(paths[1 - worker].stages.crossing.send(late, from: UInt8(1 - worker)))
    }
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    return runCrossed(refs)
  }

  /// As the workers' loops do after their own bursts, until nothing is under way between them.
  private func runCrossed(_ refs: UnsafeMutablePointer<PacketRef>) -> [Outcome] {
    var outcomes: [Outcome] = []
    var isQuiet = paths.count == 1
    while !isQuiet {
      isQuiet = true
      for worker in paths.indices {
        var crossed = Burst(refs)
        paths[worker].stages.crossing.receive(into: &crossed, at: worker)
        if crossed.count == 0 { continue }
        isQuiet = false
        paths[worker].stages.take(&crossed, snapshot)
        for index in 0..<crossed.count { outcomes.append(take(crossed.refs[index])) }
      }
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

  /// What control has to say, as a worker hears it between two bursts.
  func obey(_ order: Order, worker: Int = 0) {
    switch order.kind {
    case .nonces: paths[worker].stages.takeNonces(order, snapshot)
    case .endLifetime: paths[worker].stages.endLifetime(order, snapshot)
    case .stop, .trace, .drain, .changePorts: break
    }
  }

  /// What workers have reported since they were asked last.
  func reported() -> [Report] {
    var list: [Report] = []
    while let report = reports.dequeue() { list.append(report) }
    return list
  }

  /// The first outbound SA's.
  var outboundState: UnsafeMutablePointer<OutboundState> { associations.tables.outbound[0].state }

  /// As if so many packets had been sealed before.
  func goOn(after last: UInt64) {
    let sa = associations.tables.outbound[0]
    sa.state.pointee.sequence = OutboundSequence(extended: sa.flags.contains(.isExtended), after: last)
    sa.state.pointee.renewBudget()
  }

  /// A packet under each of these numbers.
  func seal(_ numbers: [UInt64], _ frame: [UInt8] = clear(60)) -> [[UInt8]] {
    numbers.map { number in
      goOn(after: number - 1)
      let outcome = run(frame)
      precondition(outcome.reason == .none, "number \(number) was not sealed: \(outcome.reason)")
      return outcome.octets
    }
  }

  /// The first inbound SA's.
  var window: ReplayWindow { associations.tables.inbound[0].window }

  /// As if nothing after this number had been received, and everything before it were long past.
  func expect(after last: UInt64) {
    let window = window
    _ = ReplayWindow(
      at: UnsafeMutableRawPointer(window.head), size: window.size,
      extended: associations.tables.inbound[0].flags.contains(.isExtended), after: last)
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
let kinds = [
  gcm, try! CipherSuite(.chacha20Poly1305, keyBits: 256), try! CipherSuite(.aesGMAC, keyBits: 256),
  try! CipherSuite(.aesCBC, keyBits: 128, integrity: .hmacSHA256),
  try! CipherSuite(.aesCTR, keyBits: 128, integrity: .hmacSHA384),
  try! CipherSuite(.null, keyBits: 0, integrity: .hmacSHA512),
]

func clear(_ length: Int, isIPv6: Bool = false, trafficClass: UInt8 = 0, dontFragment: Bool = false) -> [UInt8] {
  let payload = (0..<max(0, length - (isIPv6 ? 48 : 28))).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  return isIPv6
    ? ethernet(.ipv6, ipv6(.udp, trafficClass: UInt32(trafficClass), udp(from: 4000, to: 5000, payload)))
    : ethernet(
      .ipv4, ipv4(.udp, trafficClass: trafficClass, dontFragment: dontFragment, udp(from: 4000, to: 5000, payload)))
}

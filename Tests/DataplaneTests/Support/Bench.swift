import Contract
@testable import Dataplane
import Memory
import PacketMaking
import Rings
import Wire

/// Workers on a bench: packets are put into their rings by hand, and every one runs on the test's own thread, or on
/// threads that the test starts.
final class Bench {
  let memory: PacketMemory
  let frames: FrameSource
  let shared: WorkerShared
  let snapshot: UnsafePointer<ClassifySnapshot>
  let counters: [WorkerCounters]
  let toWorkers: [SPSCRing<PacketRef>]
  let fromWorkers: [SPSCRing<PacketRef>]
  let orders: [SPSCRing<Order>]
  let reports: [SPSCRing<Report>]
  private(set) var workers: [ReplayWorker] = []

  init(
    _ description: ClassifyDescription, _ ownership: OwnershipDescription, workers count: Int = 1,
    link: LinkType = .ethernet, crossingCapacity: Int = 1024
  ) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = 1024
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory)
    snapshot = ClassifySnapshotBuilder.build(description, ownership)
    shared = WorkerShared(memory: memory, first: snapshot, workers: count, crossingCapacity: crossingCapacity)
    counters = (0..<count).map { _ in WorkerCounters() }
    toWorkers = (0..<count).map { _ in SPSCRing(capacity: 2048) }
    fromWorkers = (0..<count).map { _ in SPSCRing(capacity: 2048) }
    orders = (0..<count).map { _ in SPSCRing(capacity: 16) }
    reports = (0..<count).map { _ in SPSCRing(capacity: 16) }
    workers = (0..<count).map { number in
      ReplayWorker(
        number: number, link: link, shared: shared, counters: counters[number], orders: orders[number],
        reports: reports[number], receive: DealtPort(toWorkers[number]),
        transmit: CompletionPort(fromWorkers[number]))
    }
  }

  /// After the last worker has stopped; whoever published other snapshots frees them.
  func deallocate() {
    for ring in toWorkers + fromWorkers { ring.deallocate() }
    for ring in orders { ring.deallocate() }
    for ring in reports { ring.deallocate() }
    for bank in counters { bank.deallocate() }
    let last = shared.cell.load()
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(last)
    frames.deallocate()
    memory.deallocate()
  }

  /// A packet in a frame of its own, numbered.
  func packet(_ octets: [UInt8], number: UInt64 = 0) -> PacketRef? {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard frames.take(length: octets.count, &ref) else { return nil }
    memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    memory.header(of: ref).pointee.sequence = number
    return ref
  }

  func deal(_ octets: [UInt8], number: UInt64 = 0, to worker: Int = 0) {
    var ref = packet(octets, number: number)!
    precondition(toWorkers[worker].enqueue(&ref, 1) == 1)
  }

  func order(_ kind: Order.Kind, to worker: Int = 0) {
    var order = Order(kind)
    precondition(orders[worker].enqueue(&order, 1) == 1)
  }

  /// Runs one worker here until it has obeyed an order to stop.
  func run(_ worker: Int = 0) {
    WorkerLife.run(&workers[worker]) { hotRunReplayWorker(&$0, $1, $2) }
  }

  /// What a worker has finished, in its order.
  func finished(_ worker: Int = 0) -> [(number: UInt64, reason: DropReason, set: Int)] {
    var list: [(UInt64, DropReason, Int)] = []
    while let ref = fromWorkers[worker].dequeue() {
      list.append((memory.header(of: ref).pointee.sequence, DropReason(rawValue: ref.verdict)!, Int(ref.workSet)))
      frames.give(ref)
    }
    return list
  }

  /// One packet through one worker: what becomes of it.
  static func verdict(
    on octets: [UInt8], _ description: ClassifyDescription = ClassifyDescription(),
    _ ownership: OwnershipDescription = OwnershipDescription(members: 1, playing: [0], workers: 1),
    link: LinkType = .ethernet
  ) throws -> (reason: DropReason, counters: [DropReason: UInt64], kept: UInt64) {
    let bench = try Bench(description, ownership, link: link)
    defer { bench.deallocate() }
    bench.deal(octets)
    bench.order(.stop)
    bench.run()
    let counted = Dictionary(uniqueKeysWithValues: DropReason.allCases.map { ($0, bench.counters[0].drops($0)) })
    return (bench.finished()[0].reason, counted, bench.counters[0].keptPackets)
  }
}

/// Frames as they lie in memory, in order, as a port delivers them.
struct ListPort: ReceivePort {
  let octets: [[UInt8]]
  let frames: FrameSource
  var next = 0
  /// At most so many a call, so that bursts come in every size.
  var most = Burst.capacity

  init(_ octets: [[UInt8]], frames: FrameSource, most: Int = Burst.capacity) {
    self.octets = octets
    self.frames = frames
    self.most = most
  }

  mutating func receive(into burst: inout Burst) -> Bool {
    var added = 0
    while burst.count < Burst.capacity, added < most {
      guard next < octets.count else { return false }
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      guard frames.take(length: octets[next].count, &ref) else { return true }
      frames.memory.address(of: ref).copyMemory(from: octets[next], byteCount: octets[next].count)
      let header = frames.memory.header(of: ref)
      header.pointee.seconds = Int64(next)
      header.pointee.nanoseconds = 0
      header.pointee.wireLength = UInt32(octets[next].count)
      burst.append(ref)
      next += 1
      added += 1
    }
    return next < octets.count
  }
}

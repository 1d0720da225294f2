import CKernel
package import Contract
package import Memory
package import Nonces
import Rings
package import Wire

/// What a replay is to do.
package struct ReplayDescription {
  package var workers = 1
  package var deal = Deal.toOwner
  package var classify = ClassifyDescription()
  package var ownership: OwnershipDescription
  package var memory = PacketMemorySizes()
  /// Nil classifies, and leaves packets as they are.
  package var security: ReplaySecurity?

  package init(ownership: OwnershipDescription) { self.ownership = ownership }
}

/// The workers of a replay and what they need: made before the first packet, gone after the last.
package final class Replay {
  package let memory: PacketMemory
  /// The dealer's frames; ports on its thread share them.
  package let frames: FrameSource
  package let counters: [WorkerCounters]
  package let processors: [Int?]
  package let snapshot: UnsafePointer<ClassifySnapshot>
  private let description: ReplayDescription
  /// Enough to keep every worker busy, few enough that a frame comes back while it is still in the cache.
  private let mostUnderWay: Int
  private let capacity: Int
  private let link: LinkType
  private let shared: WorkerShared
  private let toWorkers: [SPSCRing<PacketRef>]
  private let fromWorkers: [SPSCRing<PacketRef>]
  private let orders: [SPSCRing<Order>]
  private let reports: [SPSCRing<Report>]
  /// The SAs of this gateway, and of the one at the other end of a round trip.
  package let near: Associations?
  package let far: Associations?
  private let farSnapshot: UnsafePointer<ClassifySnapshot>?
  private let supply: NonceSupply?
  private var espWorkers: [ESPWorker] = []
  private var roundTrips: [RoundTrip] = []
  private var threads: [WorkerThread] = []

  package init(_ description: ReplayDescription, link: LinkType) throws {
    self.description = description
    self.link = link
    let allowed = Processors.allowed()
    // From the last: the first is where everything else of the machine runs, the dealer among it.
    let processors = (0..<description.workers).map { worker in
      allowed.isEmpty ? nil : allowed[allowed.count - 1 - worker % allowed.count]
    }
    self.processors = processors
    memory = try PacketMemory(description.memory, near: processors[0])
    frames = FrameSource(memory, keeping: description.memory.frames)
    // A lane for every worker at either end.
    let engine = try description.security.map { security throws(CryptoError) in
      try CryptoEngine(forced: security.engine, lanes: 2 * description.workers)
    }
    near = try engine.map { engine throws(CryptoError) in
      try Associations(description.classify, engine: engine, workers: description.workers)
    }
    far = try Self.farEnd(description, engine)
    supply = try Self.supply(description, near)
    snapshot = ClassifySnapshotBuilder.build(description.classify, description.ownership, near)
    farSnapshot = description.security?.farEnd.map { [far] in
      ClassifySnapshotBuilder.build($0, OwnershipDescription(members: 1, playing: [0], workers: 1), far)
    }
    mostUnderWay = min(512 * (description.workers + 1), description.memory.frames / 2)
    // The dealer reads a whole burst while there is room for one packet. Rings that hold all there can be are never full.
    capacity = Self.powerOfTwo(mostUnderWay + Burst.capacity)
    let capacity = capacity
    shared = WorkerShared(
      memory: memory, first: snapshot, workers: description.workers, crossingCapacity: capacity)
    let workers = 0..<description.workers
    toWorkers = workers.map { _ in SPSCRing(capacity: capacity) }
    fromWorkers = workers.map { _ in SPSCRing(capacity: capacity) }
    orders = workers.map { _ in SPSCRing(capacity: 16) }
    reports = workers.map { _ in SPSCRing(capacity: 16) }
    counters = workers.map { _ in WorkerCounters() }
    if let engine { try makeESPWorkers(engine) }
    // Of what went into the tables, the most is over.
    hauberk_return_free_memory()
  }

  private static func farEnd(
    _ description: ReplayDescription, _ engine: CryptoEngine?
  ) throws(CryptoError) -> Associations? {
    guard let engine, let far = description.security?.farEnd else { return nil }
    return try Associations(far, engine: engine, workers: description.workers)
  }

  private static func supply(
    _ description: ReplayDescription, _ near: Associations?
  ) throws(NonceRefusal) -> NonceSupply? {
    guard let near, let security = description.security else { return nil }
    return try NonceSupply(
      near, description.ownership, workers: description.workers, unit: security.unit, from: security.nonces,
      security.history)
  }

  private func makeESPWorkers(_ engine: CryptoEngine) throws(CryptoError) {
    for number in 0..<description.workers {
      let keepsStories = description.security?.keepsStories ?? false
      espWorkers.append(
        ESPWorker(
          lane: try engine.lane(number), memory: memory, reports: reports[number], worker: number, link: link,
          keepsStories: keepsStories))
      if let farSnapshot {
        let lane = try engine.lane(description.workers + number)
        roundTrips.append(
          RoundTrip(
            farSnapshot,
            ESPWorker(lane: lane, memory: memory, reports: reports[number], worker: number, link: link)))
      }
    }
  }

  /// Answers what workers have asked for: to be called often, from the thread that made the replay.
  package func serve() throws(NonceRefusal) {
    guard let supply else { return }
    for worker in 0..<description.workers {
      while let report = reports[worker].dequeue() {
        guard var order = try supply.order(for: report) else { continue }
        // The worker takes orders between any two bursts, so there is room soon.
        while orders[worker].enqueue(&order, 1) == 0 { hauberk_yield() }
      }
    }
  }

  static func powerOfTwo(_ least: Int) -> Int {
    var capacity = 1
    while capacity < least { capacity *= 2 }
    return capacity
  }

  package func start() throws(ThreadError) {
    for number in 0..<description.workers {
      let start = ReplayWorker(
        number: number, link: link, shared: shared, counters: counters[number], orders: orders[number],
        reports: reports[number], receive: DealtPort(toWorkers[number]),
        transmit: CompletionPort(fromWorkers[number]), esp: espWorkers.isEmpty ? nil : espWorkers[number],
        roundTrip: roundTrips.isEmpty ? nil : roundTrips[number])
      let thread = try WorkerThread(name: "worker \(number)", processor: processors[number]) {
        var worker = start
        WorkerLife.run(&worker) { hotRunReplayWorker(&$0, $1, $2) }
      }
      threads.append(thread)
    }
  }

  package func dealer<Source: ReceivePort>(_ source: Source) -> Dealer<Source> {
    Dealer(
      source, deal: description.deal, link: link, snapshot: snapshot, frames: frames, toWorkers: toWorkers,
      fromWorkers: fromWorkers, mostUnderWay: mostUnderWay, capacity: capacity, epoch: near?.tables.epoch)
  }

  /// Asks every worker to finish, and waits until all have.
  package func stop() {
    var order = Order(.stop)
    for ring in orders { while ring.enqueue(&order, 1) == 0 { hauberk_yield() } }
    for thread in threads { thread.join() }
    threads = []
  }

  /// After `stop`.
  package func deallocate() {
    for ring in toWorkers + fromWorkers { ring.deallocate() }
    for ring in orders { ring.deallocate() }
    for ring in reports { ring.deallocate() }
    for bank in counters { bank.deallocate() }
    for trip in roundTrips { trip.deallocate() }
    for worker in espWorkers { worker.deallocate() }
    if let farSnapshot { ClassifySnapshotBuilder.destroy(farSnapshot) }
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    frames.deallocate()
    memory.deallocate()
  }
}

import CKernel
package import Contract
package import Memory
package import Nonces
import Rings
package import Wire

/// What a live gateway is to be made of.
package struct LiveDescription: Sendable {
  package var classify: ClassifyDescription
  package var gateway: GatewayDescription
  package var ownership: OwnershipDescription
  package var memory = PacketMemorySizes()
  package var engine: CryptoEngine.Kind?
  package var unit = 0

  package init(_ classify: ClassifyDescription, _ gateway: GatewayDescription) {
    self.classify = classify
    self.gateway = gateway
    ownership = OwnershipDescription(members: 1, playing: [0], workers: gateway.workers)
  }
}

/// Both sides of one worker.
package struct LivePorts {
  package var inside: LivePort
  package var outside: LivePort

  package init(inside: LivePort, outside: LivePort) {
    self.inside = inside
    self.outside = outside
  }
}

/// The workers of a live gateway and what they need: made before the first packet, gone after the last.
package final class LiveGateway {
  package let description: LiveDescription
  package let memory: PacketMemory
  /// By worker: shared by both of its ports.
  package let frames: [FrameSource]
  /// The control thread's.
  package let controlFrames: FrameSource
  package let counters: [WorkerCounters]
  package let exchanges: [ControlExchange]
  package let processors: [Int?]
  package let neighbours: NeighbourTable
  package let associations: Associations
  package private(set) var ports: [LivePorts] = []
  /// Raised when a worker has something for control.
  package let wakesControl: Int32
  private let engine: CryptoEngine
  private let supply: NonceSupply
  private let forward: ForwardTables
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let orders: [SPSCRing<Order>]
  private let reports: [SPSCRing<Report>]
  private var espWorkers: [ESPWorker] = []
  private var threads: [WorkerThread] = []
  /// Reports that are no request for nonces: SAs that come to their end.
  package private(set) var events: [Report] = []

  private static let exchangeCapacity = 1024
  private static let crossingCapacity = 1024

  /// `macs` by side: the devices'.
  package init(
    _ description: LiveDescription, macs: [MACAddress], nonces: NonceStateDirectory?, _ history: KeyHistory
  ) throws {
    var description = description
    description.classify.localAddresses = description.gateway.interfaces.flatMap { $0.addresses.map(\.address) }
    description.classify.accept = Self.accept(description, macs)
    self.description = description
    let workers = description.gateway.workers
    let allowed = Processors.allowed()
    let processors = (0..<workers).map { worker in
      allowed.isEmpty ? nil : allowed[allowed.count - 1 - worker % allowed.count]
    }
    self.processors = processors
    let memory = try PacketMemory(description.memory, near: processors[0])
    self.memory = memory
    frames = (0..<workers).map { _ in FrameSource(memory) }
    controlFrames = FrameSource(memory, keeping: 256)
    engine = try CryptoEngine(forced: description.engine, lanes: workers)
    associations = try Associations(description.classify, engine: engine, workers: workers)
    associations.tables.epoch.pointee = hauberk_seconds()
    supply = try NonceSupply(
      associations, description.ownership, workers: workers, unit: description.unit, from: nonces, history)
    neighbours = NeighbourTable()
    forward = ForwardTables(description.gateway, macs: macs, neighbours: neighbours)
    snapshot = ClassifySnapshotBuilder.build(
      description.classify, description.ownership, associations, forward: forward)
    shared = WorkerShared(
      memory: memory, first: snapshot, workers: workers, crossingCapacity: Self.crossingCapacity)
    orders = (0..<workers).map { _ in SPSCRing(capacity: 64) }
    reports = (0..<workers).map { _ in SPSCRing(capacity: 256) }
    counters = (0..<workers).map { _ in WorkerCounters() }
    let wakesControl = hauberk_event_make()
    self.wakesControl = wakesControl
    exchanges = (0..<workers).map { _ in
      ControlExchange(capacity: Self.exchangeCapacity, wakesControlBy: wakesControl)
    }
    for number in 0..<workers {
      espWorkers.append(
        ESPWorker(
          lane: try engine.lane(number), memory: memory, reports: reports[number], worker: number, link: .ethernet))
    }
    hauberk_return_free_memory()
  }

  package var engineName: String { engine.name }

  private static func accept(_ description: LiveDescription, _ macs: [MACAddress]) -> AcceptDescription {
    var accept = AcceptDescription(unitMAC: macs[0])
    accept.outsideMAC = macs[1]
    accept.clusterUnicastMAC = description.classify.accept?.clusterUnicastMAC
    accept.clusterMulticastMAC = description.classify.accept?.clusterMulticastMAC
    // All nodes, and for each of our addresses the group that is asked for it (RFC 4291 section 2.7.1).
    var groups = [MACAddress(0x3333_0000_0001)]
    for case .v6(let address) in description.classify.localAddresses {
      groups.append(MACAddress(0x3333_ff00_0000 | address.low & 0xff_ffff))
    }
    // The link-local addresses end as the MAC addresses do.
    for mac in macs { groups.append(MACAddress(0x3333_ff00_0000 | mac.value & 0xff_ffff)) }
    accept.groups = (description.classify.accept?.groups ?? []) + groups
    return accept
  }

  package func start(_ ports: [LivePorts]) throws(ThreadError) {
    self.ports = ports
    for number in 0..<description.gateway.workers {
      let start = LiveWorker(
        number: number, shared: shared, counters: counters[number], orders: orders[number], reports: reports[number],
        inside: ports[number].inside, outside: ports[number].outside, frames: frames[number],
        esp: espWorkers[number], exchange: exchanges[number], polling: description.gateway.polling)
      let thread = try WorkerThread(name: "worker \(number)", processor: processors[number]) {
        var worker = start
        WorkerLife.run(&worker)
        worker.deallocate()
      }
      threads.append(thread)
    }
  }

  /// Answers what workers have asked for, and remembers what they have told.
  package func serve() throws(NonceRefusal) {
    for worker in 0..<description.gateway.workers {
      while let report = reports[worker].dequeue() {
        guard var order = try supply.order(for: report) else {
          events.append(report)
          continue
        }
        while orders[worker].enqueue(&order, 1) == 0 { hauberk_yield() }
        exchanges[worker].wakeWorker()
      }
    }
  }

  package func takeEvents() -> [Report] {
    defer { events = [] }
    return events
  }

  /// Asks every worker to finish, and waits until all have.
  package func stop() {
    var order = Order(.stop)
    for (ring, exchange) in zip(orders, exchanges) {
      while ring.enqueue(&order, 1) == 0 { hauberk_yield() }
      exchange.wakeWorker()
    }
    for thread in threads { thread.join() }
    threads = []
  }

  /// After `stop`, and after the ports are closed.
  package func deallocate() {
    for ring in orders { ring.deallocate() }
    for ring in reports { ring.deallocate() }
    for exchange in exchanges { exchange.deallocate() }
    for bank in counters { bank.deallocate() }
    for worker in espWorkers { worker.deallocate() }
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    forward.deallocate()
    neighbours.deallocate()
    for source in frames { source.deallocate() }
    controlFrames.deallocate()
    memory.deallocate()
    hauberk_event_close(wakesControl)
  }
}

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
    // A device hands over 64 KiB and headers at most; only files have longer packets.
    memory.largeFrameBytes = 66 << 10
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
  package private(set) var description: LiveDescription
  package let memory: PacketMemory
  /// By worker: shared by both of its ports.
  package let frames: [FrameSource]
  /// The control thread's.
  package let controlFrames: FrameSource
  package let counters: [WorkerCounters]
  package let exchanges: [ControlExchange]
  /// The same, for workers.
  private let exchangeList: UnsafeMutablePointer<ControlExchange>
  package let processors: [Int?]
  package let neighbours: NeighbourTable
  package private(set) var associations: Associations
  package private(set) var ports: [LivePorts] = []
  /// Raised when a worker has something for control.
  package let wakesControl: Int32
  private let engine: CryptoEngine
  private let macs: [MACAddress]
  private let nonces: NonceStateDirectory?
  private let history: KeyHistory
  private var supply: NonceSupply
  private var forward: ForwardTables
  /// Of next hops and interfaces: the next one has other numbers.
  package private(set) var routeGeneration: UInt32 = 0
  private var snapshot: UnsafePointer<ClassifySnapshot>
  /// Whose the work sets are: in a cluster its thread's, else as it was at the start.
  let ownership: OwnershipCell
  /// What the cluster's thread and workers say to each other. It outlives the gateway.
  package let cluster: ClusterDesk?
  /// What they have for sets that change hands, and what its thread knows of those.
  private let handovers: [UnsafeMutablePointer<Handover>]
  var handoverBook: HandoverBook
  /// Of a cluster's member.
  let states: SetStates?
  let shared: WorkerShared
  let orders: [SPSCRing<Order>]
  let desks: [TraceDesk]
  private let reports: [SPSCRing<Report>]
  private var espWorkers: [ESPWorker] = []
  private var threads: [WorkerThread] = []
  /// Workers for whose orders there was no room.
  private var untold: [Int] = []
  /// Reports that are no request for nonces: SAs that come to their end.
  package private(set) var events: [Report] = []
  /// Requests for nonces that could not be answered, as when the disk was full. Workers ask once.
  private var unanswered: [Report] = []
  private var nextAnswer: UInt64 = 0

  private static let exchangeCapacity = 1024
  private static let crossingCapacity = 1024

  /// `macs` by side: the devices'.
  package init(
    _ description: LiveDescription, macs: [MACAddress], nonces: NonceStateDirectory?, _ history: KeyHistory,
    cluster: ClusterDesk? = nil
  ) throws {
    let description = Self.completed(description, macs)
    self.description = description
    self.cluster = cluster
    ownership = OwnershipCell(description.ownership)
    self.macs = macs
    self.nonces = nonces
    self.history = history
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
    reports = (0..<workers).map { _ in SPSCRing(capacity: 256) }
    // Before the tables of many SAs leave used memory behind: most of what a worker has for later it never touches.
    for number in 0..<workers {
      espWorkers.append(
        ESPWorker(
          lane: try engine.lane(number), memory: memory, reports: reports[number], worker: number, link: .ethernet))
    }
    associations = try Associations(description.classify, engine: engine, workers: workers)
    associations.tables.epoch.pointee = hauberk_seconds()
    states = cluster == nil ? nil : SetStates(associations)
    supply = try NonceSupply(
      associations, description.ownership, workers: workers, unit: description.unit, from: nonces, history)
    neighbours = NeighbourTable()
    forward = ForwardTables(
      description.gateway, macs: macs, neighbours: neighbours,
      longest: associations.tables.longestInside(description.gateway))
    snapshot = ClassifySnapshotBuilder.build(description.classify, ownership, associations, forward: forward)
    shared = WorkerShared(
      memory: memory, first: snapshot, workers: workers, crossingCapacity: Self.crossingCapacity)
    orders = (0..<workers).map { _ in SPSCRing(capacity: 64) }
    counters = (0..<workers).map { _ in WorkerCounters() }
    handovers = cluster == nil ? [] : zip(frames, counters).map { Handover.make($0, $1, workers: workers) }
    handoverBook = HandoverBook(handovers)
    desks = (0..<workers).map { _ in TraceDesk() }
    let wakesControl = hauberk_event_make()
    self.wakesControl = wakesControl
    exchanges = (0..<workers).map { _ in
      ControlExchange(capacity: Self.exchangeCapacity, wakesControlBy: wakesControl)
    }
    exchangeList = .allocate(capacity: workers)
    for (number, exchange) in exchanges.enumerated() { (exchangeList + number).initialize(to: exchange) }
    hauberk_return_free_memory()
  }

  package var engineName: String { engine.name }

  /// With what follows from the interfaces.
  private static func completed(_ description: LiveDescription, _ macs: [MACAddress]) -> LiveDescription {
    var description = description
    description.classify.localAddresses = description.gateway.interfaces.flatMap { $0.addresses.map(\.address) }
    description.classify.accept = accept(description, macs)
    return description
  }

  private static func accept(_ description: LiveDescription, _ macs: [MACAddress]) -> AcceptDescription {
    var accept = AcceptDescription(unitMAC: macs[0])
    accept.outsideMAC = macs[1]
    accept.clusterUnicastMAC = description.classify.accept?.clusterUnicastMAC
    accept.clusterMulticastMAC = description.classify.accept?.clusterMulticastMAC
    // All nodes, and for each of our addresses the group that is asked for it (RFC 4291 section 2.7.1).
    var groups = [MACAddress(0x3333_0000_0001)]
    let shared = description.gateway.interfaces.flatMap(\.shared)
    for case .v6(let address) in description.classify.localAddresses + shared {
      groups.append(MACAddress(0x3333_ff00_0000 | address.low & 0xff_ffff))
    }
    // The link-local addresses end as the MAC addresses do.
    for mac in macs { groups.append(MACAddress(0x3333_ff00_0000 | mac.value & 0xff_ffff)) }
    accept.groups = (description.classify.accept?.groups ?? []) + groups
    return accept
  }

  /// `prepare` runs on each worker's thread before it begins.
  package func start(_ ports: [LivePorts], prepare: @escaping @Sendable () -> Void = {}) throws(ThreadError) {
    self.ports = ports
    for number in 0..<description.gateway.workers {
      let start = LiveWorker(
        number: number, shared: shared, counters: counters[number], orders: orders[number], reports: reports[number],
        inside: ports[number].inside, outside: ports[number].outside, frames: frames[number],
        esp: espWorkers[number], exchange: exchanges[number], others: exchangeList,
        desk: desks[number], polling: description.gateway.polling,
        member: cluster.map { ($0, ownership, handovers[number]) })
      let thread = try WorkerThread(name: "worker \(number)", processor: processors[number]) {
        var worker = start
        prepare()
        WorkerLife.run(&worker)
        worker.deallocate()
      }
      threads.append(thread)
    }
  }

  /// Answers what workers have asked for, and remembers what they have told. What cannot be answered is tried again, a
  /// second later; the refusal is the last of them.
  package func serve() throws(NonceRefusal) {
    var requests: [Report] = []
    let now = hauberk_nanoseconds()
    if !unanswered.isEmpty, now >= nextAnswer { swap(&requests, &unanswered) }
    for worker in 0..<description.gateway.workers {
      while let report = reports[worker].dequeue() {
        if report.kind == .nonces { requests.append(report) } else { events.append(report) }
      }
    }
    var refusal: NonceRefusal?
    for report in requests {
      do {
        // Nil: the SA is gone.
        guard var order = try supply.order(for: report) else { continue }
        let worker = Int(report.worker)
        while orders[worker].enqueue(&order, 1) == 0 { hauberk_yield() }
        exchanges[worker].wakeWorker()
      } catch {
        refusal = error
        unanswered.append(report)
        nextAnswer = now + 1_000_000_000
      }
    }
    if let refusal { throw refusal }
  }

  /// A side's port is another one from now on, of which each worker has a part. What they used until now comes back by
  /// `takeRetired`, and before it has, no other is offered for that side.
  package func change(_ side: Side, to next: [LivePort]) {
    for (worker, port) in next.enumerated() {
      if side == .inside { ports[worker].inside = port } else { ports[worker].outside = port }
      var change = PortChange(side, port)
      precondition(exchanges[worker].offered.enqueue(&change, 1) == 1, "a port was offered before the last came back")
      untold.append(worker)
    }
    tellOfPorts()
  }

  private func tellOfPorts() {
    var left: [Int] = []
    for worker in untold {
      var order = Order(.changePorts)
      if orders[worker].enqueue(&order, 1) == 1 { exchanges[worker].wakeWorker() } else { left.append(worker) }
    }
    untold = left
  }

  /// Ports that a worker has let go of: nobody uses them any more.
  package func takeRetired() -> [PortChange] {
    if !untold.isEmpty { tellOfPorts() }
    var retired: [PortChange] = []
    for exchange in exchanges {
      while let change = exchange.retired.dequeue() { retired.append(change) }
    }
    return retired
  }

  package func takeEvents() -> [Report] {
    defer { events = [] }
    return events
  }

  /// Puts another description into force, as a whole: SAs, policies, addresses and routes. SAs that keep their keys go on
  /// with their numbers and windows, and no packet is lost. What a running gateway cannot change is refused, and then
  /// nothing has changed. `begins`: whoever asks claims that keys without a record have never been used. `whenSure` comes
  /// when nothing can fail any more, and workers still go by the old one.
  package func reload(_ next: LiveDescription, begins: Bool = false, whenSure: () -> Void = {}) throws {
    if let what = description.unchangeable(in: next) { throw ReloadRefusal(what) }
    let next = Self.completed(next, macs)
    let workers = description.gateway.workers
    let newAssociations = try Associations(next.classify, engine: engine, workers: workers, after: associations)
    try serve()
    let newSupply = try NonceSupply(
      newAssociations, next.ownership, workers: workers, unit: next.unit, from: nonces,
      begins ? .newUnlessRecorded : history, after: supply)
    let newForward = ForwardTables(
      next.gateway, macs: macs, neighbours: neighbours,
      longest: newAssociations.tables.longestInside(next.gateway), generation: routeGeneration &+ 1)
    let newSnapshot = ClassifySnapshotBuilder.build(next.classify, ownership, newAssociations, forward: newForward)
    // Orders name SAs by the numbers of now: none may be under way when those change.
    awaitOrders()
    whenSure()
    states?.enter(newAssociations)
    let old = shared.cell.publish(newSnapshot) {
      for exchange in exchanges { exchange.wakeWorker() }
      hauberk_yield()
    }
    states?.leave()
    ClassifySnapshotBuilder.destroy(old)
    forward.deallocate()
    snapshot = newSnapshot
    forward = newForward
    routeGeneration &+= 1
    // From here on the old ones are gone, and with them what nobody took over.
    supply = newSupply
    unanswered = unanswered.compactMap { supply.renumbered($0) }
    associations = newAssociations
    description = next
    hauberk_return_free_memory()
  }

  /// False: the table is full of those who are known.
  package func learn(_ address: IPAddress, interface: Int, _ mac: MACAddress) -> Bool {
    if neighbours.learn(address, interface: interface, mac) { return true }
    guard neighbours.hasForgotten else { return false }
    neighbours.reclaim {
      shared.quiescence.wait {
        for exchange in exchanges { exchange.wakeWorker() }
        hauberk_yield()
      }
    }
    return neighbours.learn(address, interface: interface, mac)
  }

  /// Asks every worker to finish, and waits until all have.
  package func stop() {
    guard !threads.isEmpty else { return }
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
    for desk in desks { desk.deallocate() }
    for exchange in exchanges { exchange.deallocate() }
    exchangeList.deallocate()
    for bank in counters { bank.deallocate() }
    for worker in espWorkers { worker.deallocate() }
    shared.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
    ownership.deallocate()
    handoverBook.deallocate()
    for handover in handovers {
      handover.pointee.deallocate()
      handover.deallocate()
    }
    forward.deallocate()
    neighbours.deallocate()
    for source in frames { source.deallocate() }
    controlFrames.deallocate()
    memory.deallocate()
    hauberk_event_close(wakesControl)
  }
}

extension AssociationTables {
  /// The longest packet that every tunnel has room for; nil where there is none. Sealed packets leave outside: what its
  /// links do not take is cut, whatever a path is said to take.
  fileprivate func longestInside(_ gateway: GatewayDescription) -> Int? {
    let link = gateway.interfaces.filter { $0.side == .outside }.map(\.mtu).min() ?? Int(UInt16.max)
    return (0..<outboundCount).map { number in
      outbound[number].mostInside(ofOuter: min(link, Int(outbound[number].longest)))
    }.min()
  }
}

/// What a gateway cannot change while it runs.
package struct ReloadRefusal: Error, CustomStringConvertible {
  package let description: String

  init(_ what: String) { description = "\(what) cannot change while the gateway runs: start it again for that" }
}

extension LiveDescription {
  /// In words; nil where everything can be taken over.
  func unchangeable(in next: LiveDescription) -> String? {
    func ports(_ gateway: GatewayDescription) -> [String] { gateway.ports.map { "\($0)" } }
    if ports(gateway) != ports(next.gateway) { return "devices and methods of 'ports'" }
    if gateway.workers != next.gateway.workers { return "'workers'" }
    if gateway.polling != next.gateway.polling { return "'polling'" }
    if memory.frames != next.memory.frames || memory.frameBytes != next.memory.frameBytes { return "'memory'" }
    if engine != next.engine { return "'engine'" }
    if unit != next.unit { return "'unit.number'" }
    if classify.key != next.classify.key || classify.hash != next.classify.hash { return "the cluster's hash" }
    return nil
  }
}

import CKernel
package import Contract
package import Memory
package import Rings
import Wire

/// A worker between two live ports: from both sides in turn, through the stages, to whichever side the route says.
///
/// Like every worker it does not lock, allocate or count references. It waits only when there has been nothing to do for
/// a while, and then for all that could end that.
package struct LiveWorker {
  let number: Int
  let cell: SnapshotCell<ClassifySnapshot>
  let quiescence: Quiescence
  let orders: SPSCRing<Order>
  let reports: SPSCRing<Report>
  let stages: Stages
  private(set) var inside: LivePort
  private(set) var outside: LivePort
  let frames: FrameSource
  let exchange: ControlExchange
  /// All workers', to wake those that something crosses to.
  let others: UnsafePointer<ControlExchange>
  let tracer: Tracer
  /// Whether bursts go the other way: somebody wants to know what becomes of packets, or nothing new is taken.
  private var isAside = false
  private var isTracing = false { didSet { turnAsideIfNeeded() } }
  private(set) var drain = DrainSieve() { didSet { turnAsideIfNeeded() } }
  /// Of a member of a cluster.
  var lease: LeaseWatch?
  var tables: TableWatch?
  let handover: UnsafeMutablePointer<Handover>?
  /// Since when hosts are asked whether they are with us; 0: nobody is missing.
  var doubtedSince: UInt64 = 0
  /// Of the routes that packets are sent by now, where control looks for it.
  var generation: UInt64 = 0
  let polling: Polling
  private var waiting: LiveWait
  var leaving: Departures

  package init(
    number: Int, shared: WorkerShared, counters: WorkerCounters, orders: SPSCRing<Order>, reports: SPSCRing<Report>,
    inside: LivePort, outside: LivePort, frames: FrameSource, esp: ESPWorker, exchange: ControlExchange,
    others: UnsafePointer<ControlExchange>,
    desk: TraceDesk, polling: Polling,
    member: (desk: ClusterDesk, ownership: OwnershipCell, handover: UnsafeMutablePointer<Handover>)? = nil
  ) {
    self.number = number
    cell = shared.cell
    quiescence = shared.quiescence
    self.orders = orders
    self.reports = reports
    stages = Stages(
      memory: shared.memory.addresses, counters: counters, crossing: shared.crossing, scratch: BurstScratch(),
      worker: UInt8(number), esp: esp, cluster: member?.desk)
    self.inside = inside
    self.outside = outside
    self.frames = frames
    self.exchange = exchange
    self.others = others
    self.polling = polling
    waiting = LiveWait(
      inside, outside, exchange.wakesWorker, polling, hasOthers: shared.crossing.workers > 1)
    tracer = Tracer(desk: desk, memory: shared.memory.addresses, counters: counters, worker: UInt8(number))
    leaving = Departures(frames, counters, member?.desk)
    lease = member.map { LeaseWatch($0.desk) }
    tables = member.map { TableWatch($0.ownership) }
    handover = member?.handover
    stages.scratch.handover.pointee = UInt(bitPattern: handover)
    turnAsideIfNeeded()
  }

  mutating func turnAsideIfNeeded() {
    isAside = isTracing || drain.isOn || lease?.isAside == true || !isFreeOfDoubts
  }

  package func deallocate() {
    leaving.deallocate()
    stages.scratch.deallocate()
  }

  @inline(__always)
  mutating func run(_ refs: UnsafeMutablePointer<PacketRef>, _ crossed: UnsafeMutablePointer<PacketRef>) {
    let counters = stages.counters
    var idlePolls = 0
    var crossedBefore = counters.crossedOut
    var isStopping = false
    while true {
      let snapshot = cell.load()
      isStopping = takeOrders(snapshot) || isStopping
      let seconds = hauberk_seconds()
      var moved = turn(.inside, inside, snapshot, refs, seconds) &+ turn(.outside, outside, snapshot, refs, seconds)
      moved &+= takeCrossed(snapshot, crossed)
      moved &+= takeInjected(snapshot, refs, seconds)
      leave()
      if lease != nil { tellTable() }
      quiescence.pass(number)
      if moved > 0 {
        if idlePolls >= waiting.polls { exchange.noteAsleep(false) }
        idlePolls = 0
        if counters.crossedOut != crossedBefore {
          crossedBefore = counters.crossedOut
          wakeOthers()
        }
        continue
      }
      if isStopping { break }
      counters.add(1, to: WorkerCounters.idlePolls)
      idlePolls &+= 1
      waiting.wait(idlePolls, exchange)
    }
    handover?.pointee.holding.throwAway(.draining)
    handover?.pointee.newcomers.throwAway(.draining)
  }

  @inline(never)
  func wakeOthers() {
    var worker = 0
    while worker < stages.crossing.workers {
      if worker != number { others[worker].wakeIfAsleep() }
      worker &+= 1
    }
  }

  /// One burst from one side. How many packets there were.
  @inline(__always)
  private mutating func turn(
    _ side: Side, _ port: LivePort, _ snapshot: UnsafePointer<ClassifySnapshot>,
    _ refs: UnsafeMutablePointer<PacketRef>, _ seconds: Int64
  ) -> Int {
    var burst = Burst(refs)
    if lease != nil { prepareReceive() }
    port.receive(into: &burst)
    if lease != nil { watchLease(side, port.fullness(burst.count), snapshot, seconds) }
    if isAside { return turnAside(&burst, side, port.fullness(burst.count), snapshot, seconds) }
    if burst.count == 0 { return 0 }
    let received = burst.count
    judge(&burst, side, snapshot, seconds, .inside, NoWatch())
    return received
  }

  /// The same, told or sifted. Apart, so that it is one branch for a burst of every day.
  @inline(never)
  private mutating func turnAside(
    _ burst: inout Burst, _ side: Side, _ fullness: Int, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64
  ) -> Int {
    let received = burst.count
    var waiting = 0
    if lease != nil {
      fenceOff(&burst, side, fullness)
      if !isFreeOfDoubts { waiting = askNewcomers(&burst, side, snapshot, seconds) }
      // Whoever drains goes on to say how far it is, and somebody who sends without a pause is no reason to stay.
      if burst.count == 0, !drain.isOn { return received &+ waiting }
    }
    if drain.isOn {
      drain.sift(&burst, side, fullness, stages, frames, seconds)
    }
    if burst.count == 0 { return waiting }
    let kept = burst.count &+ waiting
    judgeApart(&burst, side, snapshot, seconds, side == .inside ? .inside : .outside)
    return kept
  }

  @inline(never)
  private mutating func judgeTraced(
    _ burst: inout Burst, _ side: Side, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64,
    _ origin: TraceRecord.Origin
  ) {
    tracer.use(snapshot.pointee.tables?.generation ?? 0)
    judge(&burst, side, snapshot, seconds, origin, tracer)
    isTracing = !tracer.isDone
  }

  @inline(__always)
  private mutating func judge<Watch: BurstWatch>(
    _ burst: inout Burst, _ side: Side, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64,
    _ origin: TraceRecord.Origin, _ watch: Watch
  ) {
    var clock = TickClock()
    clock.start()
    note(burst, side, seconds)
    watch.came(burst, origin)
    stages.judge(&burst, Classifier(snapshot, link: .ethernet, from: side), &clock)
    depart(burst, snapshot, watch)
    stages.counters.add(ticks: clock.lap(), to: .transmit)
    stages.counters.add(1, to: WorkerCounters.bursts)
  }

  /// What a port does not know: where the packet came in, and when. Nothing of what the frame held before is left.
  @inline(__always)
  private func note(_ burst: Burst, _ side: Side, _ seconds: Int64) {
    var index = 0
    while index < burst.count {
      let header = header(of: burst.refs[index])
      header.pointee.seconds = seconds
      header.pointee.made.length = 0
      header.pointee.sequence = UInt64(side.rawValue)
      header.pointee.wireLength = burst.refs[index].length
      burst.refs[index].judgement = Judgement()
      index &+= 1
    }
  }

  @inline(__always)
  func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (stages.memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
  }

  /// Packets that other workers have judged and sent over.
  @inline(__always)
  private mutating func takeCrossed(
    _ snapshot: UnsafePointer<ClassifySnapshot>, _ refs: UnsafeMutablePointer<PacketRef>
  ) -> Int {
    var others = Burst(refs)
    stages.crossing.receive(into: &others, at: number)
    if lease != nil, fenceOffCrossed(others) { return others.count }
    if others.count == 0 { return 0 }
    let taken = others.count
    if isTracing {
      takeTraced(&others, snapshot)
    } else {
      stages.take(&others, snapshot)
      depart(others, snapshot, NoWatch())
    }
    return taken
  }

  @inline(never)
  private mutating func takeTraced(_ others: inout Burst, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    tracer.use(snapshot.pointee.tables?.generation ?? 0)
    tracer.crossed(others)
    stages.take(&others, snapshot)
    depart(others, snapshot, tracer)
    isTracing = !tracer.isDone
  }

  /// What control has made: whole frames for a side, or packets that go the way of what comes from inside.
  @inline(__always)
  private mutating func takeInjected(
    _ snapshot: UnsafePointer<ClassifySnapshot>, _ refs: UnsafeMutablePointer<PacketRef>, _ seconds: Int64
  ) -> Int {
    let count = exchange.injected.dequeue(refs, Burst.capacity)
    if count == 0 { return 0 }
    takeInjected(count, snapshot, refs, seconds)
    return count
  }

  @inline(never)
  private mutating func takeInjected(
    _ count: Int, _ snapshot: UnsafePointer<ClassifySnapshot>, _ refs: UnsafeMutablePointer<PacketRef>,
    _ seconds: Int64
  ) {
    var burst = Burst(refs)
    var index = 0
    while index < count {
      let ref = refs[index]
      let way = Injection(rawValue: ref.verdict)
      if isTracing, way == .inside || way == .outside {
        tracer.injected(ref, way == .inside ? .inside : .outside)
      }
      switch way {
      case .inside: leaving.add(ref, .inside, inside)
      case .outside: leaving.add(ref, .outside, outside)
      case .forward: forward(ref, snapshot)
      // In place: what is kept is never further on than what is read.
      case .route, nil: burst.append(ref)
      }
      index &+= 1
    }
    if burst.count == 0 { return }
    if let table = tables?.inside { stages.scratch.adopted.pointee = UInt(bitPattern: table) }
    judgeApart(&burst, .inside, snapshot, seconds, .control)
  }

  /// Every burst but that of every day.
  @inline(never)
  mutating func judgeApart(
    _ burst: inout Burst, _ side: Side, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64,
    _ origin: TraceRecord.Origin
  ) {
    if isTracing {
      judgeTraced(&burst, side, snapshot, seconds, origin)
    } else {
      judge(&burst, side, snapshot, seconds, origin, NoWatch())
    }
  }

  /// At most a few between two bursts, so that control cannot delay packets. True: stop.
  @inline(__always)
  private mutating func takeOrders(_ snapshot: UnsafePointer<ClassifySnapshot>) -> Bool {
    var taken = 0
    var stop = false
    while taken < Order.mostPerBurst, let order = orders.dequeue() {
      switch order.kind {
      case .stop:
        stop = true
        // Somebody who sends without a pause is no reason to stay.
        drain.begin(isLast: true)
      case .nonces: stages.takeNonces(order, snapshot)
      case .endLifetime: stages.endLifetime(order, snapshot)
      case .trace:
        isTracing = order.sa != 0
        if isTracing { tracer.begin() } else { tracer.end() }
      case .drain: drain.begin(isLast: false)
      case .changePorts: changePorts()
      }
      taken &+= 1
    }
    return stop
  }
}

extension LiveWorker {
  /// Between two rounds, when nothing is on its way into a port. Control closes what was used until now: a worker may
  /// make no system call for that, and has no time.
  @inline(never)
  private mutating func changePorts() {
    while var change = exchange.offered.dequeue() {
      let old = change.side == .inside ? inside : outside
      if change.side == .inside { inside = change.port } else { outside = change.port }
      change.port = old
      _ = exchange.retired.enqueue(&change, 1)
    }
    waiting = LiveWait(
      inside, outside, exchange.wakesWorker, polling, hasOthers: stages.crossing.workers > 1)
    exchange.wakeControl()
  }
}

import CKernel
package import Contract
import Memory
package import Rings
package import Wire

/// One core's loop: orders, receive, accept, classify, own, transmit, count. Run to completion, burst by burst.
///
/// It does not wait, lock, allocate or count references. What it needs was made before it started; what it shares
/// is a snapshot, read-only, and rings with one writer and one reader each.
package struct Worker<Receive: ReceivePort, Transmit: TransmitPort, Clock: StageClock> {
  let number: Int
  let link: LinkType
  let cell: SnapshotCell<ClassifySnapshot>
  let quiescence: Quiescence
  let orders: SPSCRing<Order>
  let reports: SPSCRing<Report>
  let stages: Stages
  package var receivePort: Receive
  package var transmitPort: Transmit

  package init(
    number: Int, link: LinkType, shared: WorkerShared, counters: WorkerCounters, orders: SPSCRing<Order>,
    reports: SPSCRing<Report>, receive: Receive, transmit: Transmit, esp: ESPWorker? = nil,
    roundTrip: RoundTrip? = nil
  ) {
    self.number = number
    self.link = link
    cell = shared.cell
    quiescence = shared.quiescence
    self.orders = orders
    self.reports = reports
    stages = Stages(
      memory: shared.memory.addresses, counters: counters, crossing: shared.crossing, scratch: BurstScratch(),
      worker: UInt8(number), esp: esp, roundTrip: roundTrip)
    receivePort = receive
    transmitPort = transmit
  }

  @inline(__always)
  mutating func run(_ refs: UnsafeMutablePointer<PacketRef>, _ crossed: UnsafeMutablePointer<PacketRef>) {
    let counters = stages.counters
    var clock = Clock()
    var idle = Idle()
    var isStopping = false, isOpen = true
    while true {
      let classifier = Classifier(cell.load(), link: link)
      isStopping = takeOrders(classifier.snapshot) || isStopping
      var burst = Burst(refs), others = Burst(crossed)

      clock.start()
      if isOpen { isOpen = receivePort.receive(into: &burst) }
      stages.crossing.receive(into: &others, at: number)
      if burst.count &+ others.count == 0 {
        quiescence.pass(number)
        if isStopping || !isOpen { break }
        counters.add(1, to: WorkerCounters.idlePolls)
        idle.wait()
        continue
      }
      idle.reset()
      counters.add(ticks: clock.lap(), to: .receive)
      stages.judge(&burst, classifier, &clock)
      transmitPort.transmit(burst)
      if others.count > 0 {
        stages.take(&others, classifier.snapshot)
        transmitPort.transmit(others)
      }
      counters.add(ticks: clock.lap(), to: .transmit)
      counters.add(1, to: WorkerCounters.bursts)
      quiescence.pass(number)
    }
  }

  /// At most a few between two bursts, so that control cannot delay packets. True: stop.
  @inline(__always)
  private func takeOrders(_ snapshot: UnsafePointer<ClassifySnapshot>) -> Bool {
    var taken = 0
    var stop = false
    while taken < Order.mostPerBurst, let order = orders.dequeue() {
      switch order.kind {
      case .stop: stop = true
      case .nonces: stages.takeNonces(order, snapshot)
      case .endLifetime: stages.endLifetime(order, snapshot)
      // A replay tells its stories itself, ends with its capture, and its ports stay what they are.
      case .trace, .drain, .changePorts: break
      }
      taken &+= 1
    }
    return stop
  }
}

/// What a worker does when there is nothing to do: it looks again at once, then lets others run, then sleeps.
struct Idle {
  private var polls = 0

  @inline(__always)
  mutating func reset() { polls = 0 }

  @inline(never)
  mutating func wait() {
    polls &+= 1
    if polls < 64 {
      hauberk_pause()
    } else if polls < 1024 {
      hauberk_yield()
    } else {
      hauberk_sleep_microseconds(50)
    }
  }
}

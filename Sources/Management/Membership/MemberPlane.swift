import Cluster
import Contract
import ControlKit
import Dataplane

/// The member's workers, as its cluster's thread commands them. Nothing here waits for a worker.
struct MemberPlane {
  let gateway: LiveGateway
  let desk: ClusterDesk
  let own: Int
  private let early: EarlyJudge
  let workerCount: Int
  private let workers: [UInt8]
  private var lease: Moment = 0
  private var isFenced = true
  private let delivery: MembershipDescription.Delivery
  /// Whether the cluster's addresses are this member's.
  private var isMaster = false
  private var table = OwnershipTable()
  private(set) var running = WorkSetBitmap()
  private var isChanged = false
  private var change = LiveGateway.OwnershipChange()
  /// Of those that run: what is worked on is noted. Of those that do not: what comes is held (X10).
  private var giving = WorkSetBitmap()
  private var held = WorkSetBitmap()
  /// To be told with the next table.
  private var worked: [HandoverNotes] = []
  /// Said to workers, who have not all done it yet.
  private var waiting = Done()

  /// What all workers have done.
  struct Done {
    var noting = WorkSetBitmap()
    var holding = WorkSetBitmap()
    var stopped = WorkSetBitmap()
    /// Of those, what they have noted.
    var notes = WorkNotes()
  }

  init(
    _ gateway: LiveGateway, _ desk: ClusterDesk, _ early: EarlyJudge, own: Int,
    delivery: MembershipDescription.Delivery
  ) {
    self.delivery = delivery
    self.gateway = gateway
    self.desk = desk
    self.own = own
    self.early = early
    let count = gateway.exchanges.count
    workerCount = count
    workers = (0..<WorkSets.count).map { UInt8($0 % count) }
  }

  mutating func extend(to moment: Moment) {
    lease = moment
    if !isFenced { desk.lease(until: moment) }
  }

  mutating func fence() {
    isFenced = true
    desk.lease(until: 0)
    // Others' frames are how we know that we hear.
    early.hold()
  }

  /// X17: what waits was sent while we had no lease, so another member may have worked on it.
  mutating func unfence() {
    isFenced = false
    early.release()
    desk.beginAnew()
    desk.lease(until: lease)
  }

  /// What another half works on is not to be worked on here as well. Who passes on is sent to by a MAC address of his own:
  /// no other half receives that.
  func doubt(_ learning: Nanoseconds, _ waiting: Nanoseconds, _ now: Moment) {
    if delivery != .master { desk.doubtNewcomers(since: now, learning: learning, waiting: waiting) }
  }

  func trust() { desk.trustNewcomers() }

  mutating func take(_ table: OwnershipTable) {
    self.table = table
    isChanged = true
  }

  /// It says from here on where the cluster's addresses are, or does no longer.
  mutating func lead(_ isOn: Bool) {
    isChanged = isChanged || delivery == .master && isMaster != isOn
    isMaster = isOn
  }

  /// C22.1: what is others' comes to nobody but this member.
  var forwards: Bool { delivery == .master && isMaster }
  /// By another one.
  var isForwardedTo: Bool { delivery == .master && !isMaster }

  mutating func start(_ sets: WorkSetBitmap) {
    running.formUnion(sets)
    forgo(sets)
  }

  mutating func stop(_ sets: WorkSetBitmap) {
    running.subtract(sets)
    waiting.stopped.formUnion(sets)
    isChanged = true
  }

  mutating func give(_ sets: WorkSetBitmap) {
    giving.formUnion(sets)
    waiting.noting.formUnion(sets)
    isChanged = true
  }

  mutating func keep(_ sets: WorkSetBitmap) {
    giving.subtract(sets)
    waiting.noting.subtract(sets)
    isChanged = true
  }

  mutating func hold(_ sets: WorkSetBitmap) {
    held.formUnion(sets)
    waiting.holding.formUnion(sets)
    isChanged = true
  }

  mutating func forgo(_ sets: WorkSetBitmap) {
    held.subtract(sets)
    waiting.holding.subtract(sets)
    isChanged = true
  }

  /// Of sets that start with the next table.
  mutating func take(_ notes: WorkNotes, of sets: WorkSetBitmap) {
    worked.append(
      HandoverNotes(
        sets: Set(sets), digests: notes.packets.map(\.digest), isComplete: notes.isComplete))
  }

  /// After all that belongs together has been said.
  mutating func publish() {
    guard isChanged || early.isDue else { return }
    var ownership = OwnershipDescription(members: 1, playing: [UInt8(own)], workers: 1)
    for set in 0..<WorkSets.count {
      ownership[set] = entry(set)
      // C28: nobody else sees what comes for it meanwhile.
      if forwards, ownership[set].state == .pending { ownership.held.insert(set) }
    }
    ownership.assign(workers)
    ownership.foreign = forwards ? .forwarded : .seenByAll
    ownership.giving = Set(giving.intersection(running))
    ownership.held.formUnion(Set(held))
    // First, so that the kernel lets through what is ours from here on.
    early.judge(by: ownership)
    if isChanged { gateway.publish(ownership, worked: worked, &change) }
    isChanged = false
    worked = []
  }

  private func entry(_ set: Int) -> OwnershipEntry {
    if running.contains(set) { return OwnershipEntry(state: .assigned, member: UInt8(own)) }
    let entry = table[set]
    // Ours, and not begun: somebody may still be at it.
    if entry.state == .assigned, Int(entry.member) == own {
      return OwnershipEntry(state: .pending, member: entry.member)
    }
    // Who forwards keeps its packets until it is given away (C28).
    if entry.state == .pending, Int(entry.member) != own, !forwards {
      return OwnershipEntry(state: .assigned, member: entry.member)
    }
    return entry
  }

  /// What workers have done of what they were told; nil while it is under way, or there is nothing.
  mutating func takeDone() -> Done? {
    guard gateway.finish(&change) else { return nil }
    var done = waiting
    waiting = Done()
    for set in Set(done.stopped.intersection(giving)) {
      let notes = gateway.takeNotes(of: [set])
      done.notes.packets += notes.digests.map { WorkedPacket(set: UInt16(set), digest: $0) }
      done.notes.isComplete = done.notes.isComplete && notes.isComplete
    }
    giving.subtract(done.stopped)
    return done
  }

  /// Workers are to be looked after often: they may yet have to do what they were told, or their notes may fill up.
  var isWaiting: Bool { change.isUnderWay || !giving.isEmpty }

  /// At the end, when all workers are gone.
  mutating func deallocate() { gateway.forget(&change) }
}

extension Set<Int> {
  fileprivate init(_ sets: WorkSetBitmap) {
    self.init()
    sets.forEach { insert($0) }
  }
}

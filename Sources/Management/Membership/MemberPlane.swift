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
  private var table = OwnershipTable()
  private(set) var running = WorkSetBitmap()
  private var isChanged = false
  private var change = LiveGateway.OwnershipChange()
  private var stopping = WorkSetBitmap()

  init(_ gateway: LiveGateway, _ desk: ClusterDesk, _ early: EarlyJudge, own: Int) {
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

  mutating func take(_ table: OwnershipTable) {
    self.table = table
    isChanged = true
  }

  mutating func start(_ sets: WorkSetBitmap) {
    running.formUnion(sets)
    isChanged = true
  }

  mutating func stop(_ sets: WorkSetBitmap) {
    running.subtract(sets)
    stopping.formUnion(sets)
    isChanged = true
  }

  /// After all that belongs together has been said.
  mutating func publish() {
    guard isChanged || early.isDue else { return }
    var ownership = OwnershipDescription(members: 1, playing: [UInt8(own)], workers: 1)
    for set in 0..<WorkSets.count { ownership[set] = entry(set) }
    ownership.assign(workers)
    // First, so that the kernel lets through what is ours from here on.
    early.judge(by: ownership)
    if isChanged { gateway.publish(ownership, &change) }
    isChanged = false
  }

  private func entry(_ set: Int) -> OwnershipEntry {
    if running.contains(set) { return OwnershipEntry(state: .assigned, member: UInt8(own)) }
    let entry = table[set]
    // Ours, and not begun: somebody may still be at it.
    if entry.state == .assigned, Int(entry.member) == own {
      return OwnershipEntry(state: .pending, member: entry.member)
    }
    if entry.state == .pending, Int(entry.member) != own {
      return OwnershipEntry(state: .assigned, member: entry.member)
    }
    return entry
  }

  /// Sets that no worker has anything of any more; nil while that is not so, or nothing is being stopped.
  mutating func takeStopped() -> WorkSetBitmap? {
    guard gateway.finish(&change) else { return nil }
    guard !stopping.isEmpty else { return nil }
    defer { stopping = WorkSetBitmap() }
    return stopping
  }

  var isWaiting: Bool { change.isUnderWay }

  /// At the end, when all workers are gone.
  mutating func deallocate() { gateway.forget(&change) }
}

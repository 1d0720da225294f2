package import Cluster
package import Contract
package import ControlKit
import Synchronization
package import Wire

/// What the cluster's thread lets others see, and what they ask of it.
package final class MembershipDesk: Sendable {
  package struct Shown: Sendable {
    package var snapshot: ClusterSnapshot?
    package var at: Moment = 0
    /// Messages that passed, and those that did not, by reason.
    package var passed: UInt64 = 0
    package var refused: [(name: String, meaning: String, count: UInt64)] = []
    package var oneSided: UInt64 = 0
    package var sent: UInt64 = 0
    package var unsent: UInt64 = 0
    /// The longest that the thread came too late to something, and when.
    package var latest: Nanoseconds = 0
    package var certificates: [Int: String] = [:]
  }

  package struct Event: Sendable {
    package var at: Moment
    package var event: String
    package var isWarning: Bool
  }

  /// A host or a router on a link, and which address of ours asks for its own.
  package struct Bystander: Equatable, Sendable {
    package var address: IPAddress
    package var asker: IPAddress
    package var side: Side
    package var vlan: UInt16?
    package var mac: MACAddress

    package init(_ address: IPAddress, asker: IPAddress, side: Side, vlan: UInt16?, mac: MACAddress) {
      self.address = address
      self.asker = asker
      self.side = side
      self.vlan = vlan
      self.mac = mac
    }
  }

  private struct State {
    var shown = Shown()
    var bystanders: [Bystander] = []
    /// What is known here, from when it has changed; and what others have told.
    var acquaintances: [Acquaintance]?
    var told: [Acquaintance] = []
    var events: [Event] = []
    var untold: [Event] = []
  }

  private let state = Mutex(State())
  private let answersForCluster = Atomic<Bool>(false)
  private let wantsDrain = Atomic<Bool>(false)
  private let drained = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)

  static let mostBystanders = 64
  static let mostEvents = 256
  static let mostTold = 8192

  package init() {}

  // Everybody else

  package var shown: Shown { state.withLock { $0.shown } }
  /// The last ones, the oldest first.
  package var events: [Event] { state.withLock { $0.events } }
  package func takeUntold() -> [Event] {
    state.withLock { state in
      defer { state.untold = [] }
      return state.untold
    }
  }
  /// Whether this member says where the cluster's addresses are.
  package var isSpeaker: Bool { answersForCluster.load(ordering: .relaxed) }
  package var isDrained: Bool { drained.load(ordering: .relaxed) }
  /// Who else is there to be asked, by a member that hears no other. Groups are left out: nobody answers for them all.
  /// While this member has no lease they do not reach it, so nobody is forgotten then.
  package func know(_ bystanders: [Bystander]) {
    let known = bystanders.filter { !$0.mac.isGroup }
    state.withLock { state in
      let kept = state.shown.snapshot?.isFenced == true ? state.bystanders.filter { !known.contains($0) } : []
      state.bystanders = Array((known + kept).prefix(Self.mostBystanders))
    }
  }
  /// All neighbours that this member has asked and heard.
  package func know(_ acquaintances: [Acquaintance]) { state.withLock { $0.acquaintances = acquaintances } }
  /// What other members know.
  package func takeTold() -> [Acquaintance] {
    state.withLock { state in
      defer { state.told = [] }
      return state.told
    }
  }
  package func drain() { wantsDrain.store(true, ordering: .relaxed) }
  package func stop() { isStopping.store(true, ordering: .relaxed) }

  // The cluster's thread

  var isDraining: Bool { wantsDrain.load(ordering: .relaxed) }
  var isToStop: Bool { isStopping.load(ordering: .relaxed) }
  func speak(_ isOn: Bool) { answersForCluster.store(isOn, ordering: .relaxed) }
  var bystanders: [Bystander] { state.withLock { $0.bystanders } }
  func takeAcquaintances() -> [Acquaintance]? { state.withLock { $0.acquaintances.take() } }
  func tell(_ acquaintances: [Acquaintance]) {
    state.withLock { state in
      if state.told.count < Self.mostTold { state.told += acquaintances }
    }
  }
  func setDrained() { drained.store(true, ordering: .relaxed) }

  func show(_ shown: Shown) { state.withLock { $0.shown = shown } }

  func tell(_ event: String, isWarning: Bool, at now: Moment) {
    let event = Event(at: now, event: event, isWarning: isWarning)
    state.withLock { state in
      if state.events.count == Self.mostEvents { state.events.removeFirst() }
      state.events.append(event)
      if state.untold.count < Self.mostEvents { state.untold.append(event) }
    }
  }
}

package import Contract
package import Rings

/// The parts of a worker's loop whose cycles are counted apart.
package enum Stage: Int, CaseIterable, Sendable {
  case receive, parse, hash, lookUp, own, protect, transmit

  package var name: String { "\(self)" }
}

/// What one worker counts. Written by that worker alone; read by anyone, at any time.
package struct WorkerCounters: @unchecked Sendable {
  @usableFromInline let bank: CounterBank

  // Where each counter lies. Those of every burst come first and share two lines.
  static var receivedPackets: Int { 0 }
  static var receivedBytes: Int { 1 }
  static var keptPackets: Int { 2 }
  static var keptBytes: Int { 3 }
  static var bursts: Int { 4 }
  static var idlePolls: Int { 5 }
  static var crossedOut: Int { 6 }
  static var crossedIn: Int { 7 }
  static var firstStage: Int { 8 }
  static var madePackets: Int { 15 }
  static var reassemblyTimeouts: Int { 16 }
  static var joinedFragments: Int { 17 }
  static var unanswered: Int { 18 }
  static var untraced: Int { 19 }
  static var drainState: Int { 20 }
  static var releasedPackets: Int { 21 }
  static var firstDrop: Int { 24 }
  static var firstSet: Int { firstDrop + DropReason.capacity }
  static var count: Int { firstSet + WorkSets.count }

  package init() { bank = CounterBank(count: Self.count) }
  package func deallocate() { bank.deallocate() }

  @inline(__always)
  func add(_ amount: Int, to counter: Int) {
    bank.add(UInt64(truncatingIfNeeded: amount), to: counter)
  }

  func set(_ state: Int, to value: Int) { bank.set(state, to: UInt64(truncatingIfNeeded: value)) }

  @inline(__always)
  func add(ticks: UInt64, to stage: Stage) { bank.add(ticks, to: Self.firstStage &+ stage.rawValue) }

  @inline(__always)
  func addPacket(toSet set: UInt16) { bank.add(1, to: Self.firstSet &+ Int(set)) }

  @inline(__always)
  func add(_ amount: Int, to reason: DropReason) {
    bank.add(UInt64(truncatingIfNeeded: amount), to: Self.firstDrop &+ Int(reason.rawValue))
  }

  package var receivedPackets: UInt64 { bank[Self.receivedPackets] }
  package var receivedBytes: UInt64 { bank[Self.receivedBytes] }
  package var keptPackets: UInt64 { bank[Self.keptPackets] }
  package var keptBytes: UInt64 { bank[Self.keptBytes] }
  package var bursts: UInt64 { bank[Self.bursts] }
  package var idlePolls: UInt64 { bank[Self.idlePolls] }
  package var crossedOut: UInt64 { bank[Self.crossedOut] }
  /// Packets out of nothing but another packet: fragments, and answers.
  package var madePackets: UInt64 { bank[Self.madePackets] }
  package var reassemblyTimeouts: UInt64 { bank[Self.reassemblyTimeouts] }
  /// Fragments whose packet never became whole, or is not yet.
  package var unfinishedFragments: UInt64 {
    // In this order, so that another thread never sees more joined than came.
    let joined = bank[Self.joinedFragments]
    return drops(.reassembled) &- joined
  }
  /// Senders of what was too big who have not been told, because enough others were.
  package var unanswered: UInt64 { bank[Self.unanswered] }
  /// Packets that a trace was to tell of, and had no room for.
  package var untraced: UInt64 { bank[Self.untraced] }
  /// Once nothing new is taken any more: how many datagrams still wait for fragments. Nil before.
  package var waitingDatagrams: Int? { bank[Self.drainState] == 0 ? nil : Int(bank[Self.drainState] - 1) }
  /// Packets that were held and are not any more: each has been received a second time.
  package var releasedPackets: UInt64 { bank[Self.releasedPackets] }
  /// Held now.
  package var heldPackets: UInt64 {
    // In this order, so that another thread never sees more released than held.
    let released = bank[Self.releasedPackets]
    return drops(.held) &- released
  }
  package var crossedIn: UInt64 { bank[Self.crossedIn] }
  package func ticks(of stage: Stage) -> UInt64 { bank[Self.firstStage + stage.rawValue] }
  package func drops(_ reason: DropReason) -> UInt64 { bank[Self.firstDrop + Int(reason.rawValue)] }
  package func packets(inSet set: Int) -> UInt64 { bank[Self.firstSet + set] }
}

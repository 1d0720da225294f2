import Contract
import ControlKit

/// What this unit works on: its side of the two-phase handover (X17).
///
///     a table takes a set away:  running → stopping → (state to the next owner → receipt) → gone, and said so
///     a table brings a set:      running at once: nobody else has it, or the master would not have given it
struct Holdings: Sendable {
  /// A set that stands still here, and whose state is on its way.
  struct Parcel: Sendable {
    var set: Int
    var to: MemberNumber
    var octets: [UInt8]
    var nextSend: Moment
    /// The successor begins without, rather than never.
    var deadline: Moment
  }

  private let unit: MemberNumber
  /// Begun and not surely ended.
  private(set) var running = WorkSetBitmap()
  /// Of those, the ones that the dataplane was told to end.
  private(set) var stopping = WorkSetBitmap()
  private(set) var parcels: [Parcel] = []
  private(set) var table = OwnershipTable()
  /// The sets that are ours by the table.
  private(set) var own = WorkSetBitmap()
  /// What other units sent along with sets that are not ours yet.
  private var arrived: [Int: (version: UInt64, octets: [UInt8])] = [:]

  init(unit: MemberNumber) { self.unit = unit }

  struct Change {
    var stop: WorkSetBitmap
    var start: WorkSetBitmap
    /// States to be taken in first.
    var states: [(set: Int, octets: [UInt8])]
  }

  /// A newer table, taken over whole (X12).
  mutating func apply(_ table: OwnershipTable) -> Change {
    self.table = table
    own = table.sets(of: unit)
    redirect()
    let stop = running.subtracting(own).subtracting(stopping).subtracting(WorkSetBitmap(parcels.map(\.set)))
    stopping.formUnion(stop)
    return Change(stop: stop, start: WorkSetBitmap(), states: []).with(begin(own.subtracting(running)))
  }

  /// Parcels go where their sets go. What comes back to us, or goes nowhere, is none any more.
  private mutating func redirect() {
    for place in parcels.indices.reversed() {
      let entry = table[parcels[place].set]
      if entry.state == .pending, entry.member != unit {
        guard entry.member != parcels[place].to else { continue }
        parcels[place].to = entry.member
        parcels[place].nextSend = 0
      } else {
        running.remove(parcels[place].set)
        parcels.remove(at: place)
      }
    }
  }

  /// The dataplane has ended these. What has state for its next owner is still ours until he has it.
  mutating func stopped(
    _ sets: WorkSetBitmap, now: Moment, keepFor patience: Nanoseconds, state: (Int) -> [UInt8]?
  ) -> Change {
    let ended = sets.intersection(stopping)
    stopping.subtract(ended)
    running.subtract(ended)
    var kept = WorkSetBitmap()
    var packed: [Parcel] = []
    ended.subtracting(own).forEach { set in
      let entry = table[set]
      guard entry.state == .pending, entry.member != unit, let octets = state(set) else { return }
      packed.append(Parcel(set: set, to: entry.member, octets: octets, nextSend: now, deadline: now + patience))
      kept.insert(set)
    }
    parcels += packed
    running.formUnion(kept)
    // Taken away and given back meanwhile.
    return Change(stop: WorkSetBitmap(), start: WorkSetBitmap(), states: []).with(begin(ended.intersection(own)))
  }

  /// The next owner has the state of this set, or nobody waits for it any longer.
  mutating func dispose(_ set: Int) -> Change {
    guard let place = parcels.firstIndex(where: { $0.set == set }) else { return .nothing }
    parcels.remove(at: place)
    running.remove(set)
    return Change.nothing.with(begin(WorkSetBitmap([set]).intersection(own)))
  }

  mutating func sent(parcel place: Int, next: Moment) { parcels[place].nextSend = next }

  /// False for what is older than what the table says of the set: its sender is behind.
  mutating func arrive(_ octets: [UInt8], of set: Int, term: UInt64, version: UInt64) -> Bool {
    guard term == table.term, !running.contains(set), arrived[set].map({ $0.version <= version }) ?? true else {
      return false
    }
    arrived[set] = (version, octets)
    return true
  }

  /// Out of the cluster: what runs has to end, and nothing is handed to anybody. Returns what the dataplane is to stop.
  mutating func abandon() -> WorkSetBitmap {
    let parcelled = WorkSetBitmap(parcels.map(\.set))
    parcels = []
    arrived = [:]
    running.subtract(parcelled)
    table = OwnershipTable()
    own = WorkSetBitmap()
    let stop = running.subtracting(stopping)
    stopping = running
    return stop
  }

  /// Of another term: the same work, until its first table comes.
  mutating func enter(_ term: UInt64, version: UInt64 = 0) {
    arrived = [:]
    table.term = term
    table.version = version
  }

  private mutating func begin(_ sets: WorkSetBitmap) -> Change {
    guard !sets.isEmpty else { return .nothing }
    running.formUnion(sets)
    var states: [(Int, [UInt8])] = []
    if !arrived.isEmpty {
      sets.forEach { set in if let state = arrived.removeValue(forKey: set) { states.append((set, state.octets)) } }
    }
    return Change(stop: WorkSetBitmap(), start: sets, states: states)
  }
}

extension Holdings.Change {
  static let nothing = Holdings.Change(stop: WorkSetBitmap(), start: WorkSetBitmap(), states: [])

  func with(_ other: Holdings.Change) -> Holdings.Change {
    Holdings.Change(stop: stop.union(other.stop), start: start.union(other.start), states: states + other.states)
  }
}

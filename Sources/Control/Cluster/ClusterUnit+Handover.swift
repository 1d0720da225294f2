import Contract
import ControlKit

/// Work sets that change hands by plan: noted here and held there, then stopped, consigned, and begun (X10, X17).
extension ClusterUnit {
  mutating func perform(_ change: Change) {
    if !change.keep.isEmpty { direct(.keep(change.keep)) }
    if !change.forgo.isEmpty { direct(.forgo(change.forgo)) }
    if !change.give.isEmpty { direct(.give(change.give)) }
    if !change.stop.isEmpty { direct(.stop(change.stop)) }
    if !change.start.isEmpty { begin(change.start) }
  }

  /// Applications first, then what has been worked on, then the workers.
  private mutating func begin(_ starts: [Change.Start]) {
    var ways: [Beginning: WorkSetBitmap] = [:]
    for start in starts { ways[start.how, default: WorkSetBitmap()].insert(start.set) }
    for place in applications.indices {
      for how in Beginning.allCases { if let sets = ways[how] { applications[place].begin(sets, how) } }
      for start in starts { if let state = start.state { applications[place].take(state, of: start.set) } }
    }
    var done = WorkNotes(), known = WorkSetBitmap(), unknown = WorkSetBitmap()
    for start in starts {
      guard let notes = start.notes else { continue }
      if notes.isComplete {
        known.insert(start.set)
        done.packets += notes.packets
      } else {
        unknown.insert(start.set)
      }
    }
    if !known.isEmpty { direct(.worked(known, done)) }
    if !unknown.isEmpty { direct(.worked(unknown, WorkNotes(isComplete: false))) }
    direct(.start(WorkSetBitmap(starts.map(\.set))))
  }

  // The giver

  mutating func areNoting(_ sets: WorkSetBitmap) {
    holdings.noted(sets, now: now)
    offer()
  }

  private mutating func offer() {
    guard let next = holdings.nextGift, next <= now else { return }
    let (offers, late) = holdings.offer(now: now, again: profile.probeInterval)
    for (unit, sets) in offers { send(.giving(sets, version: holdings.table.version), to: unit) }
    if !late.isEmpty { direct(.stop(late)) }
  }

  mutating func haveStopped(_ sets: WorkSetBitmap, _ notes: WorkNotes) {
    var applications = applications
    let change = holdings.stopped(sets, notes, now: now, patience: profile.handover.consigning) { set in
      for place in applications.indices {
        if let state = applications[place].state(of: set) { return state }
      }
      return nil
    }
    self.applications = applications
    perform(change)
    passOn()
    report()
  }

  /// What is due of what is on its way.
  mutating func passOn() {
    offer()
    guard let next = holdings.nextConsignment, next <= now else { return }
    let before = holdings.running
    let (parts, change) = holdings.dispatch(now: now, again: profile.probeInterval)
    for (unit, part) in parts { send(.part(part), to: unit) }
    perform(change)
    if holdings.running != before { report() }
  }

  // Messages

  mutating func receiveHandover(_ message: Message, _ from: Sender) {
    switch message {
    case .giving(let sets, let version):
      guard from.term == holdings.table.term, let new = holdings.promise(sets, to: from.unit, version: version) else {
        return
      }
      if !new.isEmpty { direct(.hold(new)) }
      keepPromises()
    case .holding(let sets, let version):
      guard from.term == holdings.table.term else { return }
      let stop = holdings.areHeld(sets, by: from.unit, version: version)
      if !stop.isEmpty { direct(.stop(stop)) }
    case .part(let part):
      guard holdings.take(part, from: from) else { return }
      send(.partTaken(number: part.number, term: part.term, place: part.place), to: from.unit)
    case .partTaken(let number, let term, let place):
      guard term == holdings.table.term else { return }
      takeReceipt(number, Int(place), from.unit)
    default: return
    }
  }

  private mutating func takeReceipt(_ number: UInt32, _ place: Int, _ unit: MemberNumber) {
    let (next, change) = holdings.delivered(
      number, place, from: unit, now: now, patience: profile.handover.consigning)
    if let (unit, part) = next { send(.part(part), to: unit) }
    guard let change else { return }
    perform(change)
    // The master waits for it. Where more is about to arrive, one word says all.
    if holdings.consignments.isEmpty { report() } else { reportSoon() }
  }

  // The next owner

  mutating func areHolding(_ sets: WorkSetBitmap) {
    holdings.areHeld(sets)
    keepPromises()
  }

  private mutating func keepPromises() {
    for (unit, sets, version) in holdings.keepPromises() { send(.holding(sets, version: version), to: unit) }
  }
}

import Contract
import ControlKit

/// What this unit works on: its side of the two-phase handover (X10, X17).
///
///     to be given:  running ─▶ giving: noted ─▶ the next owner holds ─▶ stopping ─▶ consigned ─▶ gone, and said so
///     to come:      held: packets wait ─▶ ours by the table: running
///     taken away or brought without a plan: stopping, or running, at once
struct Holdings: Sendable {
  let unit: MemberNumber
  /// Begun and not surely ended.
  private(set) var running = WorkSetBitmap()
  /// Of those, the ones that the dataplane was told to end.
  private(set) var stopping = WorkSetBitmap()
  /// Of those, the ones that are to be given away, and still work.
  var gifts: [Gift] = []
  /// Of those, the ones that have ended, and whose next owner does not have everything yet.
  private(set) var consignments: [Consignment] = []
  private(set) var table = OwnershipTable()
  /// There was a table of this term.
  private(set) var isTold = false
  /// The sets that are ours by the table.
  private(set) var own = WorkSetBitmap()
  /// Sets that are to be ours, and whose packets wait here.
  var held = WorkSetBitmap()
  /// By the word of the dataplane.
  var surelyHeld = WorkSetBitmap()
  /// To whom we have yet to say that we hold what he gives.
  var promises: [MemberNumber: Promise] = [:]
  private(set) var arrivals = Arrivals()
  private var lastNumber: UInt32 = 0

  init(unit: MemberNumber) { self.unit = unit }

  /// A newer table, taken over whole (X12).
  mutating func apply(_ table: OwnershipTable, now: Moment, _ patience: Patience) -> Change {
    // A master's own later term begins with its first table.
    if table.term != self.table.term { beginConsignmentsAnew(now) }
    self.table = table
    isTold = true
    own = table.sets(of: unit)
    for place in consignments.indices { consignments[place].deadline = now + patience.consigning }
    let stopped = redirect(now, patience.consigning)
    var change = begin(stopped.intersection(own), .resumed)
    let away = running.subtracting(own).subtracting(stopping).subtracting(consigned)
    let planned = away.intersection(table.pending { $0 != unit })
    change.stop = away.subtracting(planned)
    change.keep = takeBack(own)
    _ = takeBack(change.stop)
    change.give = beginGiving(planned, until: now + patience.giving)
    stopping.formUnion(change.stop)
    let coming = table.pending { $0 == unit }
    arrivals.keep(coming.union(own))
    change.formUnion(begin(own.subtracting(running), .bereft))
    change.forgo = held.subtracting(coming)
    release(change.forgo)
    return change
  }

  private var consigned: WorkSetBitmap { consignments.reduce(into: WorkSetBitmap()) { $0.formUnion($1.sets) } }

  /// Consignments go where their sets go. What comes back to us, or goes nowhere, is none any more, and is returned.
  private mutating func redirect(_ now: Moment, _ patience: Nanoseconds) -> WorkSetBitmap {
    var over = WorkSetBitmap()
    for place in consignments.indices.reversed() {
      let old = consignments[place]
      let onTheirWay = old.sets.intersection(table.pending { $0 != unit })
      let unchanged = onTheirWay.intersection(table.pending { $0 == old.to })
      guard unchanged != old.sets else { continue }
      consignments.remove(at: place)
      over.formUnion(old.sets.subtracting(onTheirWay))
      consign(onTheirWay, old.notes, old.states, now: now, patience: patience)
    }
    running.subtract(over)
    return over
  }

  /// The dataplane has ended these. What goes along with them is sent first, and they are still ours until it is there.
  mutating func stopped(
    _ sets: WorkSetBitmap, _ notes: WorkNotes, now: Moment, patience: Nanoseconds, state: (Int) -> [UInt8]?
  ) -> Change {
    let ended = sets.intersection(stopping)
    stopping.subtract(ended)
    let planned = ended.subtracting(own).intersection(table.pending { $0 != unit })
    var states: [Int: [UInt8]] = [:]
    planned.forEach { set in states[set] = state(set) }
    running.subtract(ended.subtracting(planned))
    consign(planned, notes, states, now: now, patience: patience)
    // Taken away and given back meanwhile.
    return begin(ended.intersection(own), .resumed)
  }

  private mutating func consign(
    _ sets: WorkSetBitmap, _ notes: WorkNotes, _ states: [Int: [UInt8]], now: Moment, patience: Nanoseconds
  ) {
    for (target, part) in table.targets(of: sets) {
      lastNumber &+= 1
      consignments.append(
        Consignment(
          lastNumber, to: target, part, notes.of(part), states.filter { part.contains($0.key) }, now: now,
          deadline: now + patience))
    }
  }

  /// Its parts that are due. What waits for nothing any more is given up, and its sets are gone. Before a term's first table
  /// nothing goes anywhere: the new master has heard that these sets are ours.
  mutating func dispatch(now: Moment, again interval: Nanoseconds) -> (parts: [(MemberNumber, ConsignmentPart)], Change)
  {
    guard isTold else { return ([], Change()) }
    var parts: [(MemberNumber, ConsignmentPart)] = []
    var over = WorkSetBitmap()
    for place in consignments.indices.reversed() {
      if consignments[place].deadline <= now {
        over.formUnion(consignments.remove(at: place).sets)
      } else if consignments[place].nextSend <= now {
        consignments[place].nextSend = now + interval
        for part in consignments[place].due(term: table.term, version: table.version) {
          parts.append((consignments[place].to, part))
        }
      }
    }
    return (parts, dispose(over))
  }

  /// A receipt. Nil where it was not the last; and what may be sent next.
  mutating func delivered(
    _ number: UInt32, _ place: Int, from unit: MemberNumber, now: Moment, patience: Nanoseconds
  ) -> (next: (MemberNumber, ConsignmentPart)?, Change?) {
    guard isTold, let index = consignments.firstIndex(where: { $0.number == number && $0.to == unit }),
      consignments[index].left.contains(place)
    else { return (nil, nil) }
    let next = consignments[index].receive(place, term: table.term, version: table.version)
    consignments[index].deadline = now + patience
    if consignments[index].isDelivered { return (nil, dispose(consignments.remove(at: index).sets)) }
    return (next.map { (consignments[index].to, $0) }, nil)
  }

  /// When there is something to do about what is on its way.
  var nextConsignment: Moment? { isTold ? consignments.map { min($0.nextSend, $0.deadline) }.min() : nil }

  private mutating func dispose(_ sets: WorkSetBitmap) -> Change {
    running.subtract(sets)
    return begin(sets.intersection(own), .resumed)
  }

  /// True: a receipt is due.
  mutating func take(_ part: ConsignmentPart, from sender: Sender) -> Bool {
    guard part.term == table.term else { return false }
    return arrivals.take(part, from: sender, running: running)
  }

  /// Out of the cluster: what runs has to end, and nothing is handed to anybody.
  mutating func abandon() -> Change {
    var change = Change()
    running.subtract(consigned)
    consignments = []
    gifts = []
    arrivals.forget()
    change.forgo = held
    release(held)
    promises = [:]
    table = OwnershipTable()
    isTold = false
    own = WorkSetBitmap()
    change.stop = running.subtracting(stopping)
    stopping = running
    return change
  }

  /// Of another term: the same work, until its first table comes. Where the same master has only begun a later term, what
  /// has come whole is still what its sets' last owners have sent.
  mutating func enter(_ term: UInt64, version: UInt64 = 0, isSameMaster: Bool = false, now: Moment) {
    arrivals.forget(keepingWhole: isSameMaster)
    beginConsignmentsAnew(now)
    promises = [:]
    for place in gifts.indices { gifts[place].version = 0 }
    isTold = false
    table.term = term
    table.version = version
  }

  private mutating func beginConsignmentsAnew(_ now: Moment) {
    for place in consignments.indices {
      lastNumber &+= 1
      consignments[place].beginAnew(as: lastNumber, now: now)
    }
  }

  mutating func beginStopping(_ sets: WorkSetBitmap) { stopping.formUnion(sets) }

  /// `otherwise` is how a set begins of which nothing has come.
  private mutating func begin(_ sets: WorkSetBitmap, _ otherwise: Beginning) -> Change {
    guard !sets.isEmpty else { return Change() }
    running.formUnion(sets)
    var change = Change()
    sets.forEach { set in
      var start = Change.Start(set: set, how: otherwise)
      if otherwise != .resumed {
        if table.isFresh(set) { start.how = .fresh }
        if let arrival = arrivals.remove(set) {
          start.how = arrival.isWhole ? .carried : .bereft
          start.state = arrival.state
          start.notes = arrival.notes
        }
      }
      // Who cannot say what has been worked on of the packets that wait works on none of them.
      if held.contains(set) { start.notes = start.notes ?? WorkNotes(isComplete: false) }
      change.start.append(start)
    }
    release(sets)
    return change
  }

  private mutating func release(_ sets: WorkSetBitmap) {
    held.subtract(sets)
    surelyHeld.subtract(sets)
  }
}

/// How long something is waited for that has to happen before work changes hands.
struct Patience {
  /// Until the next owner holds; meanwhile the old one works.
  var giving: Nanoseconds
  /// For each receipt; meanwhile nobody works.
  var consigning: Nanoseconds
}

/// What is to be done.
struct Change: Sendable {
  struct Start: Sendable {
    var set: Int
    var how: Beginning
    var state: [UInt8]?
    /// Nil: nothing was held.
    var notes: WorkNotes?
  }

  var give = WorkSetBitmap()
  var keep = WorkSetBitmap()
  var stop = WorkSetBitmap()
  var forgo = WorkSetBitmap()
  var start: [Start] = []

  mutating func formUnion(_ other: Change) {
    give.formUnion(other.give)
    keep.formUnion(other.keep)
    stop.formUnion(other.stop)
    forgo.formUnion(other.forgo)
    start += other.start
  }
}

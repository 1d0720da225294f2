import ControlKit

/// Sets that are to go to others while everything of them is worked on exactly once (X10): their owner begins to note
/// what he works on, then the next one begins to hold what comes, and only then the owner stops. What both have is in his
/// notes.
struct Gift: Sendable {
  var sets: WorkSetBitmap
  /// The table that says so, of the term in force; 0 is an earlier one's.
  var version: UInt64
  /// Workers note what they do.
  var isNoted = false
  var nextSend: Moment = 0
  /// Then they stop, whether anybody holds what comes or not.
  let deadline: Moment
}

/// What we shall say to somebody who gives, once our workers hold it.
struct Promise: Sendable {
  var sets: WorkSetBitmap
  /// His table.
  var version: UInt64
  var isKept = false
}

extension Holdings {
  var giving: WorkSetBitmap { gifts.reduce(into: WorkSetBitmap()) { $0.formUnion($1.sets) } }

  /// Returns those that are new.
  mutating func beginGiving(_ sets: WorkSetBitmap, until deadline: Moment) -> WorkSetBitmap {
    let new = sets.subtracting(giving)
    if !new.isEmpty { gifts.append(Gift(sets: new, version: table.version, deadline: deadline)) }
    return new
  }

  /// Returns those that were to be given.
  mutating func takeBack(_ sets: WorkSetBitmap) -> WorkSetBitmap {
    var taken = WorkSetBitmap()
    for place in gifts.indices.reversed() {
      taken.formUnion(gifts[place].sets.intersection(sets))
      gifts[place].sets.subtract(sets)
      if gifts[place].sets.isEmpty { gifts.remove(at: place) }
    }
    return taken
  }

  /// The dataplane notes what it works on of these.
  mutating func noted(_ sets: WorkSetBitmap, now: Moment) {
    for place in gifts.indices where gifts[place].sets.subtracting(sets).isEmpty {
      gifts[place].isNoted = true
      gifts[place].nextSend = now
    }
  }

  /// To whom something is to be said now; and what nobody has answered for in time is to be stopped all the same.
  mutating func offer(
    now: Moment, again interval: Nanoseconds
  ) -> (offers: [(to: MemberNumber, sets: WorkSetBitmap)], stop: WorkSetBitmap) {
    var late = WorkSetBitmap(), noted = WorkSetBitmap()
    var isDue = false
    for place in gifts.indices.reversed() {
      if gifts[place].deadline <= now {
        late.formUnion(gifts.remove(at: place).sets)
      } else if isTold, gifts[place].isNoted {
        noted.formUnion(gifts[place].sets)
        isDue = isDue || gifts[place].nextSend <= now
      }
    }
    // All at once: to each only his latest word counts.
    if isDue { for place in gifts.indices where gifts[place].isNoted { gifts[place].nextSend = now + interval } }
    beginStopping(late)
    return (isDue ? table.targets(of: noted) : [], late)
  }

  /// When there is something to do about sets that are given.
  var nextGift: Moment? {
    gifts.map { $0.isNoted && isTold ? min($0.nextSend, $0.deadline) : $0.deadline }.min()
  }

  /// The next owner holds what comes. Returns what is to be stopped now.
  mutating func areHeld(_ sets: WorkSetBitmap, by unit: MemberNumber, version: UInt64) -> WorkSetBitmap {
    guard isTold else { return WorkSetBitmap() }
    let his = sets.intersection(table.pending { $0 == unit })
    var agreed = WorkSetBitmap()
    for gift in gifts where gift.isNoted && gift.version <= version {
      agreed.formUnion(gift.sets.intersection(his))
    }
    _ = takeBack(agreed)
    beginStopping(agreed)
    return agreed
  }

  // The other side

  /// Somebody notes what he works on of these, which are to be ours. Returns what is to be held from now on; nil where we
  /// do not know that they are coming: he asks again.
  mutating func promise(_ sets: WorkSetBitmap, to unit: MemberNumber, version: UInt64) -> WorkSetBitmap? {
    guard isTold, table.version >= version else { return nil }
    let wanted = sets.intersection(table.pending { $0 == self.unit })
    guard !wanted.isEmpty else { return nil }
    let new = wanted.subtracting(held)
    held.formUnion(new)
    promises[unit] = Promise(sets: wanted, version: version)
    return new
  }

  /// The dataplane holds these.
  mutating func areHeld(_ sets: WorkSetBitmap) { surelyHeld.formUnion(sets.intersection(held)) }

  /// To whom we have to say that all is held that he waits for.
  mutating func keepPromises() -> [(to: MemberNumber, sets: WorkSetBitmap, version: UInt64)] {
    var kept: [(MemberNumber, WorkSetBitmap, UInt64)] = []
    for (unit, promise) in promises.sorted(by: { $0.key < $1.key })
    where !promise.isKept && promise.sets.subtracting(surelyHeld).isEmpty {
      promises[unit]?.isKept = true
      kept.append((unit, promise.sets, promise.version))
    }
    return kept
  }
}

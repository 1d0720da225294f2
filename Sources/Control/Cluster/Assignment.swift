import Contract

/// The master's table and how it changes: every set to somebody, to none before it is free, and as evenly as it goes.
///
///     free ──▶ assigned to K ──▶ pending to J ──▶ assigned to J        K stops, says so; then J starts (X17)
///                    └── K is gone ──▶ free
struct Assignment: Sendable {
  private(set) var table: OwnershipTable
  /// Sets that nobody has.
  private(set) var free = WorkSetBitmap.all
  /// By unit: assigned without reserve.
  private var owned: [WorkSetBitmap]
  /// By unit: pending to another, and this one has to stop first.
  private var leaving: [WorkSetBitmap]
  /// By unit: assigned, or pending to it.
  private(set) var load: [Int]
  /// Where load is packets: what sets weigh.
  var weights: Weights?
  /// By set: the version that told its owner to stop.
  private var since = [UInt64](repeating: 0, count: WorkSets.count)
  /// Nobody has had these since the cluster began.
  private var fresh: WorkSetBitmap
  /// Units that have left, by bits: nothing comes to them any more.
  private var gone: UInt64 = 0
  /// The table is not what members were last told.
  private(set) var isChanged = false

  private static let units = ClusterDescription.mostUnits

  /// `isFirst`: there was no master before, whose members may have worked on anything.
  init(term: UInt64, isFirst: Bool = false) {
    table = OwnershipTable(term: term)
    fresh = isFirst ? .all : WorkSetBitmap()
    owned = Array(repeating: WorkSetBitmap(), count: Self.units)
    leaving = Array(repeating: WorkSetBitmap(), count: Self.units)
    load = Array(repeating: 0, count: Self.units)
  }

  func sets(of unit: MemberNumber) -> WorkSetBitmap { owned[Int(unit)] }
  /// Sets that are on their way from somebody to somebody.
  var isMoving: Bool { leaving.contains { !$0.isEmpty } }
  /// Whether a unit works on anything, or still may.
  func isConcerned(_ unit: MemberNumber) -> Bool {
    load[Int(unit)] > 0 || !leaving[Int(unit)].isEmpty
  }

  /// What a member runs when a term begins.
  mutating func adopt(_ sets: WorkSetBitmap, of unit: MemberNumber) {
    let taken = sets.intersection(free)
    free.subtract(taken)
    fresh.subtract(taken)
    taken.forEach { give($0, to: unit) }
  }

  /// The changes so far are one version, for all to be told.
  mutating func publish(term: UInt64) -> OwnershipTable {
    table.term = term
    table.version += 1
    isChanged = false
    return table
  }

  /// The same once more, because the term is another.
  mutating func restate() { isChanged = true }

  mutating func admit(_ unit: MemberNumber) { gone &= ~(1 << UInt64(unit)) }

  /// A member goes by the table of this version, and of its old sets still runs these.
  mutating func note(_ unit: MemberNumber, runs running: WorkSetBitmap, by version: UInt64) {
    guard !leaving[Int(unit)].isEmpty else { return }
    var done: [Int] = []
    leaving[Int(unit)].subtracting(running).forEach { set in if since[set] <= version { done.append(set) } }
    for set in done { arrive(set, from: unit) }
  }

  /// A member is gone, and its lease with it (C17, X11).
  mutating func remove(_ unit: MemberNumber, _ eligible: [MemberNumber]) {
    gone |= 1 << UInt64(unit)
    let lost = owned[Int(unit)]
    lost.forEach { set in release(set, of: unit) }
    var done: [Int] = []
    leaving[Int(unit)].forEach { done.append($0) }
    for set in done { arrive(set, from: unit) }
    redirect(from: unit, eligible)
  }

  /// All free sets to the least loaded, at once (C28, X11).
  mutating func distribute(_ eligible: [MemberNumber]) {
    guard !eligible.isEmpty, !free.isEmpty else { return }
    var sets: [Int] = []
    free.forEach { sets.append($0) }
    for set in ordered(sets) {
      guard let unit = recipient(of: set, eligible) else { continue }
      give(set, to: unit)
      if fresh.contains(set) { table.giveFresh(set, to: unit) }
    }
    fresh.subtract(free)
    free = WorkSetBitmap()
  }

  /// C16 with X1's condition: from the most loaded to the least, while one of them would still have more than the other.
  mutating func balance(_ eligible: [MemberNumber], most: Int) -> Int {
    var moved = 0
    while moved < most, let least = leastLoaded(eligible), let greatest = mostLoaded(eligible),
      load[Int(greatest)] - 1 >= load[Int(least)] + 1, let set = owned[Int(greatest)].first
    {
      move(set, from: greatest, to: least)
      moved += 1
    }
    return moved
  }

  /// All that a unit has, to the others: so many at a time, because packets of what is on its way have to wait (X10).
  mutating func drain(_ unit: MemberNumber, _ eligible: [MemberNumber], most: Int) {
    guard !eligible.isEmpty, load[Int(unit)] > 0 else { return }
    var sets: [Int] = []
    owned[Int(unit)].forEach { sets.append($0) }
    for set in ordered(sets).prefix(max(0, most - leaving[Int(unit)].count)) {
      if let other = recipient(of: set, eligible) { move(set, from: unit, to: other) }
    }
    // What is on its way to the unit arrives there first, and then goes on: nothing of it is left behind.
  }

  // Steps

  private mutating func give(_ set: Int, to unit: MemberNumber) {
    owned[Int(unit)].insert(set)
    add(set, to: unit)
    table[set] = OwnershipEntry(state: .assigned, member: unit)
    isChanged = true
  }

  private mutating func release(_ set: Int, of unit: MemberNumber) {
    owned[Int(unit)].remove(set)
    take(set, from: unit)
    free.insert(set)
    table[set] = OwnershipEntry(state: .unassigned, member: 0)
    isChanged = true
  }

  mutating func move(_ set: Int, from unit: MemberNumber, to other: MemberNumber) {
    owned[Int(unit)].remove(set)
    take(set, from: unit)
    leaving[Int(unit)].insert(set)
    add(set, to: other)
    since[set] = table.version + 1
    table[set] = OwnershipEntry(state: .pending, member: other)
    isChanged = true
  }

  /// The old owner has stopped: the new one may start, if it is still there.
  private mutating func arrive(_ set: Int, from unit: MemberNumber) {
    leaving[Int(unit)].remove(set)
    let target = table[set].member
    take(set, from: target)
    guard gone & 1 << UInt64(target) == 0 else {
      free.insert(set)
      table[set] = OwnershipEntry(state: .unassigned, member: 0)
      isChanged = true
      return
    }
    give(set, to: target)
  }

  /// Sets that were to come to this unit, which is gone, stay where they are; where they cannot, they go to another
  /// instead, and who has to stop first still has to.
  private mutating func redirect(from unit: MemberNumber, _ eligible: [MemberNumber]) {
    guard load[Int(unit)] > 0, let _ = leastLoaded(eligible) else { return }
    for set in 0..<WorkSets.count where table[set] == OwnershipEntry(state: .pending, member: unit) {
      if let old = eligible.first(where: { leaving[Int($0)].contains(set) }) {
        leaving[Int(old)].remove(set)
        take(set, from: unit)
        give(set, to: old)
        continue
      }
      guard let other = recipient(of: set, eligible) else { return }
      take(set, from: unit)
      add(set, to: other)
      table[set] = OwnershipEntry(state: .pending, member: other)
      isChanged = true
    }
  }

  private mutating func add(_ set: Int, to unit: MemberNumber) {
    load[Int(unit)] += 1
    weights?.add(set, to: unit)
  }

  private mutating func take(_ set: Int, from unit: MemberNumber) {
    load[Int(unit)] -= 1
    weights?.take(set, from: unit)
  }

  private func recipient(of set: Int, _ eligible: [MemberNumber]) -> MemberNumber? {
    guard let weights else { return leastLoaded(eligible) }
    return weights.recipient(of: set, eligible, load)
  }

  private func ordered(_ sets: [Int]) -> [Int] { weights?.ordered(sets) ?? sets }

  private func leastLoaded(_ eligible: [MemberNumber]) -> MemberNumber? {
    eligible.min { load[Int($0)] < load[Int($1)] }
  }

  private func mostLoaded(_ eligible: [MemberNumber]) -> MemberNumber? {
    eligible.max { load[Int($0)] < load[Int($1)] }
  }
}

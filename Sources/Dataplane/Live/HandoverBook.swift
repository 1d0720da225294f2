import Contract

/// What the cluster's thread knows of sets that change hands (X10): of those that are being given away what workers have
/// noted, of those that begin what the members before have.
struct HandoverBook {
  private struct Given {
    /// The first table by which it is given. What was noted by one before was another time.
    var since: UInt32
    var digests: [UInt64] = []
    /// More than may be kept.
    var isOver = false
    /// Not ours any more: what is noted stays until somebody takes it, or until it is ours again.
    var isStopped = false
  }

  private let workers: [UnsafeMutablePointer<Handover>]
  private var given: [Int: Given] = [:]
  private var kept = 0
  private var worked: [(list: WorkedList, sets: Set<Int>)] = []

  init(_ workers: [UnsafeMutablePointer<Handover>]) { self.workers = workers }

  func deallocate() { for one in worked { one.list.deallocate() } }

  /// For the next table.
  var lists: [WorkedSets] { worked.map { WorkedSets($0.list, $0.sets) } }

  /// Before the table with this number is published. `isAlone`: no worker goes by an earlier one than the last. Returns the
  /// lists that the next table has not, for whoever frees the last one.
  mutating func turn(
    to next: OwnershipDescription, _ number: UInt32, worked notes: [HandoverNotes], isAlone: Bool
  ) -> [WorkedList] {
    gather()
    for set in 0..<WorkSets.count where next.isOurs(set) {
      let isGiven = next.giving.contains(set)
      // What is ours again, or still, has nothing to tell.
      if !isGiven || given[set]?.isStopped == true { forget(set) }
      if isGiven, given[set] == nil { given[set] = Given(since: number) }
    }
    for set in Array(given.keys) where !next.isOurs(set) { given[set]?.isStopped = true }
    var gone: [WorkedList] = []
    let replaced = notes.reduce(into: Set<Int>()) { $0.formUnion($1.sets) }
    worked = worked.compactMap { one in
      // Where all have come to the table that it came with, nothing is held of its sets any more.
      let sets: Set<Int> = isAlone ? [] : one.sets.filter { next.isOurs($0) && !replaced.contains($0) }
      if !sets.isEmpty { return (one.list, sets) }
      gone.append(one.list)
      return nil
    }
    for one in notes { worked.append((WorkedList(one), one.sets)) }
    return gone
  }

  private mutating func forget(_ set: Int) {
    if let old = given.removeValue(forKey: set) { kept -= old.digests.count }
  }

  /// From workers, so that they have room for more.
  mutating func gather() {
    for worker in workers {
      while let note = worker.pointee.notes.next() {
        let set = Int(note.set)
        guard let since = given[set]?.since, note.table >= since else { continue }
        if kept == HandoverNotes.mostInAll {
          given[set]?.isOver = true
        } else {
          given[set]?.digests.append(note.digest)
          kept += 1
        }
      }
    }
  }

  mutating func takeNotes(of sets: Set<Int>) -> HandoverNotes {
    gather()
    var notes = HandoverNotes(sets: sets)
    for set in sets.sorted() {
      guard let one = given[set] else {
        notes.isComplete = false
        continue
      }
      let hasMissed = workers.contains { $0.pointee.notes.missed(of: set) >= one.since }
      notes.isComplete = notes.isComplete && !one.isOver && !hasMissed
      notes.digests += one.digests
      forget(set)
    }
    if notes.digests.count > HandoverNotes.mostDigests { notes.isComplete = false }
    if !notes.isComplete { notes.digests = [] }
    return notes
  }
}

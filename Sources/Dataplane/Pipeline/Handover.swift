import Contract
import Memory

/// What a member's worker has for sets that change hands (X10): notes of what it gives away, room for what it waits for.
///
/// A packet of such a set reaches both members. The one before works on it and notes it; the next one holds it, and when
/// the set is its own it drops what was noted and works on the rest. And where a half that was cut off may come back with
/// hosts of its own, what those send waits, too.
package struct Handover {
  let notes: GivingNotes
  let holding: Holding
  let newcomers: Newcomers

  init(_ frames: FrameSource, _ counters: WorkerCounters, workers: Int) {
    notes = GivingNotes()
    holding = Holding(frames, counters, workers: workers)
    newcomers = Newcomers(holding, counters, workers: workers)
  }

  static func make(
    _ frames: FrameSource, _ counters: WorkerCounters, workers: Int
  ) -> UnsafeMutablePointer<Handover> {
    let handover = UnsafeMutablePointer<Handover>.allocate(capacity: 1)
    handover.initialize(to: Handover(frames, counters, workers: workers))
    return handover
  }

  /// With the frames' memory, when no worker is there any more.
  func deallocate() {
    notes.deallocate()
    holding.deallocate()
    newcomers.deallocate()
  }
}

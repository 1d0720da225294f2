package import Memory
package import Rings

/// One ring for every ordered pair of workers: a packet that belongs to another worker crosses by one of them.
///
/// A worker looks at its incoming rings once per burst. Full is a counted drop, never a wait.
package struct Crossing: @unchecked Sendable {
  @usableFromInline let rings: UnsafeMutablePointer<SPSCRing<PacketRef>>
  package let workers: Int

  package init(workers: Int, capacity: Int) {
    self.workers = workers
    rings = .allocate(capacity: workers * workers)
    for index in 0..<workers * workers {
      (rings + index).initialize(to: SPSCRing(capacity: workers > 1 ? capacity : 1))
    }
  }

  /// At some moment nothing was under way. For anybody.
  package var wasEmpty: Bool { (0..<workers * workers).allSatisfy { rings[$0].wasEmpty } }

  /// How much each ring has been given, for whoever waits until that has been taken. More may have come by then.
  package var putIn: [UInt] { (0..<workers * workers).map { rings[$0].putIn } }

  package func hasTaken(_ amounts: [UInt]) -> Bool {
    (0..<workers * workers).allSatisfy { rings[$0].hasTaken(amounts[$0]) }
  }

  package func deallocate() {
    for index in 0..<workers * workers { rings[index].deallocate() }
    rings.deallocate()
  }

  @inline(__always)
  func send(_ ref: PacketRef, from worker: UInt8) -> Bool {
    withUnsafePointer(to: ref) {
      rings[Int(worker) &* workers &+ Int(ref.judgement.worker)].enqueue($0, 1) == 1
    }
  }

  /// Adds what other workers have sent to `worker`, as far as it fits.
  @inline(__always)
  func receive(into burst: inout Burst, at worker: Int) {
    var from = 0
    while from < workers {
      if from != worker {
        burst.count &+= rings[from &* workers &+ worker].dequeue(
          burst.refs + burst.count, Burst.capacity &- burst.count)
      }
      from &+= 1
    }
  }
}

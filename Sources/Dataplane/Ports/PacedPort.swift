import CKernel
package import Memory

/// When packets may leave the input.
package enum Pace: Sendable, Equatable {
  case asFastAsPossible
  /// The gaps of the capture.
  case original
  case packetsPerSecond(Double)
}

/// Holds another port's packets back until they are due.
package struct PacedPort<Inner: ReceivePort>: ReceivePort {
  package private(set) var inner: Inner
  private let pace: Pace
  private let memory: PacketMemory
  private let waiting: UnsafeMutablePointer<PacketRef>
  private var first = 0
  private var count = 0
  private var isOpen = true
  private var released = 0
  private var startNanoseconds: UInt64 = 0
  private var startOfCapture: Int64?
  private var startOfLoop: UInt64 = 0
  private var lastDue: UInt64 = 0

  package init(_ inner: Inner, _ pace: Pace, memory: PacketMemory) {
    self.inner = inner
    self.pace = pace
    self.memory = memory
    waiting = .allocate(capacity: Burst.capacity)
  }

  package func deallocate() { waiting.deallocate() }

  package mutating func receive(into burst: inout Burst) -> Bool {
    if pace == .asFastAsPossible { return inner.receive(into: &burst) }
    let now = hauberk_nanoseconds()
    if startNanoseconds == 0 { startNanoseconds = now }
    while burst.count < Burst.capacity {
      if first == count, !refill() { break }
      let ref = waiting[first]
      guard due(ref) <= now &- startNanoseconds else { break }
      burst.append(ref)
      first += 1
      released += 1
    }
    return isOpen || first < count
  }

  private mutating func refill() -> Bool {
    guard isOpen else { return false }
    var next = Burst(waiting)
    isOpen = inner.receive(into: &next)
    first = 0
    count = next.count
    return count > 0
  }

  /// Nanoseconds after the start. A capture whose clock steps back does not wait for it.
  private mutating func due(_ ref: PacketRef) -> UInt64 {
    switch pace {
    case .asFastAsPossible: return 0
    case .packetsPerSecond(let rate): return UInt64(min(Double(released) / rate * 1e9, 1e18))  // thirty years are never
    case .original:
      let header = memory.header(of: ref).pointee
      let (whole, overflow) = header.seconds.multipliedReportingOverflow(by: 1_000_000_000)
      guard !overflow else { return 0 }
      let time = whole &+ Int64(header.nanoseconds)
      let start = startOfCapture ?? time
      startOfCapture = start
      // The first time stamp again: the capture has begun again, where it ended.
      if time == start, released > 0 { startOfLoop = lastDue }
      let (gap, wrapped) = time.subtractingReportingOverflow(start)
      let due = startOfLoop &+ (wrapped || gap < 0 ? 0 : UInt64(gap))
      lastDue = max(lastDue, due)
      return due
    }
  }
}

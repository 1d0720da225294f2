import CKernel

/// Measures the stages, or does not: chosen when the worker is compiled, not while it runs.
package protocol StageClock {
  init()
  mutating func start()
  /// The ticks since the last call of either.
  mutating func lap() -> UInt64
}

/// The time-stamp counter: a constant rate, a few nanoseconds per reading, read once per stage and burst.
package struct TickClock: StageClock {
  private var last: UInt64 = 0
  package init() {}

  @inline(__always)
  package mutating func start() { last = hauberk_ticks() }

  @inline(__always)
  package mutating func lap() -> UInt64 {
    let now = hauberk_ticks()
    let ticks = now &- last
    last = now
    return ticks
  }
}

package struct NoClock: StageClock {
  package init() {}
  @inline(__always) package mutating func start() {}
  @inline(__always) package mutating func lap() -> UInt64 { 0 }
}

import Cluster
import Contract
import ControlKit
import Dataplane

/// What the member's sets cost, from its workers' counters: looked at once a second.
struct LoadWatch {
  private let interval: Nanoseconds
  private var meter: LoadMeter
  private var counts = [UInt64](repeating: 0, count: WorkSets.count)
  private var lookedAt: Moment?

  init(_ profile: Profile) {
    interval = profile.measureInterval
    meter = LoadMeter(over: profile.measuredOver)
  }

  /// Nil before its time. Counters are others' to write: nobody waits for anybody.
  mutating func report(_ plane: MemberPlane, now: Moment) -> LoadReport? {
    let passed = lookedAt.map { $0.age(at: now) }
    if let passed, passed < interval { return nil }
    lookedAt = now
    for set in 0..<WorkSets.count {
      counts[set] = plane.gateway.counters.reduce(0) { $0 &+ $1.packets(inSet: set) }
    }
    return meter.measure(counts, running: plane.running, after: passed ?? 0)
  }
}

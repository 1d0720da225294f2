import Cluster
import Contract
import ControlKit

/// What a unit's workers count, and what is made of it.
struct SimulatedLoad {
  private(set) var counters = [UInt64](repeating: 0, count: WorkSets.count)
  private(set) var meter: LoadMeter
  private let over: Nanoseconds
  var countedAt: Moment = 0
  var reportedAt: Moment = 0

  init(over: Nanoseconds) {
    self.over = over
    meter = LoadMeter(over: over)
  }

  /// The process is gone, and its counters with it.
  mutating func clear() {
    counters = [UInt64](repeating: 0, count: WorkSets.count)
    meter = LoadMeter(over: over)
  }

  mutating func add(_ packets: UInt64, to set: Int) { counters[set] += packets }

  mutating func report(running: WorkSetBitmap, now: Moment) -> LoadReport {
    defer { reportedAt = now }
    return meter.measure(counters, running: running, after: now - reportedAt)
  }

  /// Packets per second of all sets, as traffic is: a few sets have most of it, many have little, some none.
  static func skewed(_ seed: UInt64) -> [Int] {
    var chance = Jitter(seed: mix(seed ^ 0x10ad_5e75))
    let total = Double(chance.between(20_000, 4_000_000))
    let idle = Int(chance.between(0, 700))
    var loads: [Double] = (0..<WorkSets.count).map { 1 / Double($0 + 1) }
    if chance.happens(300_000) { loads = loads.map { $0.squareRoot() } }
    for place in 0..<idle { loads[WorkSets.count - 1 - place] = 0 }
    if chance.happens(300_000) { loads[0] = loads.reduce(0, +) }
    for place in loads.indices.reversed() { loads.swapAt(place, Int(chance.between(0, UInt64(place + 1)))) }
    let sum = loads.reduce(0, +)
    return loads.map { Int($0 / sum * total) }
  }
}

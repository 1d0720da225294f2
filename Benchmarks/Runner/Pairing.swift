import CKernel

/// One thing that is measured, beside what it is measured against.
struct Comparison {
  let name: String
  /// What one unit of work is.
  let unit: String
  let ours: Runner
  let other: Runner
  /// The other side's name: a ceiling, C, or a peer.
  let otherName: String
  /// The ratio that a claim of ours rests on, if one does.
  var claim: Double?
  /// Once warm, our side makes no call of the heap.
  var isHot = false
}

/// Does `units` of work and returns a checksum, so that the work cannot be optimised away.
struct Runner {
  let units: Int
  let run: () -> UInt64
}

struct Measurement {
  let comparison: Comparison
  let ours: [Double]
  let other: [Double]

  /// Both run in turn, so that a machine whose speed drifts treats them alike; the median of the rounds counts.
  init(_ comparison: Comparison, rounds: Int) {
    self.comparison = comparison
    var ours: [Double] = [], other: [Double] = []
    for round in -1..<rounds {
      // Who begins changes from round to round.
      var a = 0.0, b = 0.0
      if round & 1 == 0 {
        a = Self.nanoseconds(comparison.ours)
        b = Self.nanoseconds(comparison.other)
      } else {
        b = Self.nanoseconds(comparison.other)
        a = Self.nanoseconds(comparison.ours)
      }
      guard round >= 0 else { continue }  // the first pair warms up
      ours.append(a)
      other.append(b)
    }
    self.ours = ours
    self.other = other
  }

  private static func nanoseconds(_ runner: Runner) -> Double {
    let start = hauberk_nanoseconds()
    sink &+= runner.run()
    return Double(hauberk_nanoseconds() - start) / Double(runner.units)
  }

  var oursMedian: Double { median(ours) }
  var otherMedian: Double { median(other) }
  /// The median of the rounds' ratios, not the ratio of the medians: both sides of a round saw the same machine.
  var ratio: Double { median(zip(ours, other).map { $0 / $1 }) }
}

/// Where checksums go.
nonisolated(unsafe) var sink: UInt64 = 0

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return 0 }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

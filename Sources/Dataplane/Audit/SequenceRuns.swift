/// What of a stream's sequence numbers came, and what did not.
package struct SequenceGaps: Equatable, Sendable {
  /// In 32 bits; the highest may be beyond them.
  package var lowest: UInt64 = 0
  package var highest: UInt64 = 0
  /// Numbers between the two that did not come, and in how many holes.
  package var missing: UInt64 = 0
  package var holes: UInt64 = 0
}

/// Which sequence numbers were seen, as runs: traffic in order takes one run, and each hole one more.
struct SequenceRuns {
  private struct Run {
    var first: Int64
    var last: Int64
  }

  private var runs: [Run] = []
  private var highest: Int64 = 0
  private var compactAt = 64

  /// Takes the 32 bits that are on the wire. The bits above are those that bring it nearest to the highest number so
  /// far; they may be negative before the first packet's.
  mutating func insert(_ sequence: UInt32) {
    guard !runs.isEmpty else {
      highest = Int64(sequence)
      runs.append(Run(first: highest, last: highest))
      return
    }
    let distance = Int32(bitPattern: sequence &- UInt32(truncatingIfNeeded: highest))
    let number = highest + Int64(distance)
    highest = max(highest, number)
    let end = runs.count - 1
    if (runs[end].first...runs[end].last).contains(number) { return }
    if number == runs[end].last + 1 {
      runs[end].last = number
      return
    }
    runs.append(Run(first: number, last: number))
    if runs.count >= compactAt {
      runs = merged
      // At twice what is left, so that sorting stays cheap however the numbers come.
      compactAt = max(64, 2 * runs.count)
    }
  }

  private var merged: [Run] {
    var list: [Run] = []
    for run in runs.sorted(by: { $0.first < $1.first }) {
      if let end = list.indices.last, run.first <= list[end].last + 1 {
        list[end].last = max(list[end].last, run.last)
      } else {
        list.append(run)
      }
    }
    return list
  }

  var gaps: SequenceGaps {
    let list = merged
    guard let first = list.first, let last = list.last else { return SequenceGaps() }
    let seen = list.reduce(0) { $0 + UInt64($1.last - $1.first) + 1 }
    let lowest = UInt64(UInt32(truncatingIfNeeded: first.first))
    let distance = UInt64(last.last - first.first)
    return SequenceGaps(
      lowest: lowest, highest: lowest + distance, missing: distance + 1 - seen, holes: UInt64(list.count - 1))
  }
}

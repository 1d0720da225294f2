import CKernel
import CLI
import Dataplane
import Rings

/// What a second worker adds: packets sealed by one worker alone, and by two at the same time, each on a core of its own.
/// Beside it what the machine itself allows: two gateways of one worker each, which share nothing.
func measureScaling(rounds: Int, _ wanted: String) throws -> Int32 {
  let processors = Processors.allowed()
  guard processors.count >= 2 else {
    Console.note("one processor: nothing to compare")
    return 0
  }
  var allHold = true
  try Console.output(
    Format.left("sealed, ticks a packet", 34) + Format.right("alone", 10) + Format.right("both", 10)
      + Format.right("gain", 8) + Format.right("two gateways", 14) + Format.right("gain", 8) + "\n")
  for kind in ScalingGateway.Kind.allCases {
    for length in [64, 512, 1420] {
      let title = "\(kind.rawValue), \(length)"
      guard wanted.isEmpty || title.contains(wanted) else { continue }
      var alone: [Double] = [], both: [Double] = [], apart: [Double] = []
      for _ in 0..<rounds {
        // New ones each time: none comes to the end of its nonces.
        let single = try ScalingGateway(kind, workers: 1, length: length)
        alone.append(try sealTogether([single], [0], processors)[0])
        let pair = try ScalingGateway(kind, workers: 2, length: length)
        both.append(mean(try sealTogether([pair, pair], [0, 1], processors)))
        let other = try ScalingGateway(kind, workers: 1, length: length, firstLane: 1)
        apart.append(
          mean(try sealTogether([try ScalingGateway(kind, workers: 1, length: length), other], [0, 0], processors)))
      }
      let gain = median(zip(alone, both).map { 2 * $0 / $1 }), most = median(zip(alone, apart).map { 2 * $0 / $1 })
      try Console.output(
        Format.left(title, 34) + Format.right(Format.fixed(median(alone), 1), 10)
          + Format.right(Format.fixed(median(both), 1), 10) + Format.right(Format.fixed(gain, 2), 8)
          + Format.right(Format.fixed(median(apart), 1), 14) + Format.right(Format.fixed(most, 2), 8)
          + "    (claim: at least 1.90: \(gain >= 1.9 ? "holds" : "BROKEN"))\n")
      allHold = allHold && gain >= 1.9
    }
  }
  return allHold ? 0 : 1
}

/// Packets per tick add up, so it is the harmonic mean that tells what both did.
private func mean(_ ticks: [Double]) -> Double { Double(ticks.count) / ticks.map { 1 / $0 }.reduce(0, +) }

/// Each worker on its own thread and core; they begin at the same time.
private func sealTogether(
  _ gateways: [ScalingGateway], _ workers: [Int], _ processors: [Int]
) throws -> [Double] {
  let results = UnsafeMutablePointer<Double?>.allocate(capacity: workers.count)
  results.initialize(repeating: nil, count: workers.count)
  defer { results.deallocate() }
  let start = hauberk_nanoseconds() + 2_000_000
  let threads = try zip(gateways, workers).enumerated().map { index, job in
    try WorkerThread(name: "worker \(job.1)", processor: processors[processors.count - 1 - index]) {
      _ = job.0.seal(job.1, passes: 4)
      while hauberk_nanoseconds() < start { hauberk_pause() }
      results[index] = job.0.seal(job.1, passes: 384)
    }
  }
  for thread in threads { thread.join() }
  return try (0..<workers.count).map { index in
    guard let ticks = results[index] else { throw CommandFailure(.output, "a packet was not sealed") }
    return ticks
  }
}

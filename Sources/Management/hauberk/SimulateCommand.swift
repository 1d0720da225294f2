import CKernel
import CLI
import ClusterSimulation
import Glibc

/// `hauberk simulate`: a whole cluster from a seed, as the tests run it.
struct SimulateCommand {
  let options: SimulateOptions

  init(_ options: SimulateOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    options.isOne ? try one(options.seeds.lowerBound) : try many()
  }

  private func one(_ seed: UInt64) throws(CommandFailure) -> ExitCode {
    let scenario = options.scenario(seed)
    var outcome = Simulation.run(scenario, isTold: options.transcript, isDrawn: options.timeline != nil)
    // A run that fails is told whole: the same once more.
    if !outcome.isGood, !options.transcript {
      let timeline = outcome.timeline
      outcome = Simulation.run(scenario, isTold: true)
      outcome.timeline = timeline
    }
    if let path = options.timeline, let timeline = outcome.timeline {
      try write(TimelineDrawing(timeline).svg, path)
    }
    let summary = SimulationSummary(scenario, outcome)
    if options.json {
      try Console.output(summary.json.text + "\n")
    } else {
      let steps = outcome.transcript.joined(separator: "\n")
      try Console.output((steps.isEmpty ? "" : steps + "\n\n") + summary.text)
    }
    return try verdict(outcome.isGood ? [] : [seed])
  }

  /// One line for a seed that fails, and in the end how it was.
  private func many() throws(CommandFailure) -> ExitCode {
    var progress = Progress()
    var failed: [UInt64] = []
    var steps: UInt64 = 0
    var count: UInt64 = 0
    var next = options.seeds.lowerBound
    for seed in options.seeds {
      if hauberk_was_interrupted() { break }
      let scenario = options.scenario(seed)
      let outcome = Simulation.run(scenario)
      count += 1
      next = seed &+ 1
      steps += UInt64(outcome.events)
      if !outcome.isGood { failed.append(seed) }
      if options.json {
        try Console.output(SimulationSummary(scenario, outcome).json.line + "\n")
      } else if !outcome.isGood {
        try Console.output("seed \(seed): \(outcome.violations.joined(separator: "; "))\n")
        try Console.flush()
      }
      progress.update(
        count, "runs, \(failed.count) failed, seed \(seed)",
        share: Double(seed - options.seeds.lowerBound) / Double(max(1, options.seeds.count)))
    }
    progress.finish()
    let isWhole = count == UInt64(options.seeds.count)
    if !options.json {
      let rest = isWhole ? "" : "; go on with --seeds \(next)-\(options.seeds.upperBound)"
      try Console.output(
        "\(Format.grouped(count)) runs, \(Format.grouped(steps)) steps, \(failed.count) failed\(rest)\n")
    }
    let code = try verdict(failed)
    return isWhole ? code : .interrupted
  }

  private func verdict(_ failed: [UInt64]) throws(CommandFailure) -> ExitCode {
    guard let first = failed.first else { return .success }
    try Console.flush()
    throw CommandFailure(.finding, "a rule was broken: 'hauberk simulate --seed \(first)' shows how")
  }

  private func write(_ text: String, _ path: String) throws(CommandFailure) {
    guard let file = fopen(path, "w") else { throw failure(path) }
    let isWritten = fputs(text, file) >= 0
    guard fclose(file) == 0, isWritten else { throw failure(path) }
  }

  private func failure(_ path: String) -> CommandFailure {
    CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
  }
}

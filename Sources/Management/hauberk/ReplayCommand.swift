import CKernel
import CLI
import Config
import Contract
import Dataplane
import Glibc
import Memory
import Nonces
import Wire

/// `hauberk replay`: from a capture, through the workers, to a capture.
struct ReplayCommand {
  private typealias Port = PacedPort<FaultPort<ReplaySource>>

  let options: ReplayOptions

  init(_ options: ReplayOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let configuration = try CommandInput.configuration(options.config)
    let classify = try CommandInput.classify(
      config: configuration, hash: options.hash, key: options.key, addresses: options.clusterAddresses)
    let source = CommandInput.source(options.capture)
    let input = options.generate == nil ? try CommandInput.open(source, options.filter) : nil
    let link = input?.link ?? .ethernet

    var description = ReplayDescription(ownership: ownership)
    description.workers = workerCount
    description.deal = options.dealsInTurn ? .inTurn : .toOwner
    let job = try ReplayJob(options, configuration, classify, link: link)
    description.classify = job.classify
    description.security = job.security
    if let keylog = options.keylog { try KeyLog.write(job.classify, to: keylog) }
    if let frames = configuration?.frames { description.memory.frames = frames }
    if let bytes = configuration?.frameBytes { description.memory.frameBytes = bytes }
    let replay: Replay
    do {
      replay = try Replay(description, link: link)
    } catch let refusal as NonceRefusal {
      throw CommandFailure(.configuration, refusal.description)
    } catch {
      throw CommandFailure(.machine, "\(error)")
    }
    let output = try openOutput(input, replay)
    var result = ReplayResult()
    result.source = input?.source.name ?? "generated traffic"
    result.link = link.name
    result.out = options.out.map { $0 == "-" ? "standard output" : $0 }

    let port = Port(
      FaultPort(replaySource(input, source, replay.frames), options.faults, frames: replay.frames), pace,
      memory: replay.memory)
    do {
      try replay.start()
    } catch {
      throw CommandFailure(.machine, error.description)
    }
    var session = ReplaySession(options: options, replay: replay, description: description, link: link)
    let ended = session.play(port, output, inputBytes: size(of: source), into: &result)
    output?.close()
    if let refusal = session.refusal { throw CommandFailure(.machine, refusal.description) }
    if let fault = output?.fault { throw CommandInput.failure(fault) }
    if let failure = ended.failure { throw failure }
    // A signal also ends a read that waits, which must not pass for a file that ends early.
    let wasInterrupted = hauberk_was_interrupted()
    result.truncation = wasInterrupted ? nil : ended.input?.fault?.description
    try report(result)
    if let truncation = result.truncation { throw CommandFailure(.damagedInput, truncation) }
    return wasInterrupted ? .interrupted : .success
  }

  private var ownership: OwnershipDescription {
    let played = options.member.map { [UInt8($0)] } ?? (0..<options.members).map { UInt8($0) }
    return OwnershipDescription(members: options.members, playing: Set(played), workers: workerCount)
  }

  private var workerCount: Int { options.workers ?? max(1, min(8, Processors.allowed().count - 1)) }

  private var pace: Pace {
    switch options.rate {
    case .asFastAsPossible: .asFastAsPossible
    case .original: .original
    case .packetsPerSecond(let rate): .packetsPerSecond(rate)
    }
  }

  private func replaySource(
    _ input: CaptureInput?, _ source: CaptureInput.Source, _ frames: FrameSource
  ) -> ReplaySource {
    if let input {
      let filter = options.filter
      return ReplaySource(capture: input, loops: options.loops, frames: frames) { () throws(CommandFailure) in
        try CommandInput.open(source, filter)
      }
    }
    var description = options.generate ?? GeneratorDescription()
    description.packets *= options.loops
    return ReplaySource(generated: description, frames: frames)
  }

  private func openOutput(
    _ input: CaptureInput?, _ replay: Replay
  ) throws(CommandFailure) -> CaptureOutput? {
    guard let out = options.out else { return nil }
    if out == "-", Console.outputIsTerminal {
      throw CommandFailure(.usage, "a capture is not for a terminal: redirect standard output, or name a file")
    }
    if let capture = options.capture, out != "-", isSameFile(capture == "-" ? "/dev/stdin" : capture, out) {
      throw CommandFailure(.output, "cannot write \(out): it is the capture that is being read")
    }
    do {
      return try CaptureOutput(
        out == "-" ? .standardOutput : .path(out), linkNumber: input?.linkNumber ?? 1,
        snapshotLength: input?.snapshotLength ?? 65535, hasNanoseconds: input?.hasNanoseconds ?? true,
        hasOwnLengths: replay.near != nil, memory: replay.memory)
    } catch {
      throw CommandInput.failure(error)
    }
  }

  private func isSameFile(_ one: String, _ other: String) -> Bool {
    var a = stat(), b = stat()
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino
      && a.st_mode & S_IFMT == S_IFREG
  }

  /// For the progress bar: nil where the size says nothing.
  private func size(of source: CaptureInput.Source) -> Int? {
    guard options.generate == nil, let bytes = CommandInput.size(of: source) else { return nil }
    let total = bytes.multipliedReportingOverflow(by: options.loops)
    return total.overflow ? nil : total.partialValue
  }

  private func report(_ result: ReplayResult) throws(CommandFailure) {
    if options.json {
      try Console.output(result.json.text + "\n")
    } else if options.out == "-" {
      Console.note(ReplaySummary(result).text)
    } else {
      try Console.output(ReplaySummary(result).text)
    }
    try Console.flush()
  }
}

import CKernel
import CLI
import Config
import Dataplane
import Wire

/// `hauberk audit`: what a capture tells of sequence numbers and IVs.
struct AuditCommand {
  let options: AuditOptions

  init(_ options: AuditOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let configuration = try CommandInput.configuration(options.config)
    let source = CommandInput.source(options.capture)
    let input = try CommandInput.open(source, options.filter)
    let limits = AuditLimits()
    let audit = CaptureAudit(
      configuration.map { AuditedSAs($0.classify) } ?? AuditedSAs(), link: input.link, limits: limits)

    read(input, audit, inputBytes: CommandInput.size(of: source))
    var result = AuditResult()
    result.source = source.name
    result.link = input.link.name
    result.hasConfiguration = configuration != nil
    collect(audit, &result)
    // A signal also ends a read that waits, which must not pass for a file that ends early.
    let wasInterrupted = hauberk_was_interrupted()
    result.truncation = wasInterrupted ? nil : input.fault?.description
    try Console.output(options.json ? result.json.text + "\n" : AuditSummary(result).text)
    try Console.flush()

    // What was found outweighs what was not read.
    if let complaint = result.complaint { throw CommandFailure(.finding, complaint) }
    if wasInterrupted { return .interrupted }
    if let truncation = result.truncation { throw CommandFailure(.damagedInput, truncation) }
    if audit.count(of: .beyondLimit) > 0 {
      throw CommandFailure(
        .machine,
        "an audit remembers at most \(limits.packets) packets in \(limits.streams) streams, and \(source.name) has "
          + "more: audit it in parts, by --filter")
    }
    return .success
  }

  private func read(_ input: CaptureInput, _ audit: CaptureAudit, inputBytes: Int?) {
    var progress = Progress()
    var bytesRead = 0
    while !hauberk_was_interrupted(), let length = audit.takeNext(from: input) {
      bytesRead += length + 16  // the record's header in the file
      if audit.packets & 0xffff == 0 {
        progress.update(packets: audit.packets, share: inputBytes.map { Double(bytesRead) / Double(max(1, $0)) })
      }
    }
    progress.finish()
  }

  private func collect(_ audit: CaptureAudit, _ result: inout AuditResult) {
    result.packets = audit.packets
    result.notAudited = AuditCount.allCases.compactMap { what in
      let count = audit.count(of: what)
      return count > 0 ? (what.name, what.meaning, count) : nil
    }
    result.streams = audit.streams.map(Self.result)
    result.firstRepeats = audit.firstRepeats.map { again in
      RepeatResult(
        stream: Self.result(again.stream), iv: again.iv, packet: again.number, sequence: again.sequence,
        firstPacket: again.firstNumber, firstSequence: again.firstSequence)
    }
  }

  private static func result(_ stream: AuditedStream) -> StreamResult {
    let gaps = stream.gaps
    var result = StreamResult()
    result.destination = stream.destination.description
    result.spi = stream.spi
    result.senderID = stream.senderID
    result.ivBytes = stream.sa.ivBytes
    result.isCounterMode = stream.sa.isCounterMode
    result.isAssumed = stream.isAssumed
    result.packets = stream.packets
    result.lowest = gaps.lowest
    result.highest = gaps.highest
    result.missing = gaps.missing
    result.holes = gaps.holes
    result.duplicates = stream.duplicates
    result.repeats = stream.repeats
    result.sameIVs = stream.sameIVs
    return result
  }
}

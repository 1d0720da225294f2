import CKernel
import CLI
import Contract
import Dataplane
import Memory
import Nonces
import Wire

/// One replay under way: turns the dealer until the input has passed, and adds up what happened.
struct ReplaySession {
  let options: ReplayOptions
  let replay: Replay
  let description: ReplayDescription
  let link: LinkType
  /// Why nonces could not be renewed, if so: the replay ends early then.
  private(set) var refusal: NonceRefusal?

  init(options: ReplayOptions, replay: Replay, description: ReplayDescription, link: LinkType) {
    self.options = options
    self.replay = replay
    self.description = description
    self.link = link
  }

  /// Returns the source, which knows how its capture ended.
  mutating func play(
    _ port: PacedPort<FaultPort<ReplaySource>>, _ output: CaptureOutput?, inputBytes: Int?,
    into result: inout ReplayResult
  ) -> ReplaySource {
    var dealer = replay.dealer(port)
    var progress = Progress()
    var bytesRead = 0
    var traced = 0
    var turns = 0
    let start = Console.now(), startTicks = hauberk_ticks()
    while true {
      do {
        try replay.serve()
      } catch {
        refusal = refusal ?? error
      }
      let isOver = !dealer.turn(stop: hauberk_was_interrupted() || output?.fault != nil || refusal != nil) { ref in
        if ref.verdict == 0 { output?.write(ref) }
        bytesRead += Int(ref.length) + 16  // the record's header in the file
        if traced < options.trace {
          traced += 1
          tell(ref)
        }
      }
      output?.check()
      if isOver { break }
      turns += 1
      if turns & 0xff == 0 {
        progress.update(packets: dealer.dealt, share: inputBytes.map { Double(bytesRead) / Double(max(1, $0)) })
      }
    }
    let ticks = hauberk_ticks() &- startTicks
    result.seconds = Console.now() - start
    result.ticksPerSecond = result.seconds > 0 ? Double(ticks) / result.seconds : 0
    replay.stop()
    progress.finish()
    collect(dealer.times, &result)
    let faults = dealer.source.inner.counts
    if !options.faults.isEmpty {
      result.faults = [
        ("truncated", UInt64(faults.truncated)), ("flipped", UInt64(faults.flipped)),
        ("duplicated", UInt64(faults.duplicated)), ("reordered", UInt64(faults.reordered)),
        ("dropped", UInt64(faults.dropped)),
      ]
    }
    return dealer.source.inner.inner
  }

  private func tell(_ ref: PacketRef) {
    let story = PacketStory(
      ref, in: replay.memory, link: link, snapshot: replay.snapshot, ownership: description.ownership,
      associations: replay.near, isRoundTrip: replay.far != nil)
    let text = story.lines.joined(separator: "\n") + "\n"
    // The story is for a person: it must not get into a file that a machine reads.
    if options.json || options.out == "-" {
      Console.note(text)
    } else {
      try? Console.output(text + "\n")
    }
  }

  private func collectSecurity(_ result: inout ReplayResult) {
    guard let near = replay.near else { return }
    result.engine = near.engine.name
    result.associations = (near.counters() + (replay.far?.counters() ?? [])).filter {
      // Of a round trip, each end has one direction.
      replay.far == nil || $0.packets > 0 || !$0.drops.isEmpty
    }.map { sa in
      var association = AssociationResult()
      association.name = sa.name
      association.direction = sa.direction.rawValue
      association.spi = sa.spi
      association.suite = sa.suite
      association.packets = sa.packets
      association.bytes = sa.bytes
      association.sequence = sa.sequence
      association.window = sa.window
      association.senders = sa.senders
      association.lost = sa.lost
      association.isEnding = sa.isEnding
      association.drops = sa.drops
      return association
    }
    guard replay.far != nil else { return }
    let mismatched = result.drops.first { $0.reason == .mismatched }?.count ?? 0
    result.roundTrip = RoundTripResult(
      compared: result.packetsOut + mismatched, mismatched: mismatched,
      skipped: result.drops.filter { $0.reason != .mismatched }.map { ($0.reason.name, $0.count) })
  }

  private func collect(_ times: DealerTimes, _ result: inout ReplayResult) {
    result.hash = description.classify.hash
    result.acceptsEveryMAC = description.classify.accept == nil
    result.keyIsZero = description.classify.key == .zero
    result.pages = replay.memory.arena.pages.rawValue
    result.node = replay.memory.arena.node
    result.member = options.member
    result.dealer = [
      ("reading", times.reading), ("dealing", times.dealing), ("collecting", times.collecting),
      (options.out == nil ? "releasing" : "writing", times.writing), ("waiting", times.waiting),
    ]
    for (number, counters) in replay.counters.enumerated() {
      result.packetsIn += counters.receivedPackets
      result.bytesIn += counters.receivedBytes
      result.packetsOut += counters.keptPackets
      result.bytesOut += counters.keptBytes
      var worker = WorkerResult()
      worker.processor = replay.processors[number]
      worker.packets = counters.receivedPackets
      worker.bytes = counters.receivedBytes
      worker.crossedIn = counters.crossedIn
      worker.bursts = counters.bursts
      worker.stages = Stage.allCases.map { ($0.name, counters.ticks(of: $0)) }
      result.workers.append(worker)
    }
    let reasons: [(reason: DropReason, count: UInt64)] = DropReason.allCases.dropFirst().compactMap { reason in
      let count = replay.counters.reduce(0) { $0 + $1.drops(reason) }
      return count > 0 ? (reason, count) : nil
    }
    result.drops = reasons.filter { !$0.reason.isConsumption }
    result.packetsConsumed = reasons.filter(\.reason.isConsumption).reduce(0) { $0 + $1.count }
    result.packetsMade = replay.counters.reduce(0) { $0 + $1.madePackets }
    result.unfinishedFragments = replay.counters.reduce(0) { $0 + $1.unfinishedFragments }
    result.unanswered = replay.counters.reduce(0) { $0 + $1.unanswered }
    collectSecurity(&result)
    result.members = Array(repeating: MemberShare(), count: options.members)
    for set in 0..<WorkSets.count {
      let packets = replay.counters.reduce(0) { $0 + $1.packets(inSet: set) }
      guard packets > 0 else { continue }
      result.workSetsUsed += 1
      let member = Int(description.ownership[set].member)
      result.members[member].packets += packets
      result.members[member].workSets += 1
    }
  }
}

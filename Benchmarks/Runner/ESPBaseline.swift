import CBaseline
import CKernel
import CLI

/// Somebody who seals or opens a burst in place, and says how many packets that were.
struct ESPContestant {
  let name: String
  /// Frames, the SA of each, how many.
  let burst: (UnsafeMutablePointer<baseline_frame>, UnsafeMutablePointer<UInt32>, UInt32) -> UInt32
  /// Where it opens: forgets what it has seen.
  var rewind: () -> Void = {}
}

/// The ceiling of the ESP path, beside the cipher alone: packets of all lengths, one SA and 4096 in turn.
func measureESP(rounds: Int, _ wanted: String) throws -> Int32 {
  guard baseline_esp_is_here() != 0 else {
    Console.note("intel-ipsec-mb was not there at build, or this processor cannot: nothing to measure")
    return 0
  }
  let broken = baseline_esp_check()
  guard broken == 0 else {
    Console.note("the baseline does not do its work: esp_check.c:\(broken)")
    return 1
  }
  let started = (ticks: hauberk_ticks(), nanoseconds: hauberk_nanoseconds())
  var cells: [ESPCell] = []
  for sas in [1, 4096] {
    for lengths in ESPLengths.all {
      let directions = [true, false].filter { ESPCell.title(seals: $0, lengths, sas).contains(wanted) }
      if directions.isEmpty { continue }
      guard let frames = ESPFrames(sas: sas, lengths) else {
        Console.note("no memory for \(sas) SAs")
        return 1
      }
      for seals in directions { cells.append(try ESPCell(frames, sas, lengths, seals: seals, rounds: rounds)) }
    }
  }
  let nanosecondsPerTick =
    Double(hauberk_nanoseconds() - started.nanoseconds) / Double(hauberk_ticks() - started.ticks)
  try Console.output(ESPCell.header)
  for cell in cells { try Console.output(cell.lines(nanosecondsPerTick)) }
  // What thousands of SAs in turn cost beside one.
  for many in cells where many.sas > 1 {
    guard let one = cells.first(where: { $0.sas == 1 && $0.lengths == many.lengths && $0.seals == many.seals }) else {
      continue
    }
    let words = [many, one].map { cell in cell.ticks.map(median) }
    try Console.output(
      Format.left(many.title + "beside one: C \(Format.fixed(words[0][many.whole] / words[1][one.whole], 2))", 52)
        + "Hauberk \(Format.fixed(words[0][many.whole + 1] / words[1][one.whole + 1], 2))\n")
  }
  return cells.allSatisfy(\.claimHolds) ? 0 : 1
}

/// One length, one number of SAs, one direction; all contestants in turn.
struct ESPCell {
  let title: String
  let sas: Int
  let lengths: String
  let seals: Bool
  let names: [String]
  /// Ticks per packet, of each contestant, in each round.
  let ticks: [[Double]]

  init(_ frames: ESPFrames, _ sas: Int, _ lengths: ESPLengths, seals: Bool, rounds: Int) throws {
    let contestants = seals ? try Self.sealing(frames, sas) : try Self.opening(frames, sas)
    title = Format.left(Self.title(seals: seals, lengths, sas), 22)
    self.sas = sas
    self.lengths = lengths.name
    self.seals = seals
    names = contestants.map(\.name)
    var ticks = contestants.map { _ in [Double]() }
    // As in other comparisons: who begins changes from round to round, and the first round warms up.
    for round in -1..<rounds {
      for turn in contestants.indices {
        let who = (turn + round + contestants.count) % contestants.count
        let time = try Self.time(contestants[who], frames, seals: seals)
        if round >= 0 { ticks[who].append(time) }
      }
    }
    self.ticks = ticks
  }

  static func title(seals: Bool, _ lengths: ESPLengths, _ sas: Int) -> String {
    "\(seals ? "seal" : "open") \(lengths.name), \(sas) SA\(sas == 1 ? "" : "s")"
  }

  /// The time of all bursts of a pass, and none of what comes before.
  private static func time(_ contestant: ESPContestant, _ frames: ESPFrames, seals: Bool) throws -> Double {
    var spent: UInt64 = 0
    let passes = max(4, frames.passes)
    for pass in 0..<passes {
      if !seals && pass % frames.passes == 0 { contestant.rewind() }
      if seals { frames.restorePlain(pass) } else { frames.restoreSealed(pass) }
      var done: UInt32 = 0
      let start = hauberk_ticks()
      var first = 0
      while first < ESPFrames.count {
        done &+= contestant.burst(frames.frames + first, frames.associations + first, UInt32(BASELINE_BURST))
        first &+= Int(BASELINE_BURST)
      }
      spent &+= hauberk_ticks() &- start
      guard done == ESPFrames.count else {
        throw CommandFailure(.output, "\(contestant.name): \(done) of \(ESPFrames.count) packets")
      }
    }
    return Double(spent) / Double(passes * ESPFrames.count)
  }

  private static func sealing(_ frames: ESPFrames, _ sas: Int) throws -> [ESPContestant] {
    let gateway = frames.gateway, verdicts = verdicts()
    let cipher = ESPContestant(name: "cipher") { baseline_esp_cipher_seal(gateway, $1, $0, $2) }
    let alone = ESPContestant(name: "ESP alone") { frames, _, count in
      baseline_esp_seal_alone(gateway, 0, frames, count, verdicts)
    }
    let whole = ESPContestant(name: "whole path") { frames, _, count in
      baseline_esp_seal(gateway, frames, count, verdicts)
    }
    return (sas == 1 ? [cipher, alone, whole] : [cipher, whole]) + [try ours(frames, gateway, sas, side: 0)]
  }

  /// The pipeline: accept, parse, classify, look up, own, seal or open.
  private static func ours(
    _ frames: ESPFrames, _ baseline: OpaquePointer, _ sas: Int, side: Int
  ) throws -> ESPContestant {
    let gateway = try ESPGateway(baseline, sas: sas, side: side, memory: frames.packets)
    let first = frames.frames, refs = frames.refs
    return ESPContestant(
      name: "Hauberk",
      burst: { frame, _, count in gateway.run(refs + (frame - first), Int(count)) },
      rewind: { gateway.rewind() })
  }

  private static func opening(_ frames: ESPFrames, _ sas: Int) throws -> [ESPContestant] {
    let peer = frames.peer, verdicts = verdicts()
    let rewind = { baseline_esp_rewind(peer) }
    let cipher = ESPContestant(
      name: "cipher", burst: { baseline_esp_cipher_open(peer, $1, $0, $2) }, rewind: rewind)
    let alone = ESPContestant(
      name: "ESP alone", burst: { frames, _, count in baseline_esp_open_alone(peer, 0, frames, count, verdicts) },
      rewind: rewind)
    let whole = ESPContestant(
      name: "whole path", burst: { frames, _, count in baseline_esp_open(peer, frames, count, verdicts) },
      rewind: rewind)
    return (sas == 1 ? [cipher, alone, whole] : [cipher, whole]) + [try ours(frames, peer, sas, side: 1)]
  }

  /// Nobody reads them: `done` says enough. For the life of the process.
  private static func verdicts() -> UnsafeMutablePointer<UInt8> {
    let verdicts = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(BASELINE_BURST))
    verdicts.initialize(repeating: 0, count: Int(BASELINE_BURST))
    return verdicts
  }

  static let header =
    Format.left("C on intel-ipsec-mb", 34) + Format.right("ns", 8) + Format.right("ticks", 8)
    + Format.right("lowest", 8) + Format.right("beyond the cipher", 20) + Format.right("ratio", 8) + "\n"

  /// The contestant that we compare ourselves with; we are the one behind it.
  var whole: Int { names.count - 2 }

  /// Ours beside the same path in C, round by round.
  var ratio: Double { median(zip(ticks[whole + 1], ticks[whole]).map { $0 / $1 }) }

  /// What we claim of one SA.
  var claim: Double? { sas > 1 ? nil : lengths == "64" ? 1.20 : lengths == "1420" ? 1.05 : nil }

  var claimHolds: Bool { claim.map { ratio <= $0 } ?? true }

  private var verdict: String {
    let words = claim.map { " (claim: at most \(Format.fixed($0, 2)): \(claimHolds ? "holds" : "BROKEN"))" } ?? ""
    return Format.right(Format.fixed(ratio, 2), 8) + words
  }

  /// The medians; the lowest in ticks; and the median of what a round's time was above the same round's cipher.
  func lines(_ nanosecondsPerTick: Double) -> String {
    names.indices.map { who in
      let middle = median(ticks[who])
      let beyond = median(zip(ticks[who], ticks[0]).map { $0 - $1 })
      return title + Format.left(names[who], 12) + Format.right(Format.fixed(middle * nanosecondsPerTick, 1), 8)
        + Format.right(Format.fixed(middle, 1), 8) + Format.right(Format.fixed(ticks[who].min() ?? 0, 1), 8)
        + (who == 0 ? "" : Format.right(Format.fixed(beyond, 1), 20)) + (who == whole + 1 ? verdict : "") + "\n"
    }.joined()
  }
}

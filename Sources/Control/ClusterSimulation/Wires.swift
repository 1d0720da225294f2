import Cluster
import ControlKit

/// Everything between units, and how it is at the moment.
struct Wires {
  var loss: UInt64 = 0
  var duplication: UInt64 = 0
  var reordering: Nanoseconds = 0
  var corruption: UInt64 = 0
  var replay: UInt64 = 0
  var lateness: UInt64 = 0
  /// By wire, and by unit to it and from it.
  var wireLoss: [UInt64]
  var lossTo: [Int: UInt64] = [:]
  var lossFrom: [Int: UInt64] = [:]
  /// From unit to unit: the control plane alone is cut.
  var cuts: [Bool] = []
  /// By wire, from unit to unit: nothing gets through, of the data plane neither.
  var rifts: [[Bool]] = []
  /// By wire and segment.
  var hasHosts: [[Bool]]

  init(_ count: Int) {
    wireLoss = Array(repeating: 0, count: count)
    hasHosts = Array(repeating: [true], count: count)
  }

  static let least: Nanoseconds = 40 * .microsecond
  static let most: Nanoseconds = 800 * .microsecond
}

extension Simulation {
  /// Whether a frame gets from one to the other by that wire, if it is not lost.
  func reaches(_ from: Int, _ to: Int, _ wire: Int) -> Bool {
    let one = units[from].plugs[wire]
    let other = units[to].plugs[wire]
    return one.segment == other.segment && !one.isMute && !other.isDeaf
      && !wires.rifts[wire][from * scenario.members + to]
  }

  func reaches(_ from: Int, _ to: Int) -> Bool { wireNumbers.contains { reaches(from, to, $0) } }

  var wireNumbers: Range<Int> { 0..<scenario.wires }

  private mutating func isLost(_ from: Int, _ to: Int, _ wire: Int) -> Bool {
    chance.happens(wires.loss) || chance.happens(wires.wireLoss[wire]) || chance.happens(wires.lossFrom[from] ?? 0)
      || chance.happens(wires.lossTo[to] ?? 0)
  }

  /// By each wire: whichever comes first counts, and the gate refuses the other.
  mutating func send(_ message: Message, to: Int?, term: UInt64, _ unit: Int) {
    units[unit].sequence += 1
    outcome.messages += 1
    var seed = mix(scenario.seed ^ mix(units[unit].incarnation << 32 | units[unit].sequence << 6 | UInt64(unit)))
    let (word, promised) = units[unit].watchwords.take(for: units[unit].sequence, by: Stamp()) {
      seed = mix(seed)
      return Watchword(high: seed, low: mix(~seed))
    }
    let envelope = Envelope(
      type: message.type, sender: UInt16(unit), recipient: to.map { UInt16($0) } ?? Envelope.everyone,
      cluster: Self.cluster, term: term, incarnation: units[unit].incarnation, sequence: units[unit].sequence,
      word: word, promised: promised)
    let message = message.marked(by: units[unit].incarnation)
    for other in units.indices where other != unit {
      // A switch floods what it does not know: frames for another are seen, too, now and then.
      guard to == nil || to == other || chance.happens(1000) else { continue }
      guard !wires.cuts[unit * scenario.members + other] else { continue }
      for wire in wireNumbers where reaches(unit, other, wire) {
        if !isLost(unit, other, wire) { travel(message, envelope, other) }
      }
    }
  }

  private mutating func travel(_ message: Message, _ envelope: Envelope, _ other: Int) {
    let isWhole = scenario.isThorough || chance.happens(20_000)
    let octets = isWhole || wires.corruption > 0 ? envelope.sealed(message.octets, by: Stamp()) : nil
    deliver(message, envelope, isWhole ? octets : nil, other)
    if chance.happens(wires.duplication) { deliver(message, envelope, nil, other) }
    if chance.happens(wires.replay) {
      queue.add(.message(to: other, message, envelope), at: now + chance.between(.millisecond, .second))
    }
    if chance.happens(wires.corruption), var bad = octets {
      bad[Int(chance.between(0, UInt64(bad.count)))] ^= UInt8(1 << chance.between(0, 8))
      queue.add(.octets(to: other, bad), at: now + delay())
    }
  }

  private mutating func deliver(_ message: Message, _ envelope: Envelope, _ octets: [UInt8]?, _ to: Int) {
    let moment = now + delay()
    if let octets {
      queue.add(.octets(to: to, octets), at: moment)
    } else {
      queue.add(.message(to: to, message, envelope), at: moment)
    }
  }

  private mutating func delay() -> Nanoseconds {
    let usual = chance.between(Wires.least, Wires.most)
    if chance.happens(wires.lateness) {
      return chance.between(scenario.profile.detection / 2, 10 * scenario.profile.detection)
    }
    guard wires.reordering > 0, chance.happens(300_000) else { return usual }
    return usual + chance.between(0, wires.reordering)
  }

  // The data plane

  mutating func probe(_ other: Int, _ unit: Int) {
    for wire in wireNumbers where reaches(unit, other, wire) {
      guard !isLost(unit, other, wire) else { continue }
      queue.add(.probe(to: other, from: unit, wire: wire), at: now + chance.between(Wires.least, Wires.most))
    }
  }

  /// By a worker, while its lease lasts, and by the wire on which it was asked.
  mutating func answer(_ from: Int, _ unit: Int, _ wire: Int) {
    guard units[unit].answers(at: now), reaches(unit, from, wire), !isLost(unit, from, wire) else { return }
    queue.add(.answer(to: from, from: unit), at: now + chance.between(Wires.least, Wires.most))
  }

  private func hasHosts(_ unit: Int, _ wire: Int) -> Bool {
    wires.hasHosts[wire][units[unit].plugs[wire].segment] && !units[unit].plugs[wire].isDeaf
  }

  /// Hosts send all the time.
  mutating func hearHosts(_ unit: Int) {
    guard wireNumbers.contains(where: { hasHosts(unit, $0) }),
      now - units[unit].heardAt >= scenario.profile.detection / 8
    else { return }
    units[unit].heardAt = now
    perform(units[unit].control.receive(.heard, now: units[unit].clock.local(now)), unit)
  }

  mutating func listen(_ unit: Int) {
    for wire in wireNumbers {
      let isAnswered =
        hasHosts(unit, wire) && !units[unit].plugs[wire].isMute
        || units.indices.contains {
          $0 != unit && units[$0].state == .running && reaches(unit, $0, wire) && reaches($0, unit, wire)
        }
      guard isAnswered, !chance.happens(wires.loss), !chance.happens(wires.wireLoss[wire]) else { continue }
      queue.add(.heard(unit), at: now + 2 * chance.between(Wires.least, Wires.most))
    }
  }
}

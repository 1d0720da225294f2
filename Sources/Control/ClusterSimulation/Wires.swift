import Cluster
import ControlKit

/// Everything between units, and how it is at the moment.
struct Wires {
  var loss: UInt64 = 0
  var duplication: UInt64 = 0
  var reordering: Nanoseconds = 0
  var corruption: UInt64 = 0
  var replay: UInt64 = 0
  /// From unit to unit: the control plane alone is cut.
  var cuts: [Bool] = []
  /// By segment.
  var hasHosts = [true]

  static let least: Nanoseconds = 40 * .microsecond
  static let most: Nanoseconds = 800 * .microsecond
}

extension Simulation {
  /// Whether a frame gets from one to the other, if it is not lost.
  func reaches(_ from: Int, _ to: Int) -> Bool {
    units[from].segment == units[to].segment && !units[from].isMute && !units[to].isDeaf
  }

  mutating func send(_ message: Message, to: Int?, term: UInt64, _ unit: Int) {
    units[unit].sequence += 1
    outcome.messages += 1
    let envelope = Envelope(
      type: message.type, sender: UInt16(unit), recipient: to.map { UInt16($0) } ?? Envelope.everyone,
      cluster: Self.cluster, term: term, incarnation: units[unit].incarnation, sequence: units[unit].sequence)
    var octets: [UInt8]?
    for other in units.indices where other != unit {
      // A switch floods what it does not know: frames for another are seen, too, now and then.
      guard to == nil || to == other || chance.happens(1000) else { continue }
      guard reaches(unit, other), !wires.cuts[unit * scenario.members + other], !chance.happens(wires.loss) else {
        continue
      }
      let isWhole = scenario.isThorough || chance.happens(20_000)
      if wires.corruption > 0 || isWhole, octets == nil { octets = envelope.sealed(message.octets, by: Stamp()) }
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
    guard wires.reordering > 0, chance.happens(300_000) else { return usual }
    return usual + chance.between(0, wires.reordering)
  }

  // The data plane

  mutating func probe(_ other: Int, _ unit: Int) {
    guard reaches(unit, other), !chance.happens(wires.loss) else { return }
    queue.add(.probe(to: other, from: unit), at: now + chance.between(Wires.least, Wires.most))
  }

  /// By a worker, while its lease lasts.
  mutating func answer(_ from: Int, _ unit: Int) {
    guard units[unit].answers(at: now), reaches(unit, from), !chance.happens(wires.loss) else { return }
    queue.add(.answer(to: from, from: unit), at: now + chance.between(Wires.least, Wires.most))
  }

  /// Hosts send all the time.
  mutating func hearHosts(_ unit: Int) {
    guard wires.hasHosts[units[unit].segment], !units[unit].isDeaf,
      now - units[unit].heardAt >= scenario.profile.detection / 8
    else { return }
    units[unit].heardAt = now
    perform(units[unit].control.receive(.heard, now: units[unit].clock.local(now)), unit)
  }

  mutating func listen(_ unit: Int) {
    let isAnswered =
      wires.hasHosts[units[unit].segment] && !units[unit].isDeaf && !units[unit].isMute
      || units.indices.contains {
        $0 != unit && units[$0].state == .running && reaches(unit, $0) && reaches($0, unit)
      }
    guard isAnswered, !chance.happens(wires.loss) else { return }
    queue.add(.heard(unit), at: now + 2 * chance.between(Wires.least, Wires.most))
  }
}

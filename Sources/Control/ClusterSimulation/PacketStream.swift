import Cluster
import ControlKit

/// Packets of work sets that change hands, each of which every unit of a segment sees: worked on once, or not at all where
/// something has gone wrong, and never twice (X10).
struct PacketStream {
  /// Of sets that somebody has been told to give lately.
  var sets: [Int] = []
  var until: Moment = 0
  var isFlowing = false
  private(set) var count: UInt64 = 0
  private var workers: [UInt64: Int] = [:]

  static let interval: Nanoseconds = 70 * .microsecond
  static let length: Nanoseconds = 20 * .millisecond

  mutating func next() -> UInt64 {
    count += 1
    return count
  }

  /// Who has worked on it before, if anybody.
  mutating func work(_ packet: UInt64, by unit: Int) -> Int? {
    if let other = workers[packet] { return other }
    workers[packet] = unit
    return nil
  }

  var lost: Int { Int(count) - workers.count }
}

extension Simulation {
  /// For as long as handovers take, and a little longer.
  mutating func stream(_ sets: WorkSetBitmap) {
    var all = WorkSetBitmap(stream.until > now ? stream.sets : [])
    all.formUnion(sets)
    stream.sets = []
    all.forEach { stream.sets.append($0) }
    stream.until = now + PacketStream.length
    guard !stream.isFlowing else { return }
    stream.isFlowing = true
    queue.add(.packet, at: now + PacketStream.interval)
  }

  mutating func sendPacket() {
    guard now < stream.until, !stream.sets.isEmpty else {
      stream.isFlowing = false
      return
    }
    queue.add(.packet, at: now + PacketStream.interval)
    let set = stream.sets[Int(chance.between(0, UInt64(stream.sets.count)))]
    let packet = stream.next()
    // One host on the first segment of the first wire: what a unit elsewhere does with another host's is judged apart.
    for unit in units.indices where units[unit].plugs[0].segment == 0 && units[unit].works(at: now) {
      guard units[unit].canForward(from: 0) else { continue }
      if units[unit].running.contains(set) {
        work(packet, unit)
        if units[unit].noting.contains(set) {
          units[unit].notes.append(WorkedPacket(set: UInt16(set), digest: packet))
        }
      } else if units[unit].holding.contains(set) {
        units[unit].held[set, default: []].append(packet)
      }
    }
  }

  private mutating func work(_ packet: UInt64, _ unit: Int) {
    guard let other = stream.work(packet, by: unit), other != unit else { return }
    guard !excuses.holds(unit, other, at: now) else { return }
    violate("\(other) and \(unit) have both worked on packet \(packet)")
  }

  /// What waited, less what the last owner has done.
  mutating func release(_ sets: WorkSetBitmap, _ unit: Int, _ notes: WorkNotes) {
    let done = Set(notes.packets.map(\.digest))
    sets.forEach { set in
      for packet in units[unit].held.removeValue(forKey: set) ?? [] where notes.isComplete && !done.contains(packet) {
        work(packet, unit)
      }
    }
  }
}

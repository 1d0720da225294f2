import Cluster
import Contract
import ControlKit

/// Of a host that stays with one part of a segment when it falls apart.
struct HostPacket {
  var number: UInt64
  var host: Int
  var set: Int
  var at: Moment
  /// Of the unit that lets it wait.
  var fences: Int
}

/// Halves that have hosts of their own become one: packets reach both before their masters have heard each other (X19).
extension Simulation {
  /// One of each host: of the first segment, and of each that was ever cut off from it with hosts.
  mutating func sendHostPackets() {
    guard let interval = scenario.hostsSend, now < scenario.end - min(scenario.end, interval) else { return }
    // Around a merging it matters.
    let isNear = scenario.faults.contains { now + 5 * .millisecond >= $0.end && now < $0.end + 100 * .millisecond }
    queue.add(.hosts, at: now + (isNear ? interval : 10 * interval))
    let set = Int(chance.between(0, UInt64(WorkSets.count)))
    for host in hostParts.indices {
      let number = hostStream.next()
      outcome.hostPackets += 1
      for unit in units.indices where hears(host, unit) && units[unit].works(at: now) {
        guard units[unit].running.contains(set) else { continue }
        judge(HostPacket(number: number, host: host, set: set, at: now, fences: units[unit].fences), unit)
      }
    }
    outcome.hostPacketsLost = hostStream.lost
  }

  /// The units that a host is with whenever the segment is divided; the first host's is everybody else.
  private var hostParts: [[Int]] {
    [[]]
      + scenario.faults.compactMap { fault in
        if case .partition(let part, true, _) = fault.kind { part } else { nil }
      }
  }

  private func hears(_ host: Int, _ unit: Int) -> Bool {
    guard units[unit].canForward(from: 0) else { return false }
    // A host is where one of its part is; the first one's part is nobody's.
    let segment = hostParts[host].first.map { units[$0].plugs[0].segment } ?? 0
    return units[unit].plugs[0].segment == segment
  }

  mutating func judgeNewcomers(_ directive: Directive, _ unit: Int) {
    switch directive {
    case .doubt(let learning, let waiting):
      if isTold { tell("\(unit) doubt") }
      units[unit].doubt = SimulatedUnit.Doubt(since: now, learning: learning, waiting: waiting)
    case .trust:
      if isTold { tell("\(unit) trust") }
      units[unit].doubt = nil
    case .stranger(let until):
      if isTold { tell("\(unit) stranger") }
      units[unit].refusesUntil = max(units[unit].refusesUntil, units[unit].clock.real(until))
    default: return
    }
  }

  private mutating func judge(_ packet: HostPacket, _ unit: Int) {
    guard let doubt = units[unit].doubt, units[unit].hosts[packet.host] != doubt.since else {
      return work(packet, unit)
    }
    if now - doubt.since < doubt.learning, now >= units[unit].refusesUntil {
      units[unit].hosts[packet.host] = doubt.since
      return work(packet, unit)
    }
    queue.add(.waited(unit, packet), at: now + doubt.waiting)
  }

  mutating func workAtLast(_ packet: HostPacket, _ unit: Int) {
    guard units[unit].fences == packet.fences, units[unit].works(at: now), units[unit].running.contains(packet.set),
      packet.at >= units[unit].refusesUntil
    else { return }
    if let doubt = units[unit].doubt { units[unit].hosts[packet.host] = doubt.since }
    work(packet, unit)
  }

  private mutating func work(_ packet: HostPacket, _ unit: Int) {
    guard let other = hostStream.work(packet.number, by: unit), other != unit else { return }
    violate("\(other) and \(unit) have both worked on packet \(packet.number) of host \(packet.host)")
  }
}

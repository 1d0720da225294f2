import CKernel
import Contract

/// What an operator is shown of one SA: once its workers have stopped, or a packet late.
package struct AssociationCounters: Sendable {
  package enum Direction: String, Sendable {
    case outbound = "out"
    case inbound = "in"
  }

  package var name: String
  package var direction: Direction
  package var spi: UInt32
  package var suite: String
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  /// The last number given out, or the highest that was authentic; of a group the highest of any sender.
  package var sequence: UInt64 = 0
  package var window = 0
  /// Control has been told that a successor is wanted.
  package var isEnding = false
  /// Its numbers went with the member that had it, and every packet is refused.
  package var isLost = false
  /// Of a group: work sets in which that is so of senders.
  package var lostSets = 0
  /// How many senders of a group have a window.
  package var senders = 0
  /// Numbers that left the window unseen.
  package var lost: UInt64 = 0
  /// What is left of its life; nil where nothing limits it. Of a group that of the worker who has least.
  package var secondsLeft: UInt64?
  package var packetsLeft: UInt64?
  package var bytesLeft: UInt64?
  /// By reason, those that are not zero.
  package var drops: [(name: String, count: UInt64)] = []
}

extension Associations {
  /// Of `counters()`.
  package var count: Int {
    let groups = description.groups.indices.filter { plan.inboundGroups[$0] != nil }
    return 2 * plan.tunnels.count { $0 != nil } + groups.reduce(0) { $0 + (plan.sites[$1].isEmpty ? 1 : 2) }
  }

  /// The first of them: the last may be one more than `most`.
  package func counters(most: Int = .max) -> [AssociationCounters] {
    var list: [AssociationCounters] = []
    for (number, tunnel) in description.tunnels.enumerated() {
      if list.count >= most { return list }
      guard let security = tunnel.security, let out = plan.tunnels[number], let into = plan.inboundTunnels[number]
      else { continue }
      list.append(outbound(tunnel.name, tunnel.outboundSPI, security.esp, out, workers: 1))
      list.append(inbound(tunnel.name, tunnel.inboundSPI, security.esp, into, workers: 1))
    }
    for (number, group) in description.groups.enumerated() {
      guard let security = group.security, let into = plan.inboundGroups[number] else { continue }
      if let out = plan.sites[number].first {
        list.append(outbound(group.name, group.spi, security.esp, out, workers: workers))
      }
      list.append(inbound(group.name, group.spi, security.esp, into, workers: workers))
    }
    return list
  }

  /// All windows as at the beginning: for measurements, which open the same packets again and again.
  package func forgetReceived() {
    for (number, tunnel) in description.tunnels.enumerated() {
      guard let esp = tunnel.security?.esp, let into = plan.inboundTunnels[number] else { continue }
      let window = UnsafeMutableRawPointer((tables.inbound + into).pointee.state) + InboundState.stride
      _ = ReplayWindow(at: window, size: esp.window, extended: esp.isExtended)
    }
  }

  private func outbound(
    _ name: String, _ spi: UInt32, _ esp: ESPDescription, _ number: Int, workers: Int
  ) -> AssociationCounters {
    var result = AssociationCounters(
      name: name, direction: .outbound, spi: spi, suite: esp.suite.description, window: 0)
    var sum = (exhausted: UInt64(0), over: UInt64(0), nonce: UInt64(0), big: UInt64(0), lost: UInt64(0))
    let sa = (tables.outbound + number).pointee
    if sa.flags.contains(.isTimed) {
      let age = max(0, hauberk_seconds() - tables.epoch.pointee - Int64(sa.state.pointee.origin))
      result.secondsLeft = UInt64(max(0, Int64(sa.hardSeconds) - age))
    }
    for worker in 0..<workers {
      let state = sa.state(of: worker).pointee
      // All 64 bits of numbers last longer than anybody.
      if state.sequence.limit < .max {
        result.packetsLeft = min(result.packetsLeft ?? .max, state.sequence.limit - state.sequence.last)
      }
      if sa.hardBytes < .max {
        result.bytesLeft = min(result.bytesLeft ?? .max, sa.hardBytes - min(sa.hardBytes, state.bytes))
      }
      result.packets += state.packets
      result.bytes += state.bytes
      result.sequence = max(result.sequence, state.sequence.last)
      result.isEnding = result.isEnding || state.isEnding
      result.isLost = result.isLost || state.end == .stateLost
      sum = (
        sum.exhausted + state.exhausted, sum.over + state.overLifetime, sum.nonce + state.withoutNonce,
        sum.big + state.tooBig, sum.lost + UInt64(state.stateLost)
      )
    }
    result.drops = Self.named([
      (.sequenceExhausted, sum.exhausted), (.lifetimeOver, sum.over), (.noSenderID, sum.nonce),
      (.tooBigForPath, sum.big), (.stateLost, sum.lost),
    ])
    return result
  }

  private func inbound(
    _ name: String, _ spi: UInt32, _ esp: ESPDescription, _ number: Int, workers: Int
  ) -> AssociationCounters {
    var result = AssociationCounters(
      name: name, direction: .inbound, spi: spi, suite: esp.suite.description, window: esp.window)
    let sa = (tables.inbound + number).pointee
    var sum = InboundState(), withoutWindow: UInt64 = 0, lost: UInt64 = 0
    for worker in 0..<workers {
      let state = sa.state(of: worker).pointee
      result.packets += state.packets
      result.bytes += state.bytes
      sum.integrity += state.integrity
      sum.replayed += state.replayed
      sum.outsideWindow += state.outsideWindow
      sum.malformed += state.malformed
      sum.selector += state.selector
      withoutWindow += UInt64(state.withoutWindow)
      lost += UInt64(state.stateLost)
    }
    if let senders = sa.senders {
      result.senders = senders.pointee.sendersSeen
      for number in 0..<senders.pointee.sendersSeen {
        let window = senders.pointee.window(number: number)
        if !window.isClosed { result.sequence = max(result.sequence, window.highest) }
        result.lost += window.lost
      }
      result.lostSets = (0..<WorkSets.count).count { senders.pointee.isClosed(UInt16($0)) }
    } else {
      result.isLost = sa.window.isClosed
      if !result.isLost { result.sequence = sa.window.highest }
      result.lost = sa.window.lost
    }
    result.drops =
      Self.named([
        (.integrity, sum.integrity), (.replayed, sum.replayed), (.outsideWindow, sum.outsideWindow),
        (.selectorMismatch, sum.selector), (.noSenderWindow, withoutWindow),
        (.stateLost, lost),
      ]) + (sum.malformed > 0 ? [("malformed", sum.malformed)] : [])
    return result
  }

  private static func named(_ list: [(DropReason, UInt64)]) -> [(name: String, count: UInt64)] {
    list.filter { $0.1 > 0 }.map { ($0.0.name, $0.1) }
  }
}

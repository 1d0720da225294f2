import Cluster
import ControlKit

/// Faults, as a seed has them.
struct FaultMaker {
  let members: Int
  let profile: Profile
  var chance: Jitter
  /// Which of the dead wires are seen to be, and which divisions are one way only: all else of a seed stays what it is.
  private var apart: Jitter
  /// Nil is all.
  private let kinds: [Fault.Name]?
  /// Half of the runs have two, and all of those in which faults are wanted that only two can have.
  let wires: Int
  /// Divided segments, or cuts of the control plane, or both.
  private let divisions: ClosedRange<UInt64>

  /// They begin within that, and are six at most.
  static let usualLength: Nanoseconds = 1200 * .millisecond

  init(members: Int, profile: Profile, chance: Jitter, kinds: [Fault.Name]? = nil) {
    self.members = members
    self.profile = profile
    self.chance = chance
    var seed = chance
    apart = Jitter(seed: mix(seed.next()))
    self.kinds = kinds
    divisions = [0...7, 8...11, 0...11][Int(self.chance.between(0, 3))]
    let needsTwo = kinds?.contains { [.split, .wire, .cable, .unplug].contains($0) } ?? false
    wires = self.chance.happens(500_000) || needsTwo ? 2 : 1
  }

  /// In a longer time there are more of them.
  mutating func faults(within length: Nanoseconds = usualLength) -> [Fault] {
    if let kinds, kinds.isEmpty { return [] }
    let parts = max(1, length / Self.usualLength)
    return (0..<parts).flatMap { part in
      (0..<chance.between(1, 7)).map { _ in
        let begin = Scenario.settled + part * Self.usualLength + chance.between(0, min(length, Self.usualLength))
        // Around the times that decide: a lease, a detection, a succession.
        let most = chance.happens(300_000) ? 10 * profile.detection : 3 * profile.detection
        return Fault(kind(), from: begin, to: begin + chance.between(profile.detection / 10, most))
      }
    }
  }

  private mutating func unit() -> Int { Int(chance.between(0, UInt64(members))) }

  private mutating func kind() -> Fault.Kind {
    if let kinds { return kind(kinds[Int(chance.between(0, UInt64(kinds.count)))]) }
    switch chance.between(0, 20) {
    case 0: return kind(.loss)
    case 1: return kind(.duplication)
    case 2: return kind(.reordering)
    case 3: return kind(.corruption)
    case 4: return kind(.replay)
    case 5, 6: return kind(.stall)
    case 7: return kind(.freeze)
    case 8, 9: return kind(.crash)
    case 10: return kind(.drain)
    case 11: return kind(.delay)
    case 12: return kind(.oneway)
    case 13: return kind(.pause)
    case 14: return kind(chance.happens(500_000) ? .pause : .step)
    default:
      switch chance.between(divisions.lowerBound, divisions.upperBound + 1) {
      case 0: return kind(.deaf)
      case 1: return kind(.mute)
      case 2, 3, 4: return kind(.partition)
      case 5: return kind(wires > 1 ? .split : .partition)
      case 6: return seen(kind(wires > 1 ? .wire : .deaf))
      case 7: return seen(kind(wires > 1 ? .cable : .mute))
      default: return kind(.cut)
      }
    }
  }

  /// Half of them.
  private mutating func seen(_ kind: Fault.Kind) -> Fault.Kind {
    switch kind {
    case .wire(let wire, _): .wire(wire, isSeen: apart.happens(500_000))
    case .cable(let unit, let wire, _): .cable(unit, wire: wire, isSeen: apart.happens(500_000))
    default: kind
    }
  }

  private mutating func kind(_ name: Fault.Name) -> Fault.Kind {
    switch name {
    case .loss: return .loss(chance.between(10_000, 200_000))
    case .duplication: return .duplication(chance.between(10_000, 500_000))
    case .reordering: return .reordering(chance.between(.millisecond, profile.detection))
    case .corruption: return .corruption(chance.between(10_000, 200_000))
    case .replay: return .replay(chance.between(10_000, 200_000))
    case .stall: return .stall(unit(), isWhole: true)
    case .freeze: return .stall(unit(), isWhole: false)
    case .crash: return .crash(unit())
    case .drain: return .drain(unit())
    case .deaf: return .deaf(unit())
    case .mute: return .mute(unit())
    case .delay: return .delay(chance.between(10_000, 300_000))
    case .oneway:
      let rate = chance.between(10_000, 400_000)
      if chance.happens(300_000) { return .wireLoss(Int(chance.between(0, UInt64(wires))), rate) }
      return .unitLoss(unit(), rate, isIncoming: chance.happens(500_000))
    case .wire: return .wire(Int(chance.between(0, UInt64(wires))))
    case .cable: return .cable(unit(), wire: Int(chance.between(0, UInt64(wires))))
    case .unplug:
      let wire = Int(chance.between(0, UInt64(wires)))
      return chance.happens(250_000) ? .wire(wire, isSeen: true) : .cable(unit(), wire: wire, isSeen: true)
    case .pause: return .pause(unit(), clockGoesOn: chance.happens(500_000))
    case .step: return .step(unit(), chance.between(profile.detection / 20, 10 * profile.detection))
    case .partition, .split, .rift:
      var part = (0..<members).filter { _ in chance.happens(500_000) }
      if part.isEmpty { part = [unit()] }
      var wire = name == .split ? Int(chance.between(0, UInt64(wires))) : nil
      if name == .rift, apart.happens(300_000) { wire = Int(apart.between(0, UInt64(wires))) }
      let hasHosts = chance.happens(500_000)
      if name == .rift || kinds == nil && apart.happens(200_000) { return .rift(part, wire: wire) }
      return .partition(part, hasHosts: hasHosts, wire: wire)
    case .cut:
      let one = unit()
      let other = (one + 1 + Int(chance.between(0, UInt64(max(1, members - 1))))) % members
      return .cut(one, other, bothWays: chance.happens(600_000))
    }
  }
}

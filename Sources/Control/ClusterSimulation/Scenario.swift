public import Cluster
public import ControlKit

/// A whole run, which follows from its seed.
public struct Scenario: Sendable {
  public var seed: UInt64
  public var members: Int
  public var profile: Profile
  public var faults: [Fault]
  /// Every fault is over by then.
  public var calm: Moment
  public var end: Moment
  /// All messages as octets through the whole gate, not some of them.
  public var isThorough = false
  /// Measured from then on: how long sets have no owner. It is looked at with every event, and so only if asked for.
  public var measuredFrom: Moment?
  /// Clocks run so much too fast or slow at most.
  public var mostDriftPerMillion: UInt64 = 2000

  /// From the start of the first unit until all faults begin.
  public static let settled: Moment = 1400 * .millisecond
  /// After the last fault, every set has an owner again within so long.
  public static func recovery(_ profile: Profile) -> Nanoseconds { 2 * .second + 5 * profile.detection }
  /// And all sets are dealt evenly, so much later.
  /// In the end nothing may move any more for so long, which is some rounds of balancing.
  static let rest: Nanoseconds = 600 * .millisecond
  public static let balancing: Nanoseconds = 1400 * .millisecond

  public init(seed: UInt64, members: Int, profile: Profile = .normal, faults: [Fault], isThorough: Bool = false) {
    self.seed = seed
    self.members = max(1, min(members, ClusterDescription.mostUnits))
    self.profile = profile
    // So that a run of a few seconds shows that it comes to an end.
    self.profile.balanceInterval = 200 * .millisecond
    self.profile.movesPerRound = 256
    self.faults = faults
    self.isThorough = isThorough
    calm = faults.map(\.end).reduce(Self.settled) { max($0, $1) }
    end = calm + Self.recovery(profile) + Self.balancing
  }

  /// Faults of all kinds, up to six of them at once, as the seed has it.
  public static func random(seed: UInt64, members: Int? = nil, profile: Profile = .normal) -> Scenario {
    var chance = Jitter(seed: mix(seed ^ 0x5ce2_a210))
    // Small clusters have most of the trouble, and are the cheapest.
    let members = members ?? Int(chance.happens(950_000) ? chance.between(2, 6) : chance.between(6, 13))
    var maker = FaultMaker(members: members, profile: profile, chance: chance)
    return Scenario(seed: seed, members: members, profile: profile, faults: maker.faults())
  }
}

struct FaultMaker {
  let members: Int
  let profile: Profile
  var chance: Jitter
  /// A segment that is divided while the control plane is cut elsewhere is out of what the cluster promises: then
  /// nobody could tell two masters of each other when the segment is whole again.
  private let hasCuts: Bool

  init(members: Int, profile: Profile, chance: Jitter) {
    self.members = members
    self.profile = profile
    self.chance = chance
    hasCuts = self.chance.happens(500_000)
  }

  mutating func faults() -> [Fault] {
    (0..<chance.between(1, 7)).map { _ in
      let begin = Scenario.settled + chance.between(0, 1200 * .millisecond)
      // Around the times that decide: a lease, a detection, a succession.
      let most = chance.happens(300_000) ? 10 * profile.detection : 3 * profile.detection
      return Fault(kind(), from: begin, to: begin + chance.between(profile.detection / 10, most))
    }
  }

  private mutating func unit() -> Int { Int(chance.between(0, UInt64(members))) }

  private mutating func kind() -> Fault.Kind {
    switch chance.between(0, 16) {
    case 0: return .loss(chance.between(10_000, 200_000))
    case 1: return .duplication(chance.between(10_000, 500_000))
    case 2: return .reordering(chance.between(.millisecond, profile.detection))
    case 3: return .corruption(chance.between(10_000, 200_000))
    case 4: return .replay(chance.between(10_000, 200_000))
    case 5, 6: return .stall(unit(), isWhole: true)
    case 7: return .stall(unit(), isWhole: false)
    case 8, 9: return .crash(unit())
    case 10: return .drain(unit())
    default: return hasCuts ? cut() : division()
    }
  }

  private mutating func cut() -> Fault.Kind {
    let one = unit()
    let other = (one + 1 + Int(chance.between(0, UInt64(members - 1)))) % members
    return .cut(one, other, bothWays: chance.happens(600_000))
  }

  private mutating func division() -> Fault.Kind {
    switch chance.between(0, 4) {
    case 0: return .deaf(unit())
    case 1: return .mute(unit())
    default:
      var part = (0..<members).filter { _ in chance.happens(500_000) }
      if part.isEmpty { part = [unit()] }
      return .partition(part, hasHosts: chance.happens(500_000))
    }
  }
}

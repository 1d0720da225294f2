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
  /// An inside and an outside: what is said to others goes by both, and is heard once. Or one wire for both.
  public var wires = 1
  /// Clocks run so much too fast or slow at most.
  public var mostDriftPerMillion: UInt64 = 2000
  /// Segments that become one have two clusters until these have merged. With other faults meanwhile it takes its time.
  public var mergesWithin: Nanoseconds
  /// Each segment that has been cut off has a host of its own, which sends so often when it becomes one with others
  /// again, and a tenth of that else: no packet may be worked on twice, by however many halves. Not looked at if nil.
  public var hostsSend: Nanoseconds?
  /// Packets per second by set, where members are to have the same of them; nil where they are to have as many sets.
  public private(set) var loads: [Int]?
  /// In the end nothing may move any more for so long, which is some rounds of balancing.
  private(set) var rest: Nanoseconds = 600 * .millisecond

  /// From the start of the first unit until all faults begin.
  public static let settled: Moment = 1400 * .millisecond
  /// After the last fault, every set has an owner again within so long.
  public static func recovery(_ profile: Profile) -> Nanoseconds { 2 * .second + 5 * profile.detection }
  /// And all sets are dealt evenly, so much later.
  public static let balancing: Nanoseconds = 1400 * .millisecond

  public init(seed: UInt64, members: Int, profile: Profile = .normal, faults: [Fault], isThorough: Bool = false) {
    self.seed = seed
    self.members = max(1, min(members, ClusterDescription.mostUnits))
    self.profile = profile
    // So that a run of a few seconds shows that it comes to an end.
    self.profile.balanceInterval = 200 * .millisecond
    self.profile.movesPerRound = 256
    self.profile.mostLinkPatience = 400 * .millisecond
    self.faults = faults
    self.isThorough = isThorough
    mergesWithin = 4 * profile.detection
    calm = faults.map(\.end).reduce(Self.settled) { max($0, $1) }
    end = calm + Self.recovery(profile) + Self.balancing
  }

  /// Work is shared out by packets. Everything of that is ten times as fast as usual, like balancing itself; means take
  /// their time all the same, and a set that has moved stays for a while.
  public mutating func balanceByPackets() {
    loads = SimulatedLoad.skewed(seed)
    profile.measureInterval = 100 * .millisecond
    profile.measuredOver = .second
    profile.loadRest = 3 * .second
    // Longer than a set stays.
    rest = 4 * .second
    end += 8 * .second
  }

  /// Faults of all kinds, up to six of them at once, as the seed has it.
  public static func random(seed: UInt64, members: Int? = nil, profile: Profile = .normal) -> Scenario {
    var chance = Jitter(seed: mix(seed ^ 0x5ce2_a210))
    // Small clusters have most of the trouble, and are the cheapest.
    let members = members ?? Int(chance.happens(950_000) ? chance.between(2, 6) : large(&chance))
    var maker = FaultMaker(members: members, profile: profile, chance: chance)
    var scenario = Scenario(seed: seed, members: members, profile: profile, faults: maker.faults())
    scenario.wires = maker.wires
    return scenario
  }

  /// One in four hundred has up to as many as there may be.
  private static func large(_ chance: inout Jitter) -> UInt64 {
    chance.happens(50_000) ? chance.between(13, UInt64(ClusterDescription.mostUnits) + 1) : chance.between(6, 13)
  }

  /// Of these kinds alone, or none; over a run of that length.
  public static func random(
    seed: UInt64, members: Int? = nil, profile: Profile? = nil, kinds: [Fault.Name]?, length: Nanoseconds? = nil
  ) -> Scenario {
    let profile = profile ?? usual(seed)
    var scenario = random(seed: seed, members: members, profile: profile)
    let rest = Self.recovery(profile) + Self.balancing
    let troubled = length.map { $0 - min($0, Self.settled + rest) }
    if kinds != nil || troubled != nil {
      var maker = FaultMaker(
        members: scenario.members, profile: profile, chance: Jitter(seed: mix(seed ^ 0x5ce2_a210)), kinds: kinds)
      let faults = maker.faults(within: troubled ?? FaultMaker.usualLength)
      scenario = Scenario(seed: seed, members: scenario.members, profile: profile, faults: faults)
      scenario.wires = maker.wires
    }
    if let length { scenario.end = max(scenario.end, length) }
    return scenario
  }

  /// Two thirds of the tests' seeds are of the one profile, and a third is of the other.
  public static func usual(_ seed: UInt64) -> Profile { seed % 3 == 0 ? .fast : .normal }
}

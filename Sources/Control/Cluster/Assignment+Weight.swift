import ControlKit

/// C16 where load is packets per second: X1's condition for sets that do not weigh the same. A move has to make the more
/// loaded of two members carry less, by more than it costs.
extension Assignment {
  /// What sets weigh from now on.
  mutating func weigh(_ packets: [Int], members: Int) {
    var weights = weights ?? Weights()
    weights.weigh(packets, table, members: members)
    self.weights = weights
  }

  /// One round: packets, then the sets that hardly have any. Returns how many sets move.
  mutating func level(_ eligible: [MemberNumber], most: Int, rest: Nanoseconds, now: Moment) -> Int {
    let round = Round(most: most, rest: rest, now: now)
    let heavy = levelPackets(eligible, round)
    return heavy + levelLight(eligible, round, done: heavy)
  }

  private struct Round {
    var most: Int
    var rest: Nanoseconds
    var now: Moment
  }

  /// The most loaded gives to the least, as long as that helps. One that cannot help itself, because what it has is
  /// too heavy or has moved just now, is left alone, and so is its part of what the others compare with.
  private mutating func levelPackets(_ eligible: [MemberNumber], _ round: Round) -> Int {
    var units = eligible
    var moved = 0
    var isUnderWay = weights?.isLevelling ?? false
    while moved < round.most, units.count > 1, let weights,
      let donor = units.max(by: { weights.rate[Int($0)] < weights.rate[Int($1)] }),
      let receiver = units.min(by: { weights.rate[Int($0)] < weights.rate[Int($1)] })
    {
      let band = isUnderWay ? max(1, weights.band / 4) : weights.band
      let mean = units.reduce(0) { $0 + weights.rate[Int($1)] } / units.count
      let plan = Plan(weights.rate[Int(donor)], weights.rate[Int(receiver)], mean: mean)
      let sets = plan.sets(movable(of: donor, weights.light, isWanted: false, round), weights, least: band)
      if sets.isEmpty {
        units.removeAll { $0 == donor }
        continue
      }
      isUnderWay = true
      for set in sets.prefix(round.most - moved) { shift(set, from: donor, to: receiver, round) }
      moved += min(sets.count, round.most - moved)
    }
    weights?.isLevelling = moved == round.most
    return moved
  }

  /// Sets without packets may have some later: their numbers stay even within a wide bound.
  private mutating func levelLight(_ eligible: [MemberNumber], _ round: Round, done: Int) -> Int {
    var moved = 0
    let all = eligible.reduce(0) { $0 + (weights?.lightSets[Int($1)] ?? 0) }
    let usual = Self.lightSpread(all, members: eligible.count)
    while done + moved < round.most, let weights,
      let donor = eligible.max(by: { weights.lightSets[Int($0)] < weights.lightSets[Int($1)] }),
      let receiver = eligible.min(by: { weights.lightSets[Int($0)] < weights.lightSets[Int($1)] }),
      weights.lightSets[Int(donor)] - weights.lightSets[Int(receiver)]
        > (weights.isLevellingLight || moved > 0 ? 1 : usual),
      let set = movable(of: donor, weights.light, isWanted: true, round).first
    {
      shift(set, from: donor, to: receiver, round)
      moved += 1
    }
    weights?.isLevellingLight = done + moved == round.most
    return moved
  }

  /// By how many light sets members may differ before some move.
  static func lightSpread(_ sets: Int, members: Int) -> Int { max(1, sets / max(1, members) / 4) }

  private func movable(of unit: MemberNumber, _ light: WorkSetBitmap, isWanted: Bool, _ round: Round) -> [Int] {
    let owned = sets(of: unit)
    var sets: [Int] = []
    (isWanted ? owned.intersection(light) : owned.subtracting(light)).forEach { set in
      if weights?.mayMove(set, round.rest, round.now) ?? true { sets.append(set) }
    }
    return sets
  }

  private mutating func shift(_ set: Int, from unit: MemberNumber, to other: MemberNumber, _ round: Round) {
    move(set, from: unit, to: other)
    weights?.note(set, moved: round.now, round.rest)
  }
}

/// What one member gives to another.
private struct Plan {
  let gap: Int
  /// So much would make one of them as the others are, and the other one not too much.
  let target: Int

  init(_ donor: Int, _ receiver: Int, mean: Int) {
    gap = donor - receiver
    target = min(donor - mean, mean - receiver)
  }

  /// By how much the more loaded of both carries less, if so much moves.
  private func gain(_ moved: Int) -> Int { min(moved, gap - moved) }

  /// None where nothing helps by `least`. Many that fit are better than one that almost makes the other one what this
  /// one was: an elephant stays, and others make room for it.
  func sets(_ movable: [Int], _ weights: Weights, least: Int) -> [Int] {
    guard gap >= 2 * least else { return [] }
    var fitting: [Int] = []
    var sum = 0
    for set in weights.ordered(movable) where sum + weights.packets[set] <= target {
      fitting.append(set)
      sum += weights.packets[set]
    }
    // What moves stands still for a moment: that is what it costs.
    func net(_ set: Int) -> Int { gain(weights.packets[set]) - weights.packets[set] / 4 }
    let single = movable.max { net($0) < net($1) }
    if let single, net(single) > gain(sum), gain(weights.packets[single]) >= least { return [single] }
    return gain(sum) >= least ? fitting : []
  }
}

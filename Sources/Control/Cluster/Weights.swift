import Contract
import ControlKit

/// What sets weigh, and what members carry by that: beside the counts of an assignment, where load is packets.
struct Weights: Sendable {
  /// By set, in packets per second.
  private(set) var packets = [Int](repeating: 0, count: WorkSets.count)
  /// Sets so light that all of them together would not be worth a move. These are shared out by number.
  private(set) var light = WorkSetBitmap.all
  /// By unit.
  private(set) var rate: [Int]
  private(set) var lightSets: [Int]
  /// What a unit has to carry more than another before something moves.
  private(set) var band = Self.leastGain
  /// A larger move goes on in the next rounds, to its end.
  var isLevelling = false
  var isLevellingLight = false
  /// By set: when it moved last, and how often it has moved without having stayed eight times as long as it had to.
  private var moved = [(at: Moment, again: UInt8)?](repeating: nil, count: WorkSets.count)

  /// A cluster that has less to do than that has nothing to balance.
  static let leastGain = 256
  /// So often the time is doubled for which a set that has moved stays where it is.
  private static let mostDoublings: UInt8 = 6

  init() {
    rate = Array(repeating: 0, count: ClusterDescription.mostUnits)
    lightSets = Array(repeating: 0, count: ClusterDescription.mostUnits)
  }

  mutating func add(_ set: Int, to unit: MemberNumber) {
    rate[Int(unit)] += packets[set]
    if light.contains(set) { lightSets[Int(unit)] += 1 }
  }

  mutating func take(_ set: Int, from unit: MemberNumber) {
    rate[Int(unit)] -= packets[set]
    if light.contains(set) { lightSets[Int(unit)] -= 1 }
  }

  /// Anew, with what is known now.
  mutating func weigh(_ packets: [Int], _ table: OwnershipTable, members: Int) {
    self.packets = packets
    band = max(Self.leastGain, packets.reduce(0, +) / max(1, members) / 16)
    light = WorkSetBitmap()
    for set in 0..<WorkSets.count where packets[set] * WorkSets.count <= band { light.insert(set) }
    for unit in rate.indices {
      rate[unit] = 0
      lightSets[unit] = 0
    }
    for set in 0..<WorkSets.count where table[set].state != .unassigned { add(set, to: table[set].member) }
  }

  /// A set that has moved stays for a while, and the longer the oftener it has moved: whatever loads do, nothing bounces
  /// for ever.
  func mayMove(_ set: Int, _ rest: Nanoseconds, _ now: Moment) -> Bool {
    moved[set].map { $0.at.age(at: now) >= rest << UInt64($0.again) } ?? true
  }

  mutating func note(_ set: Int, moved now: Moment, _ rest: Nanoseconds) {
    guard let last = moved[set], last.at.age(at: now) < rest << UInt64(last.again + 3) else {
      moved[set] = (now, 0)
      return
    }
    moved[set] = (now, min(last.again + 1, Self.mostDoublings))
  }

  /// Who is to have a set that has to go somewhere.
  func recipient(of set: Int, _ eligible: [MemberNumber], _ load: [Int]) -> MemberNumber? {
    let by = light.contains(set) ? lightSets : rate
    return eligible.min { (by[Int($0)], load[Int($0)]) < (by[Int($1)], load[Int($1)]) }
  }

  /// The heaviest first: the others fill what is left.
  func ordered(_ sets: [Int]) -> [Int] { sets.sorted { (packets[$1], $0) < (packets[$0], $1) } }
}

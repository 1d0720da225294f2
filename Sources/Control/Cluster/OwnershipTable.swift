public import Contract

/// Who owns what, by the word of one master (X12): newer than another by term, then by version; taken over whole.
public struct OwnershipTable: Equatable, Sendable {
  public var term: UInt64
  public var version: UInt64
  /// State in the upper two bits, member below; the fourth state is an assigned set's that was nobody's before.
  private(set) var packed: [UInt8]

  public init(term: UInt64 = 0, version: UInt64 = 0) {
    self.term = term
    self.version = version
    packed = [UInt8](repeating: 0, count: WorkSets.count)
  }

  /// Nil where there are more or fewer than all sets.
  init?(term: UInt64, version: UInt64, packed: [UInt8]) {
    guard packed.count == WorkSets.count else { return nil }
    self.term = term
    self.version = version
    self.packed = packed
  }

  public subscript(set: Int) -> OwnershipEntry {
    get {
      OwnershipEntry(state: OwnershipEntry.State(rawValue: packed[set] >> 6) ?? .assigned, member: packed[set] & 63)
    }
    set { packed[set] = newValue.state.rawValue << 6 | newValue.member & 63 }
  }

  func isNewer(than other: OwnershipTable) -> Bool { (term, version) > (other.term, other.version) }

  /// Assigned to somebody, and never anybody's before.
  mutating func giveFresh(_ set: Int, to unit: MemberNumber) { packed[set] = Self.fresh << 6 | unit & 63 }

  func isFresh(_ set: Int) -> Bool { packed[set] >> 6 == Self.fresh }

  /// The state behind those of an entry.
  private static let fresh: UInt8 = 3

  /// The sets that are a member's without reserve.
  public func sets(of unit: MemberNumber) -> WorkSetBitmap {
    let wanted = OwnershipEntry.State.assigned.rawValue << 6 | unit & 63
    let fresh = Self.fresh << 6 | unit & 63
    var sets = WorkSetBitmap()
    for set in 0..<packed.count where packed[set] == wanted || packed[set] == fresh { sets.insert(set) }
    return sets
  }

  /// On their way to such a member.
  func pending(to isWanted: (MemberNumber) -> Bool) -> WorkSetBitmap {
    var sets = WorkSetBitmap()
    for set in 0..<packed.count where packed[set] >> 6 == OwnershipEntry.State.pending.rawValue {
      if isWanted(packed[set] & 63) { sets.insert(set) }
    }
    return sets
  }

  /// To whom these are on their way, and which to whom.
  func targets(of sets: WorkSetBitmap) -> [(to: MemberNumber, sets: WorkSetBitmap)] {
    var bitmaps: [MemberNumber: WorkSetBitmap] = [:]
    sets.forEach { set in
      let entry = self[set]
      if entry.state == .pending { bitmaps[entry.member, default: WorkSetBitmap()].insert(set) }
    }
    return bitmaps.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

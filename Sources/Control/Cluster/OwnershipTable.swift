public import Contract

/// Who owns what, by the word of one master (X12): newer than another by term, then by version; taken over whole.
public struct OwnershipTable: Equatable, Sendable {
  public var term: UInt64
  public var version: UInt64
  /// State in the upper two bits, member below.
  private(set) var packed: [UInt8]

  public init(term: UInt64 = 0, version: UInt64 = 0) {
    self.term = term
    self.version = version
    packed = [UInt8](repeating: 0, count: WorkSets.count)
  }

  /// Nil where an entry makes no sense.
  init?(term: UInt64, version: UInt64, packed: [UInt8]) {
    guard packed.count == WorkSets.count, packed.allSatisfy({ $0 < 0xc0 }) else { return nil }
    self.term = term
    self.version = version
    self.packed = packed
  }

  public subscript(set: Int) -> OwnershipEntry {
    get {
      OwnershipEntry(state: OwnershipEntry.State(rawValue: packed[set] >> 6) ?? .unassigned, member: packed[set] & 63)
    }
    set { packed[set] = newValue.state.rawValue << 6 | newValue.member & 63 }
  }

  func isNewer(than other: OwnershipTable) -> Bool { (term, version) > (other.term, other.version) }

  /// The sets that are a member's without reserve.
  public func sets(of unit: MemberNumber) -> WorkSetBitmap {
    let wanted = OwnershipEntry.State.assigned.rawValue << 6 | unit & 63
    var sets = WorkSetBitmap()
    for set in 0..<packed.count where packed[set] == wanted { sets.insert(set) }
    return sets
  }
}

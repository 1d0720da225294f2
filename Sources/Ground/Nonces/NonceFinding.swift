/// What the state of a key says, for people.
public struct NonceFinding: Equatable, Sendable {
  public struct Mark: Equatable, Sendable {
    public let id: UInt32
    public let mark: UInt64
  }

  /// How many times it has been opened.
  public let incarnation: UInt64
  /// Of this unit's sender ids that were ever used: no counter below is used again.
  public let marks: [Mark]
  /// Over all sender ids of this unit.
  public let used: UInt64
  public let left: UInt64

  init(_ state: NonceState, _ ids: SenderIDs) {
    incarnation = state.incarnation
    marks = state.records.list.filter { ids.ofUnit.contains($0.id) }.map { Mark(id: $0.id, mark: $0.mark) }
    let used = marks.reduce(UInt64(0)) { $0 &+ $1.mark }
    self.used = used
    left = Self.whole(ids) - used
  }

  /// A unit that has no other beside it has 2^64 less what rounds off.
  public static func whole(_ ids: SenderIDs) -> UInt64 {
    let (whole, overflow) = ids.width.counters.multipliedReportingOverflow(by: UInt64(ids.perUnit))
    return overflow ? .max : whole
  }
}

/// What a member has worked on of sets that it was giving away, for whoever has them next (X10).
public struct HandoverNotes: Hashable, Sendable {
  public var sets: Set<Int>
  /// One for every packet, in no order. A packet that came twice and was worked on twice is here twice.
  public var digests: [UInt64]
  /// Whether none is missing. If one is, nobody can tell what was worked on.
  public var isComplete: Bool

  /// Of one set, and of all that change hands at once.
  public static let mostDigests = 1 << 14
  public static let mostInAll = 4 * mostDigests

  public init(sets: Set<Int>, digests: [UInt64] = [], isComplete: Bool = true) {
    self.sets = sets
    self.digests = digests
    self.isComplete = isComplete
  }
}

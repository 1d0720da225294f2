public import Contract

/// What runs on the cluster and has state of its own (C3, X21). IPsec is one.
public protocol Application {
  /// Asked by the master before a unit becomes a member (C18). One veto is enough.
  mutating func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion
  /// Members that came and went, other than by our own coming and going (C19).
  mutating func joined(_ unit: MemberNumber)
  mutating func left(_ unit: MemberNumber)
  /// What the next owner of a set needs. Nobody works on it any more; nil where there is nothing to carry along.
  mutating func state(of set: Int) -> [UInt8]?
  /// These begin here, and in this way; of those that are carried, `take` follows where there is something to take.
  mutating func begin(_ sets: WorkSetBitmap, _ how: Beginning)
  /// What its last owner had to say, before we begin.
  mutating func take(_ state: [UInt8], of set: Int)
}

extension Application {
  public mutating func begin(_ sets: WorkSetBitmap, _ how: Beginning) {}
}

public enum Opinion: Equatable, Sendable {
  case welcome
  /// Asked again at the unit's next try.
  case undecided
  case veto(String)
}

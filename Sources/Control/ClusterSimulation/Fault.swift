public import ControlKit

/// What goes wrong, and for how long.
public struct Fault: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// Of all frames, in 1/1 000 000.
    case loss(UInt64)
    case duplication(UInt64)
    /// Some frames are so much late.
    case reordering(Nanoseconds)
    case corruption(UInt64)
    /// Some frames come a second time, much later.
    case replay(UInt64)
    /// These units are on a segment of their own, with hosts or without.
    case partition([Int], hasHosts: Bool)
    /// Nothing reaches the unit, or nothing leaves it.
    case deaf(Int)
    case mute(Int)
    /// The control plane alone, between two, both ways or one.
    case cut(Int, Int, bothWays: Bool)
    /// Everything of the process stands still, or its control thread alone.
    case stall(Int, isWhole: Bool)
    /// It ends, and begins a new life when the fault is over.
    case crash(Int)
    case drain(Int)
  }

  public var kind: Kind
  public var begin: Moment
  public var end: Moment

  public init(_ kind: Kind, from begin: Moment, to end: Moment) {
    self.kind = kind
    self.begin = begin
    self.end = max(begin, end)
  }
}

extension Fault: CustomStringConvertible {
  public var description: String { "\(kind) \(Simulation.time(begin)) to \(Simulation.time(end))" }
}

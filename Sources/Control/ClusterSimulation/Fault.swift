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

  /// The kinds as a person names them.
  public enum Name: String, CaseIterable, Sendable {
    case loss, duplication, reordering, corruption, replay, partition, deaf, mute, cut, stall, freeze, crash, drain

    public var meaning: String {
      switch self {
      case .loss: "some frames are lost"
      case .duplication: "some frames come twice"
      case .reordering: "some frames are late, up to a detection time"
      case .corruption: "some frames come changed as well"
      case .replay: "some frames come a second time, up to a second later"
      case .partition: "some units are on a segment of their own, with hosts or without"
      case .deaf: "a unit hears nothing"
      case .mute: "nobody hears a unit"
      case .cut: "two units do not hear each other's control, both or one of them"
      case .stall: "a unit stands still, workers and all"
      case .freeze: "a unit's control stands still, and its workers go on"
      case .crash: "a unit ends, and begins a new life later"
      case .drain: "a unit gives its work away and leaves, and comes back"
      }
    }
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

extension Fault {
  public var name: Name {
    switch kind {
    case .loss: .loss
    case .duplication: .duplication
    case .reordering: .reordering
    case .corruption: .corruption
    case .replay: .replay
    case .partition: .partition
    case .deaf: .deaf
    case .mute: .mute
    case .cut: .cut
    case .stall(_, let isWhole): isWhole ? .stall : .freeze
    case .crash: .crash
    case .drain: .drain
    }
  }

  /// The units that it is about; none where it is about all of them.
  public var units: [Int] {
    switch kind {
    case .loss, .duplication, .reordering, .corruption, .replay: []
    case .partition(let part, _): part
    case .cut(let one, let other, _): [one, other]
    case .deaf(let unit), .mute(let unit), .stall(let unit, _), .crash(let unit), .drain(let unit): [unit]
    }
  }

  /// What a person wants to know of it besides whom and when.
  public var detail: String {
    switch kind {
    case .loss(let rate), .duplication(let rate), .corruption(let rate), .replay(let rate): "\(rate / 10_000) %"
    case .reordering(let most): "by up to \(most / .millisecond) ms"
    case .partition(_, let hasHosts): hasHosts ? "with hosts" : "without hosts"
    case .cut(let one, let other, let bothWays): bothWays ? "both ways" : "from \(one) to \(other)"
    case .deaf, .mute, .stall, .crash, .drain: ""
    }
  }
}

extension Fault: CustomStringConvertible {
  public var description: String {
    let words = [name.rawValue, units.map(String.init).joined(separator: "+"), detail].filter { !$0.isEmpty }
    return "\(words.joined(separator: " ")), \(Simulation.time(begin)) to \(Simulation.time(end))"
  }
}

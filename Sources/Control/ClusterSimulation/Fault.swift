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
    /// Some come for the first time long after they were sent: after leases have ended.
    case delay(UInt64)
    /// Of the frames of one wire alone; of those to one unit, or from it.
    case wireLoss(Int, UInt64)
    case unitLoss(Int, UInt64, isIncoming: Bool)
    /// One of two wires: a switch is dead, or a unit's cable. Units whose links go with it see that, or do not.
    case wire(Int, isSeen: Bool = false)
    case cable(Int, wire: Int, isSeen: Bool = false)
    /// The machine stands still: nothing that comes meanwhile is kept. Its clock goes on, or stands still as well.
    case pause(Int, clockGoesOn: Bool)
    /// The unit's clock shows so much more at once.
    case step(Int, Nanoseconds)
    /// These units are on a segment of their own, with hosts or without: on both wires, or on one.
    case partition([Int], hasHosts: Bool, wire: Int? = nil)
    /// Nothing gets from these units to the others, and everything back: on all wires, or on one.
    case rift([Int], wire: Int?)
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
    case loss, duplication, reordering, corruption, replay, delay, oneway, partition, split, rift, deaf, mute, cut,
      wire, cable, unplug, stall, freeze, pause, step, crash, drain

    public var meaning: String {
      switch self {
      case .loss: "some frames are lost"
      case .duplication: "some frames come twice"
      case .reordering: "some frames are late, up to a detection time"
      case .corruption: "some frames come changed as well"
      case .replay: "some frames come a second time, up to a second later"
      case .delay: "some frames come up to ten detection times late"
      case .oneway: "some frames are lost on one wire, or to one unit, or from it"
      case .partition: "some units are on segments of their own, with hosts or without"
      case .split: "the same on one of two wires"
      case .rift: "nothing gets from some units to the others, and everything back"
      case .deaf: "a unit hears nothing"
      case .mute: "nobody hears a unit"
      case .cut: "two units do not hear each other's control, both or one of them"
      case .wire: "one of two wires is dead"
      case .cable: "a unit has lost one of its two wires"
      case .unplug: "a unit has lost one of its two wires, and sees it; or all units have"
      case .stall: "a unit stands still, workers and all"
      case .freeze: "a unit's control stands still, and its workers go on"
      case .pause: "a machine stands still and takes nothing in; its clock goes on, or not"
      case .step: "a unit's clock goes on by up to ten detection times at once"
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
    case .delay: .delay
    case .wireLoss, .unitLoss: .oneway
    case .partition(_, _, let wire): wire == nil ? .partition : .split
    case .rift: .rift
    case .wire(_, let isSeen): isSeen ? .unplug : .wire
    case .cable(_, _, let isSeen): isSeen ? .unplug : .cable
    case .pause: .pause
    case .step: .step
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
    case .loss, .duplication, .reordering, .corruption, .replay, .delay, .wireLoss, .wire: []
    case .partition(let part, _, _), .rift(let part, _): part
    case .cut(let one, let other, _): [one, other]
    case .deaf(let unit), .mute(let unit), .stall(let unit, _), .crash(let unit), .drain(let unit): [unit]
    case .unitLoss(let unit, _, _), .cable(let unit, _, _), .pause(let unit, _), .step(let unit, _): [unit]
    }
  }

  /// What a person wants to know of it besides whom and when.
  public var detail: String {
    switch kind {
    case .loss(let rate), .duplication(let rate), .corruption(let rate), .replay(let rate), .delay(let rate):
      "\(rate / 10_000) %"
    case .wireLoss(let wire, let rate): "\(rate / 10_000) % of wire \(wire)"
    case .unitLoss(_, let rate, let isIncoming): "\(rate / 10_000) % \(isIncoming ? "to" : "from") it"
    case .wire(let wire, _), .cable(_, let wire, _): "wire \(wire)"
    case .pause(_, let clockGoesOn): clockGoesOn ? "" : "and its clock"
    case .step(_, let by): "by \(by / .millisecond) ms"
    case .reordering(let most): "by up to \(most / .millisecond) ms"
    case .partition(_, let hasHosts, let wire):
      (hasHosts ? "with hosts" : "without hosts") + (wire.map { " on wire \($0)" } ?? "")
    case .rift(_, let wire): wire.map { "on wire \($0)" } ?? ""
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

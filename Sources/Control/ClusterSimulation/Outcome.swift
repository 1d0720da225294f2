public import Cluster
public import ControlKit

/// How a run ended.
public struct Outcome: Sendable {
  /// What must not be; none in a good run.
  public var violations: [String] = []
  /// What happened, for a person, if it was asked for.
  public var transcript: [String] = []
  public var events = 0
  public var messages = 0
  public var terms = 0
  /// From the last fault until every set had an owner again.
  public var recovery: Nanoseconds?
  /// As far as it was measured: the longest time during which some set had no owner, and which sets that were.
  public var gap: Nanoseconds = 0
  public var unserved = WorkSetBitmap()
  /// Each time during which some had none.
  public var outages: [Outage] = []
  /// What a picture shows, if it was asked for.
  public var timeline: Timeline?
  /// Of work sets, by their last owners; and by the next ones, before they began.
  public var statesSent = 0
  public var statesTaken = 0
  /// Of sets that changed hands; and of those, the ones that nobody has worked on.
  public var packets = 0
  public var packetsLost = 0

  /// Of hosts that send all the time (`Scenario.hostsSend`); and of those, the ones that nobody has worked on.
  public var hostPackets = 0
  public var hostPacketsLost = 0

  /// In the end, where work is shared out by packets.
  public var loads: [Load] = []

  /// What a unit carries.
  public struct Load: Equatable, Sendable {
    public var unit: Int
    public var sets: Int
    public var packetsPerSecond: Int
    /// Of its sets.
    public var heaviest: Int
  }

  public var isGood: Bool { violations.isEmpty }
}

/// A time without an owner for some work sets.
public struct Outage: Equatable, Sendable {
  public var begin: Moment
  public var end: Moment
  /// That had none at any moment of it.
  public var sets: WorkSetBitmap
}

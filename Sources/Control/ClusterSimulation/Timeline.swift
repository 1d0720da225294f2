import Cluster
public import ControlKit

/// What each unit was, and whose the work was, from moment to moment of one run.
public struct Timeline: Sendable {
  public enum Role: String, CaseIterable, Sendable {
    case joining, client, master, fenced, standing, gone
  }

  /// A unit was this until its next one.
  public struct State: Equatable, Sendable {
    public var role: Role
    public var term: UInt64
    public var sets: Int
  }

  /// Of one unit, from a moment on.
  public struct Step: Sendable {
    public var moment: Moment
    public var state: State
  }

  /// From a moment on: how many sets each unit works on, and how many nobody.
  public struct Shares: Sendable {
    public var moment: Moment
    public var sets: [Int]
    public var unserved: Int
  }

  public let scenario: Scenario
  public private(set) var steps: [[Step]]
  public private(set) var shares: [Shares] = []
  /// When a term began, and whose it is.
  public private(set) var terms: [(moment: Moment, term: UInt64, unit: Int)] = []
  public private(set) var end: Moment = 0

  init(_ scenario: Scenario) {
    self.scenario = scenario
    steps = Array(repeating: [], count: scenario.members)
  }

  mutating func note(_ state: State, of unit: Int, at moment: Moment) -> Bool {
    guard steps[unit].last?.state != state else { return false }
    let isNewTerm = state.role == .master && state.term > terms.last?.term ?? 0
    if isNewTerm { terms.append((moment, state.term, unit)) }
    steps[unit].append(Step(moment: moment, state: state))
    return true
  }

  mutating func note(_ sets: [Int], unserved: Int, at moment: Moment) {
    if let last = shares.last, last.sets == sets, last.unserved == unserved { return }
    // Of one moment the last word counts.
    if shares.last?.moment == moment { shares.removeLast() }
    shares.append(Shares(moment: moment, sets: sets, unserved: unserved))
  }

  mutating func end(at moment: Moment) { end = moment }
}

extension Simulation {
  mutating func draw() {
    let now = now
    var isNews = false
    for unit in units.indices {
      let state = Timeline.State(
        role: role(of: unit), term: units[unit].control.currentTerm,
        sets: units[unit].works(at: now) ? units[unit].running.count : 0)
      if outcome.timeline?.note(state, of: unit, at: now) == true { isNews = true }
    }
    guard isNews else { return }
    let working = units.map { $0.works(at: now) ? $0.running.count : 0 }
    let nobodys = unserved.count
    outcome.timeline?.note(working, unserved: nobodys, at: now)
  }

  private func role(of unit: Int) -> Timeline.Role {
    switch units[unit].state {
    case .dead: return .gone
    case .stopped, .frozen, .paused: return .standing
    case .running: break
    }
    if units[unit].control.isOutside { return .gone }
    if units[unit].control.isJoining { return .joining }
    // A lease that is over fences, whether control has said so yet or not.
    if !units[unit].answers(at: now) { return .fenced }
    return units[unit].control.isMaster ? .master : .client
  }
}

import ClusterSimulation
import ControlKit
import Testing

@Suite("What a picture shows is what happened")
struct TimelineTests {
  private func run() throws -> (Scenario, Outcome, Timeline) {
    let begin = Scenario.settled + 300 * .millisecond
    var scenario = Scenario(
      seed: 5, members: 3, faults: [Fault(.crash(0), from: begin, to: begin + 500 * .millisecond)])
    scenario.measuredFrom = Scenario.settled
    let outcome = Simulation.run(scenario, isDrawn: true)
    return (scenario, outcome, try #require(outcome.timeline))
  }

  @Test("At every moment every set is somebody's or nobody's, and outages are where it is nobody's")
  func shares() throws {
    let (scenario, outcome, timeline) = try run()
    #expect(outcome.isGood && timeline.end == scenario.end)
    for share in timeline.shares { #expect(share.sets.reduce(0, +) + share.unserved == 1024) }
    #expect(timeline.shares.last?.unserved == 0 && timeline.shares.last?.sets.allSatisfy { $0 >= 341 } == true)
    let begins = timeline.shares.filter { $0.unserved > 0 && $0.moment >= Scenario.settled }.map(\.moment)
    for outage in outcome.outages { #expect(begins.contains(outage.begin)) }
    #expect(outcome.outages.first?.begin == scenario.faults[0].begin)
    #expect(outcome.outages.map { $0.end - $0.begin }.max() == outcome.gap)
  }

  @Test("A unit that dies is gone from then on, until it joins again")
  func lanes() throws {
    let (scenario, _, timeline) = try run()
    let roles = timeline.steps[0].filter { $0.moment >= scenario.faults[0].begin }
    #expect(roles.first?.moment == scenario.faults[0].begin && roles.first?.state.role == .gone)
    #expect(roles.dropFirst().first?.moment == scenario.faults[0].end)
    #expect(roles.dropFirst().first?.state.role == .joining && roles.last?.state.role == .client)
    #expect(timeline.terms.count >= 1 && timeline.terms.map(\.term) == timeline.terms.map(\.term).sorted())
  }
}

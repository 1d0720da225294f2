import Cluster
import ClusterSimulation
import ControlKit
import Testing

@Suite("What a death costs, and whom")
struct OutageTests {
  /// Three members share the work evenly when one of them dies for good, each time at another moment between keepalives.
  private func deaths(of isVictim: (Int) -> Bool, _ profile: Profile) -> [Outcome] {
    (1...10 as ClosedRange<UInt64>).map { seed in
      let victim = (0..<3).first(where: isVictim) ?? 0
      let begin = Scenario.settled + 200 * .millisecond + seed * 3_700_000
      var scenario = Scenario(
        seed: seed, members: 3, profile: profile,
        faults: [Fault(.crash(victim), from: begin, to: begin + .second)])
      scenario.measuredFrom = begin - .millisecond
      scenario.end = begin + 400 * .millisecond
      return Simulation.run(scenario)
    }
  }

  @Test("A member's share is away for less than is promised, and nobody else's for a moment", arguments: [0, 1, 2])
  func death(_ victim: Int) {
    for (profile, most) in [(Profile.normal, 200), (.fast, 40)] as [(Profile, UInt64)] {
      let outcomes = deaths(of: { $0 == victim }, profile)
      let gaps = outcomes.map(\.gap).sorted()
      #expect(gaps[5] <= most * .millisecond, "\(gaps.map { $0 / .microsecond })")
      #expect(gaps[9] <= most * .millisecond * 5 / 4, "\(gaps.map { $0 / .microsecond })")
      #expect(gaps[0] > 0)
      #expect(outcomes.allSatisfy { $0.isGood && $0.unserved.count <= 342 }, "\(outcomes.map(\.unserved.count))")
    }
  }

  @Test("A drain costs moments, and of few sets at a time")
  func drain() {
    for seed in 1...10 as ClosedRange<UInt64> {
      let begin = Scenario.settled + .second
      var scenario = Scenario(
        seed: seed, members: 3, faults: [Fault(.drain(Int(seed % 3)), from: begin, to: begin + 600 * .millisecond)])
      scenario.measuredFrom = begin
      let outcome = Simulation.run(scenario)
      #expect(outcome.isGood)
      #expect(outcome.gap <= 12 * .millisecond, "\(outcome.gap)")
      // What had state took it along.
      #expect(outcome.statesSent > 20 && outcome.statesTaken == outcome.statesSent)
    }
  }

  @Test("Nobody takes over falsely at 5 % loss, in half a minute with the fast profile")
  func falseVerdicts() {
    for seed in 1...2 as ClosedRange<UInt64> {
      let begin = Scenario.settled + .second
      var scenario = Scenario(
        seed: seed, members: 3, profile: .fast, faults: [Fault(.loss(50_000), from: begin, to: begin + 15 * .second)])
      scenario.measuredFrom = begin
      scenario.end = begin + 15 * .second
      let outcome = Simulation.run(scenario)
      #expect(outcome.isGood && outcome.terms == 1, "\(outcome.terms) terms")
      #expect(outcome.unserved.isEmpty, "\(outcome.gap / .microsecond) µs of \(outcome.unserved.count)")
    }
  }
}

import Cluster
import ClusterSimulation
import ControlKit
import Testing

@Suite("Two halves, each with hosts of its own, that become one again (C12, X16, X19)")
struct MergeTests {
  @Test("Until their masters have heard each other, both work: for a tenth of a detection time, not a keepalive's")
  func soon() {
    for seed in 1...30 as ClosedRange<UInt64> {
      let members = 3 + Int(seed % 3)
      let begin = Scenario.settled + 200 * .millisecond + seed * 3_700_000
      let half = Fault.Kind.partition(Array(0...Int(seed % 2)), hasHosts: true)
      var scenario = Scenario(
        seed: seed, members: members, faults: [Fault(half, from: begin, to: begin + 1500 * .millisecond)])
      scenario.mergesWithin = scenario.profile.detection / 10
      let outcome = Simulation.judge(scenario)
      let last = outcome.transcript.suffix(40).joined(separator: "\n")
      #expect(outcome.isGood && outcome.terms > 1, "\(seed): \(outcome.violations)\n\(last)")
    }
  }
}

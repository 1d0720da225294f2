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
      scenario.hostsSend = 100 * .microsecond
      let outcome = Simulation.judge(scenario)
      let last = outcome.transcript.suffix(40).joined(separator: "\n")
      #expect(outcome.isGood && outcome.terms > 1, "\(seed): \(outcome.violations)\n\(last)")
      // The half without a master is away for some 800 ms, and the smaller one for a moment when they meet.
      #expect(outcome.hostPacketsLost < outcome.hostPackets / 2 && outcome.hostPackets > 5000, "\(seed)")
    }
  }

  @Test("No packet of a host of either half is worked on twice, though words are lost, and by either profile")
  func once() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let profile: Profile = seed % 2 == 0 ? .fast : .normal
      let begin = Scenario.settled + 200 * .millisecond + seed * 3_700_000
      let end = begin + 1500 * .millisecond
      let half = Fault.Kind.partition(Array(0...Int(seed % 2)), hasHosts: true)
      let members = 3 + Int(seed % 4)
      var scenario = Scenario(
        seed: seed, members: members, profile: profile,
        faults: [
          Fault(half, from: begin, to: end),
          Fault(.loss(50_000), from: begin, to: end + 300 * .millisecond),
          // Each unit in turn goes meanwhile, whatever its office is: who follows it has to know that somebody is missing.
          Fault(.drain(Int(seed / 2) % members), from: begin + 1200 * .millisecond, to: end + 20 * .millisecond),
        ])
      scenario.hostsSend = 100 * .microsecond
      let outcome = Simulation.judge(scenario)
      let last = outcome.transcript.suffix(40).joined(separator: "\n")
      #expect(outcome.isGood && outcome.hostPackets > 3000, "\(seed): \(outcome.violations)\n\(last)")
    }
  }
}

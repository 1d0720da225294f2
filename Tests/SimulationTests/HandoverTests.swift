import Cluster
import ClusterSimulation
import ControlKit
import Testing

@Suite("While nothing goes wrong, nothing is lost where work changes hands (X10)")
struct HandoverTests {
  @Test(
    "A unit drains, leaves and comes back, under packets of all that moves", arguments: 1...8 as ClosedRange<UInt64>)
  func drains(_ seed: UInt64) {
    let members = Int(2 + seed % 4)
    let leaving = Fault(.drain(Int(seed) % members), from: 2500 * .millisecond, to: 3000 * .millisecond)
    let scenario = Scenario(seed: seed, members: members, profile: seed % 2 == 0 ? .fast : .normal, faults: [leaving])
    let outcome = Simulation.run(scenario)
    #expect(outcome.violations.isEmpty)
    #expect(outcome.packets > 500 && outcome.packetsLost == 0, "\(outcome.packetsLost) of \(outcome.packets)")
    #expect(outcome.statesSent > 0 && outcome.statesSent == outcome.statesTaken)
  }
}

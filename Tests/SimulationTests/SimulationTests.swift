import Cluster
import ClusterSimulation
import ControlKit
import Glibc
import Testing

@Suite("Whole clusters keep their rules, whatever goes wrong")
struct SimulationTests {
  /// More of them, from another beginning: HAUBERK_SEEDS=1000-11000.
  private static let seeds: ClosedRange<UInt64> = {
    let bounds = (unsafe getenv("HAUBERK_SEEDS")).map { unsafe String(cString: $0) }?.split(separator: "-").compactMap {
      UInt64($0)
    }
    guard let bounds, bounds.count == 2, bounds[0] <= bounds[1] else {
      return 1...(unsafe getenv("HAUBERK_BRIEF_TESTS") == nil ? 200 : 20)
    }
    return bounds[0]...bounds[1]
  }()

  @Test(
    "Two to twelve members, up to six faults at once, from one seed after another", arguments: 0..<8 as Range<UInt64>)
  func seeds(_ part: UInt64) {
    for seed in Self.seeds where seed % 8 == part {
      let outcome = Simulation.judge(.random(seed: seed, profile: seed % 3 == 0 ? .fast : .normal))
      #expect(outcome.isGood, "\(report(seed, outcome))")
    }
  }

  @Test("The same, where members are to have the same of packets", arguments: 0..<4 as Range<UInt64>)
  func packets(_ part: UInt64) {
    for seed in Self.seeds.prefix(Self.seeds.count / 5) where seed % 4 == part {
      var scenario = Scenario.random(seed: seed, profile: seed % 3 == 0 ? .fast : .normal)
      scenario.balanceByPackets()
      let outcome = Simulation.judge(scenario)
      #expect(outcome.isGood, "\(report(seed, outcome))")
      #expect(!outcome.loads.isEmpty)
    }
  }

  @Test("Every message as octets through the whole gate")
  func octets() {
    for seed in 1...3 as ClosedRange<UInt64> {
      var scenario = Scenario.random(seed: seed, members: 3)
      scenario.isThorough = true
      let outcome = Simulation.judge(scenario)
      #expect(outcome.isGood, "\(report(seed, outcome))")
    }
  }

  @Test("The same seed is the same run, to the last word")
  func repeatable() {
    let scenario = Scenario.random(seed: 42, members: 4)
    let one = Simulation.run(scenario, isTold: true)
    let other = Simulation.run(scenario, isTold: true)
    #expect((one.transcript == other.transcript) == true)
    #expect(one.transcript.count > 1000)
  }

  private func report(_ seed: UInt64, _ outcome: Outcome) -> String {
    "seed \(seed): \(outcome.violations.joined(separator: "; "))\n"
      + outcome.transcript.suffix(80).joined(separator: "\n")
  }
}

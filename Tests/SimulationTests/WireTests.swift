import Cluster
import ClusterSimulation
import ControlKit
import Testing

@Suite("Two wires: what is said goes by both")
struct WireTests {
  private func run(_ kind: Fault.Kind, members: Int = 3, seed: UInt64, lasts: Nanoseconds = 500 * .millisecond)
    -> Outcome
  {
    let begin = Scenario.settled + 200 * .millisecond + seed * 3_700_000
    var scenario = Scenario(seed: seed, members: members, faults: [Fault(kind, from: begin, to: begin + lasts)])
    scenario.wires = 2
    return Simulation.run(scenario, isTold: true)
  }

  @Test("One of the two dies, for all or for any one unit, and nobody changes office or loses its place")
  func oneOfTwo() {
    for seed in 1...6 as ClosedRange<UInt64> {
      for kind in [.wire(0), .wire(1), .cable(Int(seed % 3), wire: Int(seed % 2))] as [Fault.Kind] {
        let outcome = run(kind, seed: seed)
        #expect(outcome.isGood && outcome.terms == 1, "\(kind): \(outcome.violations)")
        #expect(!outcome.transcript.contains { $0.hasSuffix(" fence") }, "\(kind)")
      }
    }
  }

  @Test("One of the two is divided, and all are one cluster still")
  func divided() {
    for seed in 1...6 as ClosedRange<UInt64> {
      let outcome = run(.partition([Int(seed % 4), 3], hasHosts: true, wire: Int(seed % 2)), members: 4, seed: seed)
      #expect(outcome.isGood && outcome.terms == 1, "\(outcome.violations)")
    }
  }

  @Test("With one wire alone, the same is the end of the segment for a while, and it comes together again")
  func oneOfOne() {
    let begin = Scenario.settled + 200 * .millisecond
    let scenario = Scenario(
      seed: 1, members: 3, faults: [Fault(.wire(0), from: begin, to: begin + 500 * .millisecond)])
    let outcome = Simulation.run(scenario, isTold: true)
    #expect(outcome.isGood && outcome.transcript.contains { $0.hasSuffix(" fence") })
  }
}

@Suite("A machine that stands still")
struct PauseTests {
  @Test("With its clock: what it does afterwards is over when what was left of its lease is", arguments: [0, 1, 2])
  func pause(_ unit: Int) {
    for seed in 1...5 as ClosedRange<UInt64> {
      for clockGoesOn in [true, false] {
        let begin = Scenario.settled + 200 * .millisecond + seed * 3_700_000
        let fault = Fault(
          .pause(unit, clockGoesOn: clockGoesOn), from: begin, to: begin + (20 + seed * 37 % 400) * .millisecond)
        let outcome = Simulation.judge(Scenario(seed: seed, members: 3, faults: [fault]))
        #expect(
          outcome.isGood, "\(fault): \(outcome.violations)\n\(outcome.transcript.suffix(40).joined(separator: "\n"))")
      }
    }
  }

  @Test(
    "A clock that stood still with its machine is told by nothing: others have the work, and so has it, for a moment")
  func frozenClock() {
    // As master it hears of its successor when it goes on; the rule that excuses that moment is needed.
    let begin = Scenario.settled + 200 * .millisecond
    let fault = Fault(.pause(0, clockGoesOn: false), from: begin, to: begin + 400 * .millisecond)
    let outcome = Simulation.run(Scenario(seed: 1, members: 3, faults: [fault]), isTold: true)
    let woken = outcome.transcript.firstIndex { $0.contains("OVER pause") } ?? 0
    #expect(outcome.isGood && outcome.transcript[woken...].contains { $0.hasSuffix("0 fence") })
  }
}

@Suite("Each kind of fault by itself")
struct KindTests {
  @Test("Some seeds of it", arguments: Fault.Name.allCases)
  func kind(_ kind: Fault.Name) {
    for seed in 1...2 as ClosedRange<UInt64> {
      let scenario = Scenario.random(seed: seed, kinds: [kind])
      let outcome = Simulation.judge(scenario)
      #expect(outcome.isGood, "seed \(seed): \(outcome.violations)")
      #expect(scenario.faults.allSatisfy { $0.name == kind || $0.name == .partition }, "\(scenario.faults)")
    }
  }
}

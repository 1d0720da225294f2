@testable import CLI
import Cluster
import ClusterSimulation
import ControlKit
import Testing

@Suite struct SimulateOptionsTests {
  @Test func `without words it is the tests' run of the first seed`() throws {
    let options = try SimulateOptions([])
    #expect(options.isOne && options.seeds == 1...1 && options.members == nil && options.profile == nil)
    #expect(options.faults == nil && options.seconds == nil && options.timeline == nil)
    #expect(!options.transcript && !options.json)
    for seed in [1, 2, 3] as [UInt64] {
      let theirs = Scenario.random(seed: seed, profile: Scenario.usual(seed))
      let ours = options.scenario(seed)
      #expect(ours.loads == nil)
      #expect(ours.faults == theirs.faults && ours.members == theirs.members && ours.end == theirs.end)
    }
  }

  @Test func `every option arrives`() throws {
    let options = try SimulateOptions([
      "--seed", "42", "--members", "5", "--faults", "crash,loss", "--seconds", "20", "--profile", "fast", "--timeline",
      "t.svg", "--transcript", "--json",
    ])
    #expect(options.seeds == 42...42 && options.members == 5 && options.faults == [.crash, .loss])
    #expect(options.seconds == 20 && options.profile == .fast && options.timeline == "t.svg")
    #expect(options.transcript && options.json)
    let scenario = options.scenario(42)
    #expect(scenario.members == 5 && scenario.profile.detection == 20 * .millisecond && scenario.end == 20 * .second)
    #expect(Set(scenario.faults.map(\.name)) == [.crash, .loss])
    // A longer run has more of them, as late as there is time to recover.
    #expect(scenario.faults.count > 12 && scenario.calm > 14 * .second && scenario.calm < 17 * .second)
    let packets = try SimulateOptions(["--balance", "packets"]).scenario(1)
    let sets = try SimulateOptions(["--balance", "sets"]).scenario(1)
    #expect(packets.loads?.count == 1024 && sets.loads == nil && packets.faults == sets.faults)
    let many = try SimulateOptions(["--seeds", "5-9", "--faults", "none"])
    #expect(!many.isOne && many.seeds == 5...9 && many.scenario(5).faults.isEmpty)
  }

  @Test(arguments: [
    ["1"], ["--seed", "x"], ["--seed", "-1"], ["--seeds", "1"], ["--seeds", "9-5"], ["--seeds", "1-2-3"],
    ["--seeds", ""], ["--seed", "1", "--seeds", "1-2"], ["--members", "0"], ["--members", "65"], ["--seconds", "5"],
    ["--seconds", "601"], ["--profile", "slow"], ["--balance", "even"], ["--faults", "crsh"], ["--faults", ""],
    ["--faults", "crash,"],
    ["--seeds", "1-2", "--timeline", "x"], ["--seeds", "1-2", "--transcript"],
  ])
  func `contradictions and bad values are refused`(_ words: [String]) {
    let sentence = complaint { () throws(CommandFailure) in try SimulateOptions(words) }
    #expect(sentence != nil && sentence?.contains("\n") == false)
  }
}

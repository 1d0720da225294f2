import Testing

/// `hauberk doctor` on this machine.
@Suite struct DoctorCommandTests {
  @Test func `a port that is not there is wrong`() throws {
    let run = Program.run("doctor", "--device", "nowhere0")
    #expect(run.code == 1)
    #expect(run.text.contains("wrong   nowhere0: there is no such device") && run.text.contains("  $ ip -brief link\n"))
  }

  @Test func `the code says whether something is wrong, and programs read the same`() throws {
    let run = Program.run("doctor", "--json")
    let json = try #require(run.json)
    let wrong = try #require(json["wrong"] as? Int)
    #expect(run.code == (wrong > 0 ? 1 : 0))
    let findings = try #require(json["findings"] as? [[String: Any]])
    #expect(findings.count { $0["level"] as? String == "wrong" } == wrong)
    #expect(findings.contains { $0["topic"] as? String == "engine" && $0["seen"] as? String != "" })
  }

  @Test func `two configurations are refused`() {
    let run = Program.run("doctor", "one.yaml", "two.yaml")
    #expect(run.code == 2 && run.isOneSentence)
  }
}

import Foundation
import PacketMaking
import Testing

/// `hauberk classify`: one line a packet, and of one opinion with `replay`.
@Suite struct ClassifyCommandTests {
  struct Line: Equatable {
    var number: Int
    var set: Int
    var reason: String

    init?(_ text: Substring) {
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      guard parts.count == 3, let number = Int(parts[0]), let set = Int(parts[1]) else { return nil }
      self.number = number
      self.set = set
      reason = String(parts[2])
    }
  }

  static func lines(_ run: Run) throws -> [Line] {
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(run.text.hasSuffix("\n"))
    return try run.lines.dropLast().map { try #require(Line($0), "\($0)") }
  }

  @Test(arguments: [[], ["--hash", "compat"], ["--cluster-ip", Host.bob, "--cluster-ip", Host.bob6]])
  func `lines are number, work set, reason, for every packet`(_ options: [String]) throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let lines = try Self.lines(Program.run(["classify", input] + options))
    #expect(lines.map(\.number) == Array(1...2000))
    #expect(lines.allSatisfy { ($0.set == -1) != $0.reason.isEmpty })
    #expect(lines.allSatisfy { (-1...1023).contains($0.set) })
    #expect(
      lines.contains { $0.set == -1 } && Set(lines.map(\.set)).count > (options == ["--hash", "compat"] ? 1 : 50))
  }

  @Test func `a header line on request`() {
    let run = Program.run("classify", "--csv")
    #expect(run.lines.first == "number,workset,reason")
    #expect(run.lines.dropFirst() == Program.run("classify").lines[...])
  }

  @Test func `known answers`() throws {
    let folder = Folder()
    let flow = ipv4(.udp, from: "10.1.0.1", to: "10.2.0.1", udp(from: 5001, to: 5001))
    let back = ipv4(.udp, from: "10.2.0.1", to: "10.1.0.1", udp(from: 5001, to: 5001))
    let frames = [ethernet(.ipv4, flow), ethernet(.arp, arp()), tagged(1, .ipv4, back), [1, 2, 3]]
    let input = folder.write("in.pcap", pcapFile(frames.map { Record(0, 0, $0) }))
    #expect(Program.run("classify", input).text == "1,506,\n2,-1,arp\n3,506,\n4,-1,frameTooShort\n")
    let key = ["--key", "000102030405060708090a0b0c0d0e0f"]
    #expect(Program.run(["classify", input] + key).text == "1,875,\n2,-1,arp\n3,875,\n4,-1,frameTooShort\n")
    // 0a010001 ^ 0a020001 = 00030000, whose ten-bit groups are 0, 000, 0c0 and 000: 192.
    #expect(Program.run("classify", input, "--hash", "compat").text == "1,192,\n2,-1,arp\n3,192,\n4,-1,frameTooShort\n")
    // To a cluster address: 0a010001 ^ 1389 = 0a011388 = 0 | 0a0 | 044 | 388, together 36c = 876.
    let cluster = Program.run("classify", input, "--hash", "compat", "--cluster-ip", "10.2.0.1")
    #expect(cluster.text == "1,876,\n2,-1,arp\n3,192,\n4,-1,frameTooShort\n")
  }

  @Test(arguments: [[], ["--hash", "compat", "--cluster-ip", Host.bob], ["--filter", "ip"]])
  func `replay drops for the same reasons and uses the same sets`(_ options: [String]) throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let lines = try Self.lines(Program.run(["classify", input] + options))
    let run = Program.run(["replay", input, "--json", "--plain"] + options)
    let reasons = lines.filter { $0.set == -1 }.reduce(into: [String: Int]()) { $0[$1.reason, default: 0] += 1 }
    #expect(run.drops == reasons)
    #expect(run.count("packets", "in") == lines.count)
    let sets = (run.json?["workSets"] as? [String: Any])?["used"] as? Int
    #expect(sets == Set(lines.map(\.set)).subtracting([-1]).count)
  }

  /// Sets are dealt in turn, so member i of 3 owns those that leave i.
  @Test func `a member keeps exactly the packets of its sets`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let lines = try Self.lines(Program.run("classify", input))
    let run = Program.run("replay", input, "--members", "3", "--member", "2", "--out", folder.path("out.pcap"))
    #expect(run.code == 0)
    let expected = zip(lines, Samples.mixed).filter { $0.0.set >= 0 && $0.0.set % 3 == 2 }.map(\.1)
    expectSame(pcapRecords(folder.read("out.pcap")) ?? [], expected)
  }

  @Test func `a configuration's addresses and MACs hold for both commands`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let config = folder.write(
      "hauberk.yaml",
      text(
        """
        unit: { mac: "\(Host.bobMAC)" }
        cluster:
          addresses: [\(Host.bob)]
          key: "000102030405060708090a0b0c0d0e0f"

        """))
    let lines = try Self.lines(Program.run("classify", input, "--config", config))
    #expect(lines.contains { $0.reason == "foreignMAC" } && lines.contains { $0.set >= 0 })
    let run = Program.run("replay", input, "--json", "--config", config)
    #expect(run.drops?["foreignMAC"] == lines.filter { $0.reason == "foreignMAC" }.count)
    // The command line has the last word.
    let other = try Self.lines(
      Program.run("classify", input, "--config", config, "--key", "00000000000000000000000000000000"))
    #expect(other.map(\.set) != lines.map(\.set) && other.map(\.reason) == lines.map(\.reason))
  }
}

import Foundation
import PacketMaking
import Testing

/// `hauberk replay`, from outside: what goes in comes out or is counted.
@Suite struct ReplayCommandTests {
  @Test func `without arguments it plays the shipped capture and prints a summary`() {
    let run = Program.run("replay")
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(run.text.contains("the embedded sample (Ethernet)"))
    #expect(run.text.contains("packets") && run.text.contains("work sets") && run.text.contains("dropped"))
  }

  @Test func `without arguments the program shows how it is used, as an error`() {
    let run = Program.run()
    #expect(run.code == 2 && run.output.isEmpty && run.error.contains("Usage:"))
    for arguments in [
      ["help"], ["--help"], ["replay", "--help"], ["help", "classify"], ["help", "audit"], ["audit", "-h"], ["version"],
    ] {
      let run = Program.run(arguments)
      #expect(run.code == 0 && run.error.isEmpty && run.text.contains("hauberk"))
    }
  }

  @Test(arguments: [1, 2, 4])
  func `JSON is one object, and its numbers add up`(_ workers: Int) throws {
    let run = Program.run(
      "replay", Samples.shippedPath, "--json", "--workers", "\(workers)", "--members", "3", "--member", "1")
    #expect(run.code == 0 && run.error.isEmpty)
    let json = try #require(run.json)
    let drops = try #require(run.drops)
    let packetsIn = try #require(run.count("packets", "in")), packetsOut = try #require(run.count("packets", "out"))
    #expect(packetsIn == Samples.shipped.count)
    #expect(run.count("bytes", "in") == Samples.shipped.reduce(0) { $0 + $1.octets.count })
    #expect(packetsIn == packetsOut + drops.values.reduce(0, +))
    #expect(drops["notMine", default: 0] > 0 && drops["arp"] == 117)
    #expect(run.count("bytes", "out")! > 0)
    let sets = try #require(json["workSets"] as? [String: Any])
    let perMember = try #require(sets["perMember"] as? [Int])
    #expect(perMember.count == 3 && perMember.reduce(0, +) == sets["used"] as? Int)
    #expect(json["workers"] as? Int == workers)
    #expect(try #require(json["seconds"] as? Double) > 0)
    #expect(try #require(json["packetsPerSecond"] as? Double) > 0)
    #expect(json["truncated"] as? Bool == false)
  }

  @Test func `the output is the input less what was dropped, octet for octet`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let run = Program.run("replay", input, "--plain", "--out", folder.path("out.pcap"), "--json")
    let kept = try #require(pcapRecords(folder.read("out.pcap")))
    #expect(kept.count == run.count("packets", "out"))
    #expect(kept.reduce(0) { $0 + $1.octets.count } == run.count("bytes", "out"))
    // In order: each is found behind the one before.
    var rest = Samples.mixed[...]
    for record in kept {
      guard let place = rest.firstIndex(of: record) else {
        Issue.record("a packet that was not in the input, or is out of order")
        break
      }
      rest = rest[(place + 1)...]
    }
  }

  @Test func `workers, ways of dealing and repetitions do not change the output`() {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let ways = [
      ["--workers", "1"], ["--workers", "1"], ["--workers", "2"], ["--workers", "2", "--deal", "turn"],
      ["--workers", "4", "--deal", "turn"], ["--rate", "1e6"],
    ]
    let outputs = ways.map { way in
      #expect(Program.run(["replay", input, "--out", folder.path("out.pcap")] + way).code == 0)
      return folder.read("out.pcap")
    }
    #expect(outputs[0].count > 10_000)
    for output in outputs.dropFirst() { expectSame(output, outputs[0]) }
  }

  @Test(arguments: ["", "ipv6=50", "ipv6=100,size=100", "size=64-1518"])
  func `generated traffic is the same in every run`(_ spec: String) {
    let folder = Folder()
    let outputs = [["1", "owner"], ["2", "owner"], ["2", "turn"], ["1", "owner"]].map { way in
      let run = Program.run(
        "replay", "--generate", "packets=20000,\(spec)", "--workers", way[0], "--deal", way[1], "--out",
        folder.path("out.pcap"), "--json")
      #expect(run.code == 0 && run.count("packets", "out") == 20_000)
      return folder.read("out.pcap")
    }
    for output in outputs { expectSame(output, outputs[0]) }
  }

  @Test(arguments: ["keyed", "compat"])
  func `three members part the work: together everything, none of it twice`(_ hash: String) throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    func play(_ member: String...) throws -> [Record] {
      let arguments = ["replay", input, "--members", "3", "--hash", hash, "--out", folder.path("out.pcap")] + member
      #expect(Program.run(arguments).code == 0)
      return try #require(pcapRecords(folder.read("out.pcap")))
    }
    let whole = try play()
    let parts = try (0..<3).map { try play("--member", "\($0)") }
    #expect(parts.allSatisfy { !$0.isEmpty })
    #expect(parts.map(\.count).reduce(0, +) == whole.count)
    // Frames may repeat, so they are counted and not only looked for.
    func counts(_ records: [Record]) -> [Record: Int] { records.reduce(into: [:]) { $0[$1, default: 0] += 1 } }
    let isWhole = counts(parts.flatMap { $0 }) == counts(whole)
    #expect(isWhole)
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
      #expect(Set(parts[one].map(\.octets)).isDisjoint(with: parts[other].map(\.octets)))
    }
  }

  @Test func `254 neighbouring flows use one set in compat and a few hundred in keyed`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.flows(254)))
    func used(_ hash: String) -> Int? {
      let run = Program.run("replay", input, "--json", "--hash", hash)
      return (run.json?["workSets"] as? [String: Any])?["used"] as? Int
    }
    #expect(used("compat") == 1)
    // 225 ± 4.6 for a random function.
    #expect((198...252).contains(try #require(used("keyed"))))
  }

  @Test func `what the filter excludes is not there at all`() throws {
    let folder = Folder()
    let run = Program.run(
      "replay", Samples.shippedPath, "--filter", "udp port 53", "--json", "--out", folder.path("out.pcap"))
    let kept = try #require(pcapRecords(folder.read("out.pcap")))
    #expect(run.count("packets", "in")! > 100 && run.count("packets", "in")! < Samples.shipped.count)
    #expect(run.drops?["arp"] == nil)
    #expect(kept.allSatisfy { $0.octets[12] == 0x08 || $0.octets[12] == 0x86 })
  }

  @Test func `a loop of three is three times the same`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let once = Program.run("replay", input, "--json", "--out", folder.path("one.pcap"))
    let thrice = Program.run("replay", input, "--json", "--loop", "3", "--out", folder.path("three.pcap"))
    #expect(thrice.count("packets", "in") == 3 * once.count("packets", "in")!)
    #expect(thrice.count("bytes", "out") == 3 * once.count("bytes", "out")!)
    let one = try #require(pcapRecords(folder.read("one.pcap")))
    expectSame(pcapRecords(folder.read("three.pcap")) ?? [], one + one + one)
    let generated = Program.run("replay", "--generate", "packets=100", "--loop", "3", "--json")
    #expect(generated.count("packets", "in") == 300)
  }

  @Test func `a dash is standard input or output`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    #expect(Program.run("replay", input, "--out", folder.path("out.pcap")).code == 0)
    let run = Program.run("replay", "-", "--out", "-", input: input)
    #expect(run.code == 0)
    expectSame(run.output, folder.read("out.pcap"))
    // The summary goes where it does no harm.
    #expect(run.error.contains("standard input") && run.error.contains("packets"))
  }

  @Test func `gzip and pcapng are read like plain pcap`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.mixed))
    let copy = folder.write("copy.pcap", pcapFile(Samples.mixed))
    try #require(Program.tool("gzip", copy) == 0)
    let big = folder.write("big.pcap", pcapFile(order: FileOrder(isBig: true), Samples.mixed))
    let next = folder.write("in.pcapng", pcapngFile(Samples.mixed))
    let outputs = [input, copy + ".gz", big, next].map { path in
      #expect(Program.run("replay", path, "--out", folder.path("out.pcap")).code == 0)
      return folder.read("out.pcap")
    }
    expectSame(outputs[1], outputs[0])
    // In the other byte order the file's snapshot length is the same, so all of it is.
    expectSame(outputs[2], outputs[0])
    // pcapng may count nanoseconds, so its output does.
    let inNanoseconds = pcapRecords(outputs[0])?.map {
      Record($0.seconds, $0.fraction * 1000, $0.octets, wireLength: $0.wireLength)
    }
    #expect(outputs[3][0] == 0x4d)
    var micro = outputs[3]
    micro.replaceSubrange(0..<4, with: outputs[0][0..<4])
    expectSame(pcapRecords(micro) ?? [], inNanoseconds ?? [])
  }

  @Test func `a traced packet's story ends in what became of it`() {
    let folder = Folder()
    let input = folder.write(
      "in.pcap",
      pcapFile([
        Record(7, 5, ethernet(.ipv4, ipv4(.udp, udp(text("hello"))))), Record(8, 0, ethernet(.arp, arp())),
        Record(9, 0, ethernet(.ipv4, ipv4(.tcp, tcp()))),
      ]))
    let run = Program.run("replay", input, "--trace", "2")
    #expect(run.code == 0)
    #expect(run.text.contains("packet 1\n") && run.text.contains("time 7.000005000"))
    #expect(run.text.contains("IPv4 192.0.2.1 > 198.51.100.2") && run.text.contains("UDP 4000 > 5000, 5 bytes"))
    #expect(run.text.contains("packet 2\n") && run.text.contains("dropped as arp"))
    #expect(!run.text.contains("packet 3\n"))
    // Beside JSON the stories go to standard error.
    let machine = Program.run("replay", input, "--trace", "2", "--json")
    #expect(machine.json != nil && machine.error.contains("packet 2\n"))
  }

  @Test func `faults are injected, counted, and the balance holds`() throws {
    let faults = "truncate=0.05,flip=0.05,duplicate=0.05,reorder=0.05,drop=0.05,seed=9"
    let folder = Folder()
    let outputs = try ["1", "2"].map { workers in
      let run = Program.run(
        "replay", Samples.shippedPath, "--faults", faults, "--workers", workers, "--json", "--out", folder.path("o"))
      let counts = try #require(run.json?["faults"] as? [String: Int])
      #expect(counts.values.allSatisfy { $0 > 50 } && counts.count == 5)
      #expect(run.count("packets", "in") == Samples.shipped.count - counts["dropped"]! + counts["duplicated"]!)
      #expect(run.count("packets", "in") == run.count("packets", "out")! + run.drops!.values.reduce(0, +))
      return folder.read("o")
    }
    expectSame(outputs[0], outputs[1])
  }
}

import Foundation
import PacketMaking
import Testing

/// `hauberk audit`: exit codes, the table, the JSON, and other people's captures.
@Suite struct AuditCommandTests {
  /// An ESP packet to the cluster whose payload says which it is.
  static func packet(_ sequence: UInt32, iv: UInt64? = nil, spi: UInt32 = 0x1000, _ what: String = "") -> [UInt8] {
    let sealed = text("packet \(sequence) \(what) and as much again")
    return ipv4(.esp, to: Host.cluster, esp(spi: spi, sequence: sequence, iv: big(iv ?? UInt64(sequence)), sealed))
  }

  static func capture(_ packets: [[UInt8]]) -> [UInt8] {
    pcapFile(packets.map { Record(1_700_000_000, 0, ethernet(.ipv4, $0)) })
  }

  static let sound = [1, 2, 2, 5].map { packet($0) } + [ipv4(.udp, udp(to: 4500, [0xff]))]
  static let repeating = sound + [packet(6, iv: 5)]

  static func streams(_ run: Run) -> [[String: Any]] { run.json?["streams"] as? [[String: Any]] ?? [] }

  @Test func `a sound capture: code 0, and what was seen`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", Self.capture(Self.sound))
    let run = Program.run("audit", input)
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(run.text.contains("5, of which 4 audited") && run.text.contains("no --config says otherwise"))
    #expect(
      run.text.contains("\(Host.cluster)  0x00001000       -        4     1   5        2      1           1        0"))
    #expect(run.text.contains("1 keepalives"))
    let machine = Program.run("audit", "-", "--json", input: input)
    #expect(machine.code == 0 && machine.error.isEmpty && machine.json?["audited"] as? Int == 4)
    #expect(machine.json?["notAudited"] as? [String: Int] == ["keepalives": 1])
    #expect(machine.json?["configured"] as? Bool == false && machine.json?["truncated"] as? Bool == false)
    let stream = try #require(Self.streams(machine).first)
    #expect(stream["destination"] as? String == Host.cluster && stream["spi"] as? String == "0x00001000")
    #expect(stream["senderID"] is NSNull && stream["assumed"] as? Bool == true)
    for (name, value) in ["packets": 4, "lowest": 1, "highest": 5, "missing": 2, "holes": 1, "duplicates": 1] {
      #expect(stream[name] as? Int == value, "\(name)")
    }
  }

  @Test func `a repeat: code 1, after the report`() throws {
    let folder = Folder()
    let input = folder.write("in.pcap", Self.capture(Self.repeating))
    let run = Program.run("audit", input)
    #expect(run.code == 1 && run.isOneSentence && run.error.contains("first in packet 6"))
    #expect(run.error.contains("0x00001000") && run.error.contains(Host.cluster))
    #expect(run.text.contains("IV 0000000000000005, SPI 0x00001000, to \(Host.cluster)"))
    #expect(run.text.contains("packet 4, sequence number 5; again packet 6, sequence number 6"))
    let machine = Program.run("audit", "--json", input)
    #expect(machine.code == 1 && machine.error == run.error && machine.json?["repeats"] as? Int == 1)
    let first = try #require((machine.json?["firstRepeats"] as? [[String: Any]])?.first)
    #expect(first["iv"] as? String == "0000000000000005" && first["packet"] as? Int == 6)
    #expect(first["firstPacket"] as? Int == 4 && first["firstSequence"] as? Int == 5)
  }

  @Test func `a capture that ends early: code 5 after the report, or 1 if that is worse`() {
    let folder = Folder()
    for (packets, code) in [(Self.sound, 5), (Self.repeating, 1)] as [([[UInt8]], Int32)] {
      let input = folder.write("cut.pcap", Array(Self.capture(packets + [Self.packet(9)]).dropLast(3)))
      let run = Program.run("audit", input)
      #expect(run.code == code && run.isOneSentence && run.text.contains("ends early"))
      #expect(run.text.contains("\(packets.count), of which"))
      #expect(Program.run("audit", input, "--json").json?["truncated"] as? Bool == true)
    }
  }

  @Test func `a configuration names senders, and is named where it says nothing`() throws {
    let folder = Folder()
    let packets = [1, 2].flatMap { sender in
      (1...3).map { Self.packet($0, iv: sender << 56 | UInt64($0), spi: 0x2000, "\(sender)") }
    }
    let input = folder.write("in.pcap", Self.capture(packets))
    let config = folder.write(
      "hauberk.yaml", text("cluster: { addresses: [\(Host.cluster)] }\ngroups: [{ spi: 0x2000, senderIDBits: 8 }]\n"))
    let run = Program.run("audit", input, "--config", config, "--json")
    #expect(run.code == 0 && run.json?["configured"] as? Bool == true)
    #expect(Self.streams(run).map { $0["senderID"] as? Int } == [1, 2])
    #expect(Self.streams(run).allSatisfy { $0["packets"] as? Int == 3 && $0["assumed"] as? Bool == false })
    #expect(!Program.run("audit", input, "--config", config).text.contains("assumed"))
    let other = folder.write("other.pcap", Self.capture(Self.sound + packets))
    #expect(Program.run("audit", other, "--config", config).text.contains("no such SPI: 1 of the rows"))
    let wrong = folder.write("wrong.yaml", text("groups: [{ spi: 1 }]\n"))
    #expect(RefusalTests.refused(["audit", input, "--config", wrong], code: 6).contains("wrong.yaml:1:"))
  }

  @Test func `a filter leaves packets out`() {
    let folder = Folder()
    let input = folder.write("in.pcap", Self.capture(Self.repeating))
    #expect(Program.run("audit", input, "--filter", "udp", "--json").json?["packets"] as? Int == 1)
    #expect(Program.run("audit", input, "--filter", "udp").text.contains("there is no ESP"))
    RefusalTests.refused(["audit", input, "--filter", "udp and and"], code: 2)
  }

  @Test func `the table stays readable with the longest of addresses`() {
    let folder = Folder()
    let long = "2001:db8:1111:2222:3333:4444:5555:6666"
    let frames = (1...3).map { number in
      ethernet(.ipv6, ipv6(.esp, to: long, esp(spi: .max, sequence: .max - 3 + number, iv: big(UInt64(7)), [1])))
    }
    let run = Program.run("audit", folder.write("in.pcap", pcapFile(frames.map { Record(0, 0, $0) })))
    #expect(run.code == 1 && run.lines.dropFirst().allSatisfy { $0.count <= 130 })
  }

  static let captures = CaptureCollectionTests.captures.filter { $0.hasPrefix("esp/") }

  @Test(.enabled(if: !captures.isEmpty, "there is no ../shared/captures"), arguments: captures)
  func `every ESP capture of the collection is audited`(_ name: String) {
    let run = Program.run("audit", CaptureCollectionTests.folder + "/" + name, "--json")
    #expect([0, 1, 5].contains(run.code), "\(run.error)")
    #expect(run.code == 0 ? run.error.isEmpty : run.isOneSentence)
    #expect((run.code == 1) == (run.json?["repeats"] as? Int ?? 0 > 0))
    let counted = (run.json?["notAudited"] as? [String: Int])?.values.reduce(0, +) ?? -1
    #expect(run.json?["packets"] as? Int == (run.json?["audited"] as? Int ?? -1) + counted)
    // Both count their IVs, as they must.
    if name.contains("/strongswan") || name.contains("/secgw") {
      #expect(run.code == 0 && run.json?["audited"] as? Int ?? 0 >= 70)
    }
  }
}

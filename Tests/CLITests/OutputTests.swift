@testable import CLI
import Contract
import Foundation
import Testing

@Suite struct OutputTests {
  @Test func `numbers are grouped by threes`() {
    for (number, text) in [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1 000"), (1_234_567, "1 234 567"),
      (UInt64.max, "18 446 744 073 709 551 615"),
    ] as [(UInt64, String)] { #expect(Format.grouped(number) == text) }
  }

  @Test func `decimals are rounded, and small ones keep their zeros`() {
    for (number, places, text) in [
      (0.0, 2, "0.00"), (0.005, 2, "0.01"), (1.999, 2, "2.00"), (0.04, 1, "0.0"), (-0.04, 1, "0.0"), (-1.25, 1, "-1.3"),
      (12.0, 0, "12"), (0.5, 0, "1"), (1e17, 0, "100000000000000000"), (.infinity, 2, "-"), (.nan, 2, "-"),
    ] as [(Double, Int, String)] { #expect(Format.fixed(number, places) == text) }
    #expect(!Format.fixed(1e300, 2).isEmpty)
  }

  @Test func `big numbers get a prefix, times a unit, shares a sign`() {
    #expect(Format.scaled(0) == "0.00" && Format.scaled(999) == "999")
    #expect(Format.scaled(999, "packet/s") == "999 packet/s" && Format.scaled(1500, "bit/s") == "1.50 kbit/s")
    #expect(Format.scaled(1500) == "1.50 k" && Format.scaled(12_300_000) == "12.30 M" && Format.scaled(2e9) == "2.00 G")
    #expect(Format.seconds(0.0000012) == "1 µs" && Format.seconds(0.25) == "250.0 ms" && Format.seconds(3) == "3.00 s")
    #expect(Format.percent(1, of: 3) == "33.3 %" && Format.percent(1, of: 0) == "-")
  }

  @Test func `bars are as long as their share`() {
    #expect(Format.bar(0, width: 8).isEmpty && Format.bar(1, width: 8) == "████████")
    #expect(Format.bar(0.5, width: 3) == "█▌" && Format.bar(2, width: 2) == "██" && Format.bar(-1, width: 2).isEmpty)
    #expect(Format.left("ab", 4) == "ab  " && Format.right("ab", 4) == "  ab" && Format.right("abcde", 4) == "abcde")
  }

  @Test func `JSON escapes what it must, and keeps its order`() throws {
    let odd = "quote \" slash \\ tab \t line \n return \r bell \u{7} delete \u{7f} ümlaut 🐎 "
    let text = JSON.object([
      ("z", .string(odd)), ("a", .array([.integer(.max), .bool(true), .null, .number(.infinity), .number(0.5)])),
      (odd, .object([])), ("e", .array([])),
    ]).text
    let parsed = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(parsed["z"] as? String == odd)
    #expect(parsed[odd] is [String: Any])
    let list = try #require(parsed["a"] as? [Any])
    #expect(list[0] as? UInt64 == .max && list[1] as? Bool == true && list[2] is NSNull && list[3] is NSNull)
    #expect(list[4] as? Double == 0.5)
    #expect(text.firstRange(of: "\"z\"")!.lowerBound < text.firstRange(of: "\"a\"")!.lowerBound)
  }

  static var result: ReplayResult {
    var result = ReplayResult()
    result.source = "a \"capture\""
    result.link = "Ethernet"
    result.packetsIn = 1000
    result.packetsOut = 700
    result.bytesIn = 64_000
    result.bytesOut = 44_800
    result.drops = [(.arp, 100), (.notMine, 200)]
    result.workSetsUsed = 12
    result.members = [MemberShare(), MemberShare()]
    result.members[0].packets = 700
    result.members[0].workSets = 8
    result.members[1].packets = 200
    result.members[1].workSets = 4
    result.member = 0
    result.seconds = 2
    result.ticksPerSecond = 2e9
    var worker = WorkerResult()
    worker.processor = 3
    worker.packets = 1000
    worker.crossedIn = 17
    worker.stages = [("parse", 5000)]
    result.workers = [worker]
    result.dealer = [("reading", 10), ("writing", 30)]
    result.faults = [("flipped", 5)]
    result.truncation = "it ends early"
    return result
  }

  @Test func `the JSON of a replay has its documented members`() throws {
    let data = Data(Self.result.json.text.utf8)
    let parsed = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(parsed["packets"] as? [String: Int] == ["in": 1000, "out": 700, "made": 0, "consumed": 0])
    #expect(parsed["bytes"] as? [String: Int] == ["in": 64_000, "out": 44_800])
    #expect(parsed["drops"] as? [String: Int] == ["arp": 100, "notMine": 200])
    let sets = try #require(parsed["workSets"] as? [String: Any])
    #expect(sets["used"] as? Int == 12 && sets["perMember"] as? [Int] == [8, 4])
    #expect(parsed["seconds"] as? Double == 2 && parsed["packetsPerSecond"] as? Double == 500)
    #expect(parsed["workers"] as? Int == 1 && parsed["truncated"] as? Bool == true)
  }

  @Test func `a replay of no time has no rate, and is still JSON`() throws {
    let data = Data(ReplayResult().json.text.utf8)
    let parsed = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(parsed["packetsPerSecond"] as? Double == 0)
    #expect(!ReplaySummary(ReplayResult()).text.isEmpty)
  }

  @Test func `the summary tells what a person wants to know`() {
    let text = ReplaySummary(Self.result).text
    for part in [
      "a \"capture\" (Ethernet)", "1 000 packets", "64 000 bytes", "700 packets", "12 of 1024", "77.8 %", "22.2 %",
      DropReason.arp.meaning, DropReason.notMine.meaning, "5 flipped", "worker 0, cpu 3", "17 came from other workers",
      "75.0 %", "it ends early", "only member 0's packets were kept", "every MAC address",
    ] { #expect(text.contains(part), "\(part)") }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
  }

  static var audit: AuditResult {
    var stream = StreamResult()
    stream.destination = "2001:db8:1111:2222:3333:4444:5555:6666"
    stream.spi = 0x1234
    stream.senderID = 65_535
    (stream.packets, stream.lowest, stream.highest) = (1_234_567, 4_294_967_295, 4_296_201_900)
    (stream.missing, stream.holes, stream.duplicates, stream.repeats, stream.sameIVs) = (39, 5, 6, 12, 7)
    var result = AuditResult()
    result.source = "a \"capture\""
    result.link = "Ethernet"
    result.hasConfiguration = true
    result.packets = 1_234_570
    result.notAudited = [("ike", "a meaning", 3)]
    result.streams = [stream]
    result.firstRepeats = [
      RepeatResult(stream: stream, iv: 0xab, packet: 12, sequence: 8, firstPacket: 3, firstSequence: 7)
    ]
    result.truncation = "it ends early"
    return result
  }

  @Test func `the summary of an audit tells what a person wants to know`() {
    let text = AuditSummary(Self.audit).text
    for part in [
      "a \"capture\" (Ethernet)", "1 234 570, of which 1 234 567 audited", "0x00001234", "65535", "4296201900",
      "the first 1 of 12", "IV 00000000000000ab", "packet 3, sequence number 7; again packet 12, sequence number 8",
      "same IV", "3 ike", "a meaning", "it ends early",
    ] { #expect(text.contains(part), "\(part)") }
    #expect(!text.contains("assumed"))
    #expect(AuditSummary(AuditResult()).text.contains("there is no ESP to audit"))
  }

  @Test func `what an audit complains of names the keys to replace`() {
    #expect(AuditResult().complaint == nil)
    let complaint = Self.audit.complaint ?? ""
    #expect(complaint.contains("12 times, first in packet 12") && complaint.contains("SPI 0x00001234 to 2001:db8"))
    #expect(!complaint.contains("AES-CBC"))
    var assumed = Self.audit
    assumed.firstRepeats[0].stream.isAssumed = true
    #expect(assumed.complaint?.contains("unless its cipher is AES-CBC") == true)
  }

  @Test func `the JSON of an audit has its documented members`() throws {
    let parsed = try #require(
      JSONSerialization.jsonObject(with: Data(Self.audit.json.text.utf8)) as? [String: Any])
    #expect(
      parsed["repeats"] as? Int == 12 && parsed["duplicates"] as? Int == 6 && parsed["audited"] as? Int == 1_234_567)
    #expect(parsed["notAudited"] as? [String: Int] == ["ike": 3] && parsed["truncated"] as? Bool == true)
    let stream = try #require((parsed["streams"] as? [[String: Any]])?.first)
    #expect(
      stream["sameIVs"] as? Int == 7 && stream["senderID"] as? Int == 65_535 && stream["spi"] as? String == "0x00001234"
    )
    #expect(stream["counterMode"] as? Bool == true && stream["ivBytes"] as? Int == 8)
  }

  @Test func `exit codes are small, distinct and in the help`() {
    let codes = ExitCode.allCases.map(\.rawValue)
    #expect(Set(codes).count == codes.count && codes.allSatisfy { (0...99).contains($0) })
    #expect(codes.filter { $0 == 0 }.count == 1)
    for page in [Help.overview, Help.replay, Help.audit] {
      for code in ExitCode.allCases { #expect(page.contains("\(code.rawValue)  \(code.meaning)")) }
    }
  }

  @Test func `help lists every option, in lines that fit a terminal`() {
    for option in ReplayOptions.options {
      #expect(Help.replay.contains(option.name) && Help.replay.contains(option.help))
    }
    for option in ClassifyOptions.options { #expect(Help.classify.contains(option.name)) }
    for option in AuditOptions.options { #expect(Help.audit.contains(option.name) && Help.audit.contains(option.help)) }
    for page in [Help.overview, Help.replay, Help.classify, Help.audit] {
      #expect(page.split(separator: "\n").allSatisfy { $0.count <= 110 })
    }
  }
}

@testable import CLI
import Contract
import Testing

@Suite struct OptionTests {
  private func refusal(_ words: String...) -> String? {
    complaint { () throws(CommandFailure) in try ReplayOptions(words) }
  }

  @Test func `without words, one member plays the sample as fast as it can`() throws {
    let options = try ReplayOptions([])
    #expect(options.capture == nil && options.out == nil && options.config == nil && options.generate == nil)
    #expect(options.members == 1 && options.member == nil && options.workers == nil && options.loops == 1)
    #expect(options.hash == nil && options.key == nil && options.clusterAddresses.isEmpty && options.filter == nil)
    #expect(options.rate == .asFastAsPossible && options.trace == 0 && !options.json && !options.dealsInTurn)
    #expect(options.faults.isEmpty)
  }

  @Test func `every option arrives`() throws {
    let options = try ReplayOptions([
      "in.pcap", "--out", "o", "--config", "c", "--workers", "3", "--members", "4", "--member", "2", "--hash", "compat",
      "--key", "000102030405060708090a0b0c0d0e0F", "--cluster-ip", "10.0.0.1", "--cluster-ip", "::1", "--filter",
      "udp", "--rate", "2.5e3", "--loop", "7", "--trace", "9", "--faults", "flip=0.5,seed=3", "--deal", "turn",
      "--json",
    ])
    #expect(options.capture == "in.pcap" && options.out == "o" && options.config == "c" && options.workers == 3)
    #expect(options.members == 4 && options.member == 2 && options.hash == .compat)
    #expect(options.key == WorkSetKey(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f))
    #expect(options.clusterAddresses == ["10.0.0.1", "::1"] && options.filter == "udp")
    #expect(options.rate == .packetsPerSecond(2500) && options.loops == 7 && options.trace == 9)
    #expect(options.faults.flip == 0.5 && options.faults.seed == 3 && options.faults.drop == 0)
    #expect(options.dealsInTurn && options.json)
    #expect(try ReplayOptions(["--rate", "original"]).rate == .original)
    #expect(try ReplayOptions(["--rate", "asap", "--deal", "owner"]).rate == .asFastAsPossible)
  }

  @Test(arguments: [
    ["a", "b"], ["--workers", "0"], ["--workers", "65"], ["--members", "0"], ["--members", "65"], ["--member", "64"],
    ["--member", "1"], ["--members", "3", "--member", "3"], ["--hash", "md5"], ["--key", "00"],
    ["--key", "0001020304050607 8090a0b0c0d0e0f"], ["--rate", "0"], ["--rate", "-1"], ["--rate", "nan"],
    ["--rate", "inf"], ["--rate", "fast"], ["--loop", "0"], ["--trace", "-1"], ["--deal", "cards"],
    ["--json", "--out", "-"], ["-", "--loop", "2"], ["--generate", "", "x.pcap"],
    ["--generate", "", "--filter", "udp"],
  ])
  func `contradictions and bad values are refused`(_ words: [String]) {
    let sentence = complaint { () throws(CommandFailure) in try ReplayOptions(words) }
    #expect(sentence != nil)
    #expect(sentence?.hasPrefix("code") == false)
    #expect(sentence?.contains("\n") == false)
  }

  @Test func `a refused key is not repeated`() {
    let sentence = refusal("--key", "deadbeefdeadbeefdeadbeefdeadbeefx")
    #expect(sentence == "--key takes 32 hexadecimal digits, not these 33 characters")
  }

  @Test func `traffic to generate is described by name and value`() throws {
    let defaults = try GeneratorDescription("")
    #expect(defaults.packets == 1_000_000 && defaults.size == .imix && defaults.flows == 1024 && defaults.seed == 1)
    let all = try GeneratorDescription("packets=0,size=64-1518,flows=1048576,ipv6=100,seed=0")
    #expect(all.packets == 0 && all.size == .range(64, 1518) && all.flows == 1 << 20 && all.ipv6Percent == 100)
    #expect(all.seed == 0)
    #expect(try GeneratorDescription("size=64").size == .fixed(64))
    #expect(try GeneratorDescription("size=78,ipv6=1").size == .fixed(78))
    #expect(try GeneratorDescription("packets=1,packets=2").packets == 2)
  }

  @Test(arguments: [
    "packets", "packets=-1", "packets=x", "size=63", "size=1519", "size=100-64", "size=64-", "size=-64", "size=1-2-3",
    "flows=0", "flows=1048577", "ipv6=101", "seed=-1", "size=64,ipv6=1", "packet=5", "=5", "speed=5",
  ])
  func `and refused by name`(_ text: String) {
    let sentence = complaint { () throws(CommandFailure) in try GeneratorDescription(text) }
    #expect(sentence?.contains("--generate") == true)
    if text == "packet=5" { #expect(sentence?.contains("did you mean 'packets'?") == true) }
  }

  @Test func `faults are shares`() throws {
    let faults = try FaultDescription("truncate=0,flip=1,duplicate=0.25,reorder=1e-3,drop=.5,seed=9")
    #expect(faults.truncate == 0 && faults.flip == 1 && faults.duplicate == 0.25 && faults.reorder == 0.001)
    #expect(faults.drop == 0.5 && faults.seed == 9 && !faults.isEmpty)
    #expect(try FaultDescription("seed=5").isEmpty)
  }

  @Test(arguments: ["flip", "flip=", "flip=2", "flip=-0.1", "flip=nan", "flip=x", "flap=1", "seed=x"])
  func `and nothing else`(_ text: String) {
    #expect(complaint { () throws(CommandFailure) in try FaultDescription(text) }?.contains("--faults") == true)
  }

  @Test func `audit takes one capture, and needs it`() throws {
    let options = try AuditOptions(["in.pcap", "--config", "c", "--filter=esp", "--json"])
    #expect(options.capture == "in.pcap" && options.config == "c" && options.filter == "esp" && options.json)
    let plain = try AuditOptions(["-"])
    #expect(plain.capture == "-" && plain.config == nil && plain.filter == nil && !plain.json)
    func refusal(_ words: String...) -> String? {
      complaint { () throws(CommandFailure) in try AuditOptions(words) }
    }
    #expect(refusal() == "audit needs a capture: hauberk audit CAPTURE, '-' for standard input")
    #expect(refusal("--json")?.contains("needs a capture") == true)
    #expect(refusal("a", "b") == "audit takes one capture, not 2: b")
    #expect(refusal("a", "--jsno")?.contains("did you mean '--json'?") == true)
    #expect(refusal("a", "--config") == "--config needs a value: --config FILE")
    #expect(refusal("a", "--json=1") == "--json takes no value")
    #expect(refusal("a", "--hash", "keyed")?.contains("unknown option '--hash'") == true)
  }

  @Test func `classify takes a capture and what classification depends on`() throws {
    let options = try ClassifyOptions(["-", "--hash", "keyed", "--csv", "--cluster-ip=10.0.0.1", "--filter", "ip"])
    #expect(options.capture == "-" && options.hash == .keyed && options.hasHeaderLine && options.filter == "ip")
    #expect(options.clusterAddresses == ["10.0.0.1"] && options.config == nil && options.key == nil)
    for words in [["a", "b"], ["--workers", "1"], ["--key", "0"], ["--hash", "x"]] {
      #expect(complaint { () throws(CommandFailure) in try ClassifyOptions(words) } != nil)
    }
  }

  @Test func `check and keys take one configuration`() throws {
    let check = try CheckOptions(["a.yaml", "--json"])
    #expect(check.config == "a.yaml" && check.json)
    let keys = try KeysOptions(["--begin", "a.yaml"])
    #expect(keys.config == "a.yaml" && keys.begins && !keys.json)
    #expect(try !KeysOptions(["a.yaml"]).begins)
    for words in [[], ["a", "b"], ["--config", "a"], ["a", "--begin=1"]] {
      #expect(complaint { () throws(CommandFailure) in try CheckOptions(words) } != nil)
      #expect(complaint { () throws(CommandFailure) in try KeysOptions(words) } != nil)
    }
    #expect(complaint { () throws(CommandFailure) in try CheckOptions(["a", "--begin"]) } != nil)
  }
}

import Foundation
import Glibc
import PacketMaking
import Testing

/// Whatever goes wrong: one sentence on standard error, nothing on standard output, the documented exit code.
@Suite struct RefusalTests {
  /// The sentence of a refusal, with and without `--json` the same.
  @discardableResult
  static func refused(_ arguments: [String], code: Int32, input: String = "/dev/null") -> String {
    let run = Program.run(arguments, input: input)
    #expect(run.code == code, "\(arguments): \(run.error)")
    #expect(run.output.isEmpty)
    #expect(run.isOneSentence, "\(run.error)")
    if arguments.first == "replay", !arguments.contains("--json") {
      let machine = Program.run(arguments + ["--json"], input: input)
      #expect(machine.code == code && machine.output.isEmpty && machine.error == run.error)
    }
    return run.error
  }

  @Test(arguments: ["replay", "classify", "audit"])
  func `an input that is no capture`(_ command: String) {
    let folder = Folder()
    #expect(Self.refused([command, folder.path("none")], code: 3).contains("No such file"))
    #expect(Self.refused([command, folder.url.path], code: 3).contains("folder"))
    #expect(Self.refused([command, folder.write("empty", [])], code: 3).contains("empty"))
    #expect(Self.refused([command, "-"], code: 3).contains("standard input"))
    #expect(
      Self.refused([command, folder.write("text", text("This is no capture, but a text.\n"))], code: 3).contains("text")
    )
    Self.refused([command, folder.write("short", Array(pcapFile(Samples.mixed).prefix(20)))], code: 3)
    Self.refused(
      [command, folder.write("zip", gzipFile(text("no capture inside, though long enough for one")))], code: 3)
    let radio = folder.write("radio", pcapFile(link: 127, Samples.mixed))
    #expect(Self.refused([command, radio], code: 3).contains("IEEE802_11_RADIO"))
    let usb = folder.write("usb", pcapngFile(link: 189, Samples.mixed))
    #expect(Self.refused([command, usb], code: 3).contains("USB_LINUX"))
    #expect(
      Self.refused([command, folder.write("odd", pcapFile(link: 45_678, []))], code: 3).contains("not supported"))
  }

  @Test func `a file without the right to read it`() {
    // The administrator may read everything.
    guard geteuid() != 0 else { return }
    let path = Folder().write("secret", pcapFile(Samples.mixed))
    chmod(path, 0)
    #expect(Self.refused(["replay", path], code: 3).contains("Permission denied"))
  }

  @Test func `a wrong command line, with a suggestion where there is one`() {
    #expect(Self.refused(["relpay"], code: 2).contains("did you mean 'replay'?"))
    #expect(Self.refused(["frobnicate"], code: 2).contains("hauberk help"))
    #expect(Self.refused(["replay", "--wokers", "2"], code: 2).contains("did you mean '--workers'?"))
    #expect(Self.refused(["classify", "--workers", "2"], code: 2).contains("unknown option '--workers'"))
    #expect(Self.refused(["replay", "--generate", "packtes=5"], code: 2).contains("did you mean 'packets'?"))
    #expect(Self.refused(["replay", "--json", "--out"], code: 2).contains("--out needs a value"))
    #expect(Self.refused(["audti", "x"], code: 2).contains("did you mean 'audit'?"))
    #expect(Self.refused(["audit"], code: 2).contains("hauberk audit CAPTURE"))
    #expect(Self.refused(["help", "me"], code: 2).contains("help"))
  }

  @Test(arguments: [
    ["replay", "--workers", "0"], ["replay", "--workers", "x"], ["replay", "--members", "65"],
    ["replay", "--member", "1"], ["replay", "--hash", "sha"], ["replay", "--key", "123"], ["replay", "--rate", "0"],
    ["replay", "--loop", "0"], ["replay", "--trace", "-1"], ["replay", "--generate", "size=10"],
    ["replay", "--faults", "flip=2"], ["replay", "--deal", "x"], ["replay", "a", "b"],
    ["replay", "-", "--loop", "2"], ["replay", "--generate", "", "--filter", "udp"],
    ["replay", "--cluster-ip", "10.0.0.256"], ["classify", "--cluster-ip", "x"], ["classify", "--csv=1"],
    ["replay", "--filter", "udp and and"], ["classify", "--filter", "port nowhere"],
    ["audit"], ["audit", "a", "b"], ["audit", "--hash", "keyed", "a"], ["replay", "--filter", "("],
  ])
  func `bad values`(_ arguments: [String]) { Self.refused(arguments, code: 2) }

  @Test(arguments: [
    ["--rate", "1e-12"], ["--rate", "1e-300"], ["--rate", "1e300"],
    ["--generate", "packets=1000000000000", "--loop", "1000000000"],
  ])
  func `numbers at the ends of their range are refused or obeyed, and never a trap`(_ options: [String]) {
    let run = Program.run(["replay"] + options, limit: 1.5)
    #expect(run.timedOut || (0...99).contains(run.code), "\(run.code)")
  }

  @Test func `JSON and packets cannot share standard output`() {
    #expect(Self.refused(["replay", "--json", "--out", "-"], code: 2).contains("standard output"))
  }

  @Test(arguments: ["/nowhere/out.pcap", "/dev/full", "/tmp"])
  func `an output that cannot be written`(_ path: String) {
    #expect(Self.refused(["replay", Samples.shippedPath, "--out", path], code: 4).contains(path))
    #expect(Self.refused(["replay", "--out", path, "--generate", "packets=20000"], code: 4).contains(path))
  }

  @Test(arguments: [
    ["replay"], ["replay", "--json"], ["replay", "--out", "-"], ["replay", "--trace", "9"], ["classify"],
    ["audit", Samples.shippedPath], ["help"],
    ["version"],
  ])
  func `a full disk behind standard output is not a success`(_ arguments: [String]) {
    let run = Program.run(arguments, output: "/dev/full")
    #expect(run.code == 4)
    #expect(run.error.split(separator: "\n").last?.contains("cannot write") == true)
  }

  @Test func `the input is never written over, under whatever name`() throws {
    let folder = Folder()
    let octets = pcapFile(Samples.mixed)
    let path = folder.write("in.pcap", octets)
    #expect(symlink(path, folder.path("link.pcap")) == 0)
    #expect(link(path, folder.path("hard.pcap")) == 0)
    for name in ["in.pcap", "link.pcap", "hard.pcap", "../\(folder.url.lastPathComponent)/in.pcap"] {
      Self.refused(["replay", path, "--out", folder.path(name)], code: 4)
      expectSame(folder.read("in.pcap"), octets)
    }
    Self.refused(["replay", folder.path("link.pcap"), "--out", path], code: 4)
    expectSame(folder.read("in.pcap"), octets)
  }

  @Test func `nor through standard input`() throws {
    let folder = Folder()
    let path = folder.write("in.pcap", pcapFile(Samples.mixed + Samples.flows(6000)))
    let before = folder.read("in.pcap")
    let run = Program.run("replay", "-", "--out", path, input: path)
    #expect(run.code == 4 && run.output.isEmpty && run.isOneSentence)
    expectSame(folder.read("in.pcap"), before)
  }

  @Test func `a wrong configuration, by file, line and column`() {
    let folder = Folder()
    let config = folder.write("wrong.yaml", text("cluster:\n  addresses: [10.0.0.1]\n  hash: md5\n"))
    #expect(Self.refused(["replay", "--config", config], code: 6).contains("\(config):3:9: cluster.hash: "))
    #expect(Self.refused(["classify", "--config", config], code: 6).contains("wrong.yaml:3:9"))
    let misspelt = folder.write("misspelt.yaml", text("clutser: {}\n"))
    #expect(Self.refused(["replay", "--config", misspelt], code: 6).contains("misspelt.yaml:1:1: "))
    #expect(Self.refused(["replay", "--config", folder.path("none")], code: 6).contains("No such file"))
    #expect(Self.refused(["replay", "--config", folder.url.path], code: 6).contains("directory"))
  }

  @Test func `a truncated capture: what is whole is processed, and the end says so`() throws {
    let folder = Folder()
    let octets = pcapFile(Samples.mixed)
    for (name, file) in [("cut.pcap", octets), ("cut.gz", gzipFile(octets)), ("cut.pcapng", pcapngFile(Samples.mixed))]
    {
      let path = folder.write(name, Array(file.dropLast(21)))
      let run = Program.run("replay", path, "--json", "--out", folder.path("out.pcap"))
      #expect(run.code == 5 && run.isOneSentence && run.error.contains("ends early"))
      #expect(run.json?["truncated"] as? Bool == true)
      let packetsIn = try #require(run.count("packets", "in"))
      #expect((1990...1999).contains(packetsIn))
      #expect(packetsIn == run.count("packets", "out")! + run.drops!.values.reduce(0, +))
      var output = folder.read("out.pcap")
      output[0..<4] = octets[0..<4]
      #expect(pcapRecords(output)?.count == run.count("packets", "out"))
      let classified = Program.run("classify", path)
      #expect(classified.code == 5 && classified.isOneSentence && classified.lines.count == packetsIn + 1)
    }
  }
}

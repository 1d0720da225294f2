import CLI
import Foundation
import Glibc
import Testing

/// Commands to a running gateway, as an operator types them.
@Suite struct ControlCommandTests {
  private let folder = Folder()

  @Test func `status and show say what the gateway said`() throws {
    let gateway = TestedGateway(folder)
    defer { gateway.stop() }
    func run(_ words: String...) -> Run { Program.run(words + ["--control", gateway.socket]) }
    let status = run("status")
    #expect(status.code == 0 && status.error.isEmpty && status.text.hasPrefix("running for "))
    for part in ["/etc/hauberk/gateway.yaml", "inside", "outside", "replayed"] { #expect(status.text.contains(part)) }
    #expect(run("status", "--json").json?["process"] as? Int == 4711)
    for (what, part) in [
      ("ports", "outside"), ("workers", "packets/burst"), ("sas", "berlin"), ("drops", "replayed"),
      ("neighbours", "there are no neighbours"), ("counters", "echoAnswered"), ("config", "it is right."),
    ] {
      let shown = run("show", what)
      #expect(shown.code == 0 && shown.error.isEmpty && shown.text.contains(part), "\(what)")
      let json = try #require(run("show", what, "--json").json)
      #expect(what == "config" ? json["path"] != nil : json["rows"] is [Any], "\(what)")
    }
  }

  @Test func `a long list comes page by page, as far as it was asked for`() {
    let gateway = TestedGateway(folder)
    defer { gateway.stop() }
    func rows(_ most: String...) -> Int? {
      (Program.run(["show", "routes", "--json", "--control", gateway.socket] + most).json?["rows"] as? [Any])?.count
    }
    #expect(rows() == 1000 && rows("--most", "1500") == 1500 && rows("--most", "9999") == TestedGateway.routes)
    let text = Program.run("show", "routes", "--control", gateway.socket)
    #expect(text.lines.count == 1003 && text.text.contains("and 1 500 more: --most shows more of the 2 500"))
  }

  @Test func `without a gateway there is one sentence, with the socket and a remedy`() {
    let socket = folder.path("control.sock")
    for words in [["status"], ["show", "drops"], ["trace"], ["reload"], ["drain"], ["stop"], ["status", "--watch"]] {
      let run = Program.run(words + ["--control", socket])
      #expect(run.code == 9 && run.isOneSentence && run.output.isEmpty, "\(words)")
      #expect(run.error.contains(socket) && run.error.contains("hauberk run CONFIG"), "\(words)")
    }
  }

  @Test func `reload, drain and stop`() {
    let gateway = TestedGateway(folder)
    let refused = Program.run("reload", "--control", gateway.socket)
    #expect(refused.code == 6 && refused.isOneSentence && refused.error.contains("gateway.yaml:3:7"))
    #expect(Program.run("reload", "--begin", "--control", gateway.socket).code == 6)
    let stopped = Program.run("stop", "--control", gateway.socket)
    #expect(stopped.code == 0 && stopped.text == "stopping\nthe gateway has ended\n")
    #expect(Program.run("stop", "--control", gateway.socket).code == 9)
    #expect(gateway.asked == [.reload(begins: false), .reload(begins: true), .stop])
  }

  @Test(arguments: [false, true]) func `drain asks until nothing is left, and the gateway has ended`(_ isJSON: Bool) {
    let gateway = TestedGateway(folder)
    let run = Program.run(["drain", "--control", gateway.socket] + (isJSON ? ["--json"] : []))
    #expect(run.code == 0 && run.error.isEmpty && gateway.asked == [.drain, .drain])
    if isJSON {
      #expect(run.json?["done"] as? Bool == true && run.json?["refused"] as? Int == 3)
    } else {
      #expect(run.text.hasPrefix("drained in 500.0 ms\n") && run.text.hasSuffix("\nthe gateway has ended\n"))
      #expect(run.text.contains("  3 packets came meanwhile and were not taken\n"))
    }
    #expect(Program.run("drain", "--control", gateway.socket).code == 9)
  }

  @Test func `trace tells stories as they come, and ends its trace`() throws {
    let gateway = TestedGateway(folder)
    defer { gateway.stop() }
    let trace = Program.run("trace", "--count", "3", "--control", gateway.socket)
    let packets = trace.text.components(separatedBy: "\n\n")
    #expect(trace.code == 0 && packets.count == 3 && packets[0].hasPrefix("packet 1, 00:00:01.500000 UTC\n"))
    for (packet, part) in zip(packets, ["dropped as replayed: it was there", "10.0.0.2:7 > 10.0.0.3", "sealed"]) {
      #expect(packet.contains(part), "\(packet)")
    }
    let cut = Program.run(
      "trace", "--count", "5", "--spi", "0x10", "--seconds", "1", "--json", "--control", gateway.socket)
    let rows = cut.lines.filter { !$0.isEmpty }.map {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(cut.code == 0 && rows.count == 3 && rows.allSatisfy { $0 != nil })
    #expect(rows.map { $0?["number"] as? Int } == [1, 2, 3] && rows[0]?["reason"] as? String == "replayed")
    #expect(cut.error.contains("3 more fitted and came too fast"))
    var wish = TraceWish()
    wish.spi = 16
    #expect(gateway.asked.contains(.trace(wish, packets: 5, isFresh: true)))
    #expect(gateway.asked.last == .trace(packets: 0, isFresh: true))
  }

  /// Until the file has that many lines, or for ten seconds.
  private func await(_ lines: Int, in file: String) {
    for _ in 0..<1000 {
      if folder.read(file).count(where: { $0 == 10 }) >= lines { return }
      usleep(10_000)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM]) func `watching goes on until a signal, and ends well`(_ signal: Int32) throws {
    let gateway = TestedGateway(folder)
    let process = Program.start(
      ["status", "--watch=0.1", "--json", "--control", gateway.socket], input: "/dev/null", output: folder.path("out"),
      error: folder.path("err"))
    self.await(3, in: "out")
    // A gateway that goes away is told of, and waited for.
    gateway.stop()
    self.await(folder.read("out").count(where: { $0 == 10 }) + 2, in: "out")
    let again = TestedGateway(folder)
    self.await(folder.read("out").count(where: { $0 == 10 }) + 3, in: "out")
    kill(process, signal)
    #expect(Program.wait(for: process, limit: 30).code == 0)
    again.stop()
    let text = String(decoding: folder.read("out"), as: UTF8.self)
    #expect(!text.contains("\n\n"))
    let lines = text.split(separator: "\n")
    let all = lines.map { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] }
    #expect(all.allSatisfy { $0 != nil } && all.first??["state"] as? String == "running")
    #expect(all.contains { ($0?["error"] as? String)?.contains("no gateway runs here") == true })
    #expect(all.last??["state"] as? String == "running" && folder.read("err").isEmpty)
  }

  /// A terminal's other end, and its name. Swift's Glibc has no call for that.
  private static func pseudoterminal() -> (descriptor: Int32, name: String)? {
    typealias Unlock = @convention(c) (Int32) -> Int32
    typealias Name = @convention(c) (Int32) -> UnsafeMutablePointer<CChar>?
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    guard terminal >= 0, let unlock = dlsym(nil, "unlockpt"), let naming = dlsym(nil, "ptsname"),
      unsafeBitCast(unlock, to: Unlock.self)(terminal) == 0, let name = unsafeBitCast(naming, to: Name.self)(terminal)
    else { return nil }
    return (terminal, String(cString: name))
  }

  @Test func `on a terminal the picture is redrawn in place, with rates, and the last one stays`() throws {
    let gateway = TestedGateway(folder)
    defer { gateway.stop() }
    let (terminal, name) = try #require(Self.pseudoterminal())
    defer { close(terminal) }
    var flags = fcntl(terminal, F_GETFL)
    flags |= O_NONBLOCK
    #expect(fcntl(terminal, F_SETFL, flags) == 0)
    let process = Program.start(
      ["show", "ports", "--watch", "0.1", "--control", gateway.socket], input: "/dev/null",
      output: name, error: folder.path("err"))
    var text = ""
    func readOn() {
      var octets = [UInt8](repeating: 0, count: 65_536)
      let count = read(terminal, &octets, octets.count)
      if count > 0 { text += String(decoding: octets.prefix(count), as: UTF8.self) }
    }
    for _ in 0..<1000 {
      readOn()
      if text.components(separatedBy: "\u{1b}[H").count >= 5 { break }
      usleep(10_000)
    }
    kill(process, SIGINT)
    let end = Program.wait(for: process, limit: 30)
    readOn()
    #expect(end.code == 0)
    #expect(text.hasPrefix("\u{1b}[?1049h\u{1b}[?25l\u{1b}[H") && text.contains("packet/s"))
    let last = try #require(text.components(separatedBy: "\u{1b}[?25h\u{1b}[?1049l").dropFirst().last)
    #expect(last.contains("outside") && !last.contains("\u{1b}"))
    #expect(text.components(separatedBy: "\u{1b}[?1049h").count == 2 && folder.read("err").isEmpty)
  }

  @Test(arguments: Shell.allCases) func `completions are what their shell can read`(_ shell: Shell) throws {
    let run = Program.run("completions", shell.rawValue)
    #expect(run.code == 0 && run.error.isEmpty)
    let path = folder.write("completions", run.output)
    guard Program.tool(shell.rawValue, "-c", "true") == 0 else {
      print("no \(shell.rawValue) here: its completions are not read")
      return
    }
    #expect(Program.tool(shell.rawValue, "-n", path) == 0)
    let question = [
      Shell.bash: "COMP_WORDS=(hauberk show dr); COMP_CWORD=2; . \(path); _hauberk; [ \"${COMPREPLY[*]}\" = drops ]",
      .fish: "source \(path); test (complete -C 'hauberk show dr' | string collect) = drops",
    ]
    if let question = question[shell] { #expect(Program.tool(shell.rawValue, "-c", question) == 0) }
  }

  @Test func `help has one page for each command, and all in one`() {
    for name in ["status", "show", "completions"] {
      let page = Program.run("help", name).text
      #expect(page.hasPrefix("Usage: hauberk \(name)") && Program.run(name, "--help").text == page)
    }
    let manual = Program.run("help", "--man")
    #expect(manual.code == 0 && manual.text.hasPrefix(".TH HAUBERK 8"))
    let path = folder.write("hauberk.8", manual.output)
    if Program.tool("man", "--version") == 0 { #expect(Program.tool("man", "-l", path) == 0) }
  }
}

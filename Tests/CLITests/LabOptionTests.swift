import Testing

@testable import CLI

/// What a lab is asked for, before it is up and while it is.
@Suite struct LabOptionTests {
  private func order(_ line: String) throws -> LabOrder { try LabOrder(line, members: 3) }

  private func refusal(_ line: String) -> String? {
    do throws(LabOrder.Refusal) {
      _ = try LabOrder(line, members: 3)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `every order is read as it is written`() throws {
    for deed in LabOrder.Deed.allCases {
      let sides = deed == .cut || deed == .mend ? LabOrder.Side.allCases : []
      #expect(try order("\(deed.rawValue) 2") == .act(deed, .member(2), sides))
      #expect(try order("  \(deed.rawValue.uppercased())   master ") == .act(deed, .master, sides))
      #expect(try order(order("\(deed.rawValue) 3").text) == order("\(deed.rawValue) 3"))
    }
    #expect(
      try order("cut 1 inside") == .act(.cut, .member(1), [.inside]) && order("mend 1 o").text == "mend 1 outside")
    #expect(try order("help") == .help && order("?") == .help && order("quit") == .quit && order("exit") == .quit)
  }

  @Test func `the beginning of a word is enough where no other begins so`() throws {
    #expect(try order("k 1") == order("kill 1") && order("con 1") == order("continue 1") && order("q") == .quit)
    #expect(try order("d m") == .act(.drain, .master, []))
    #expect(refusal("st 1") == "'st' may be stop or start" && refusal("c 1") == "'c' may be continue or cut")
  }

  @Test(arguments: [
    "", "kil1", "destroy 1", "kill", "kill 0", "kill 4", "kill 1 2", "kill one", "kill 1 inside", "cut 1 left",
    "cut 1 inside outside", "quit 1", "help me", "-1",
  ])
  func `what is no order gets a sentence`(_ line: String) {
    let sentence = refusal(line)
    #expect(sentence?.isEmpty == false && sentence?.contains("\n") == false)
  }

  @Test func `a refusal says what would do`() {
    #expect(refusal("kll 1") == "there is no 'kll': did you mean 'kill'?")
    #expect(refusal("stop") == "stop whom? `stop 1` to `stop 3`, or `stop master`")
    #expect(refusal("stop 9") == "there is no member '9': they are 1 to 3, or `master`")
  }

  @Test func `a script goes by its clock, and of one time by its order`() throws {
    var script = try LabScript(["at 3 kill 1", "at 0.5 stop 2", "AT 3 start 1", "at 3 quit"], members: 3)
    #expect(script.take(until: 0.4).isEmpty)
    #expect(script.take(until: 0.5) == [.act(.stop, .member(2), [])])
    #expect(script.take(until: 10) == [.act(.kill, .member(1), []), .act(.start, .member(1), []), .quit])
    #expect(script.steps.isEmpty && script.take(until: 100).isEmpty)
  }

  @Test(arguments: ["", "kill 1", "at kill 1", "at x kill 1", "at -1 kill 1", "at 3", "at inf kill 1", "at 90000 quit"])
  func `a script's step that is none is refused`(_ step: String) {
    #expect(complaint { () throws(CommandFailure) in try LabOptions(["--do", step]) }?.hasPrefix("--do: ") == true)
  }

  @Test func `every option arrives, and all have a default`() throws {
    let plain = try LabOptions([])
    #expect(plain.members == 3 && plain.pace == .normal && plain.method == .auto && plain.workers == 1)
    #expect(plain.rate == 2000 && plain.flows == 32 && plain.seconds == nil && plain.name == "lab" && !plain.json)
    let all = try LabOptions([
      "--members", "5", "--pace", "fast", "--method", "xdp", "--workers", "2", "--rate", "100", "--flows=7",
      "--seconds", "9", "--do", "at 1 kill 5", "--do", "at 2 quit", "--name", "b2", "--json",
    ])
    #expect(all.members == 5 && all.pace == .fast && all.method == .xdp && all.workers == 2 && all.rate == 100)
    #expect(all.flows == 7 && all.seconds == 9 && all.script.steps.count == 2 && all.name == "b2" && all.json)
    #expect(try LabOptions(["--rate", "10"]).flows == 10)
  }

  @Test(arguments: [
    ["3"], ["up"], ["--members", "1"], ["--members", "17"], ["--pace", "slow"], ["--method", "tap"],
    ["--workers", "0"],
    ["--rate", "9"], ["--rate", "20001"], ["--flows", "0"], ["--flows", "257"], ["--rate", "20", "--flows", "21"],
    ["--seconds", "0"], ["--name", ""], ["--name", "a/b"], ["--name", "a b"], ["--name", "thirteenlette"],
    ["--name", "ä"], ["--do", "at 1 kill 4"],
    ["--seconds", "3", "--do", "at 3 kill 1"],
  ])
  func `what cannot be is refused with a sentence`(_ words: [String]) {
    let sentence = complaint { () throws(CommandFailure) in try LabOptions(words) }
    #expect(sentence != nil && sentence?.contains("\n") == false)
  }

  @Test func `the page tells every order`() {
    for word in LabOrder.words { #expect(Help.lab.contains(word)) }
  }
}

@testable import CLI
import Foundation
import Testing
import Wire

/// Help, completions and the manual come out of the same tables as the parser.
@Suite struct CommandTests {
  @Test func `the overview lists every command, in lines that fit a terminal`() {
    for command in Command.all {
      #expect(Help.overview.contains("  hauberk \(command.name) \(command.usage)") && !command.summary.isEmpty)
      #expect(command.page.hasPrefix("Usage: hauberk \(command.name)"), "\(command.name)")
      #expect(command.page.split(separator: "\n").allSatisfy { $0.count <= 112 }, "\(command.name)")
      for option in command.options {
        #expect(command.page.contains(option.name) && command.page.contains(option.help), "\(command.name)")
      }
    }
    #expect(Help.overview.split(separator: "\n").allSatisfy { $0.count <= 110 })
    #expect(Command.all.map(\.name) == Command.names)
    #expect(Command.near("staus") == "status" && Command.near("xyzzy") == nil)
  }

  @Test(arguments: Shell.allCases) func `completions have every command and option`(_ shell: Shell) {
    let text = shell.completions
    for command in Command.all {
      // What stands between this command and the next.
      let here = part(text, shell, command.name)
      #expect(!here.isEmpty, "\(command.name)")
      for option in command.options {
        let word = shell == .fish ? "-l \(option.name.dropFirst(2)) " : option.name
        #expect(here.contains(word), "\(command.name) \(option.name)")
        for value in option.values { #expect(here.contains(value), "\(command.name) \(option.name) \(value)") }
      }
      if case .one(let words) = command.words {
        for word in words { #expect(here.contains(word), "\(command.name) \(word)") }
      }
    }
  }

  private func part(_ text: String, _ shell: Shell, _ name: String) -> Substring {
    if shell == .fish {
      let lines = text.split(separator: "\n").filter { $0.contains("_from \(name)'") || $0.contains("-a \(name) -d") }
      return Substring(lines.joined(separator: "\n") + "\n")
    }
    guard let start = text.firstRange(of: "\n    \(name))\n") else { return "" }
    let rest = text[start.upperBound...]
    return rest[..<(rest.firstRange(of: "\n        ;;")?.lowerBound ?? rest.endIndex)]
  }

  @Test func `the manual has every command, option and exit code`() {
    let page = Manual.page
    for command in Command.all {
      let title = Manual.escaped("hauberk \(command.name) \(command.usage)")
      let rest = page[(page.firstRange(of: ".SS \"\(title)\"\n")?.upperBound ?? page.endIndex)...]
      let here = rest[..<(rest.firstRange(of: "\n.S")?.lowerBound ?? rest.endIndex)]
      #expect(!here.isEmpty, "\(command.name)")
      for option in command.options {
        #expect(here.contains("\n.TP\n\\fB\(Manual.escaped(option.name))\\fR"), "\(command.name) \(option.name)")
        #expect(here.contains(Manual.escaped(option.help)), "\(command.name) \(option.name)")
      }
    }
    for code in ExitCode.allCases {
      #expect(page.contains("\n.TP\n\(code.rawValue)\n\(Manual.escaped(code.meaning))\n"))
    }
  }

  @Test func `roff finds nothing of its own in our text`() {
    #expect(
      Manual.escaped(".x") == "\\&.x" && Manual.escaped("'x'") == "\\&'x\\(aq" && Manual.escaped("a-b\\") == "a\\-b\\e")
    let requests = Set(
      Manual.page.split(separator: "\n").filter { $0.hasPrefix(".") || $0.hasPrefix("'") }.map { $0.prefix(3) })
    #expect(requests == [".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nf", ".fi"])
    let lines = Manual.page.split(separator: "\n")
    for (start, end) in [(".nf", ".fi"), (".RS 2", ".RE")] {
      #expect(lines.count { $0 == start } == lines.count { $0 == end })
    }
    #expect(Manual.page.utf8.allSatisfy { $0 < 0x80 || $0 >= 0xa0 } && !Manual.page.contains("\n\n"))
  }

  @Test func `help and completions take what they know`() throws {
    #expect(try HelpOptions([]).command == nil && HelpOptions(["show"]).command?.name == "show")
    #expect(try HelpOptions(["--man"]).isManual && CompletionsOptions(["fish"]).shell == .fish)
    #expect(
      complaint { () throws(CommandFailure) in try HelpOptions(["shwo"]) }?.contains("did you mean 'show'") == true)
    for words in [[], ["tcsh"], ["bash", "zsh"], ["--json"]] {
      #expect(complaint { () throws(CommandFailure) in try CompletionsOptions(words) } != nil)
    }
  }

  @Test func `commands to a gateway take a socket, JSON and a time`() throws {
    let plain = try StatusOptions([]).control
    #expect(plain.path == "/run/hauberk/control.sock" && !plain.json && plain.watch == nil)
    let all = try ShowOptions(["--watch", "0.5", "ports", "--json", "--control", "x", "--most=7"])
    #expect(
      all.what == .ports && all.control.watch == 0.5 && all.control.json && all.control.path == "x" && all.most == 7)
    // A word that is no number is not the time.
    #expect(
      try ShowOptions(["--watch", "drops"]).what == .drops && ShowOptions(["drops", "--watch"]).control.watch == 2)
    #expect(try ShowOptions(["sas", "--watch=10"]).control.watch == 10 && TraceOptions([]).packets == 10)
    let trace = try TraceOptions([
      "--count", "3", "--seconds", "4", "--json", "--from", "10.1.0.0/16", "--to=::1", "--spi", "0X1f", "--protocol",
      "ICMPv6",
    ])
    #expect(trace.wish.from == IPPrefix("10.1.0.0/16") && trace.wish.to == IPPrefix("::1"))
    #expect(trace.wish.spi == 31 && trace.wish.protocolNumber == 58)
    #expect(try TraceOptions(["--protocol", "89"]).wish.protocolNumber == 89)
    #expect(trace.packets == 3 && trace.seconds == 4 && trace.control.json)
    #expect(try StopOptions(["--wait", "0"]).waitSeconds == 0 && StopOptions([]).waitSeconds == 30)
    for words in [["--watch=0"], ["--watch=x"], ["--watch", "0.01"], ["--watch=4000"], ["ports"], ["--most", "3"]] {
      #expect(complaint { () throws(CommandFailure) in try StatusOptions(words) } != nil, "\(words)")
    }
    for words in [[], ["port"], ["ports", "drops"], ["ports", "--most", "0"]] {
      #expect(complaint { () throws(CommandFailure) in try ShowOptions(words) } != nil, "\(words)")
    }
    for words in [
      ["--count", "0"], ["--count=1001"], ["3"], ["--seconds", "0"], ["--watch"], ["--from", "10.1.0.0/33"], ["--to="],
      ["--spi", "0"], ["--spi", "0x"], ["--spi=-1"], ["--spi", "4294967296"], ["--protocol", "256"],
      ["--protocol", "ipx"],
    ] {
      #expect(complaint { () throws(CommandFailure) in try TraceOptions(words) } != nil, "\(words)")
    }
    #expect(complaint { () throws(CommandFailure) in try ReloadOptions(["now"]) } == "reload takes no 'now'")
    #expect(complaint { () throws(CommandFailure) in try StopOptions(["--wait", "-1"]) } != nil)
  }
}

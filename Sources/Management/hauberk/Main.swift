import CKernel
import CLI
import Config
import Glibc

@main
struct Main {
  static func main() {
    hauberk_catch_interrupts()
    do {
      let code = try run(Array(CommandLine.arguments.dropFirst()))
      try Console.flush()
      exit(code.rawValue)
    } catch {
      if !error.description.isEmpty { Console.note("hauberk: \(error)") }
      exit(error.code.rawValue)
    }
  }

  private static func run(_ words: [String]) throws(CommandFailure) -> ExitCode {
    guard let command = words.first else {
      Console.note(Help.overview)
      return .usage
    }
    let rest = Array(words.dropFirst())
    switch command {
    case "replay":
      if ParsedArguments.askForHelp(rest) { return try show(Help.replay) }
      return try ReplayCommand(ReplayOptions(rest)).run()
    case "classify":
      if ParsedArguments.askForHelp(rest) { return try show(Help.classify) }
      return try ClassifyCommand(ClassifyOptions(rest)).run()
    case "check":
      if ParsedArguments.askForHelp(rest) { return try show(Help.check) }
      return try CheckCommand(CheckOptions(rest)).run()
    case "keys":
      if ParsedArguments.askForHelp(rest) { return try show(Help.keys) }
      return try KeysCommand(KeysOptions(rest)).run()
    case "audit":
      if ParsedArguments.askForHelp(rest) { return try show(Help.audit) }
      return try AuditCommand(AuditOptions(rest)).run()
    case "doctor":
      if ParsedArguments.askForHelp(rest) { return try show(Help.doctor) }
      return try DoctorCommand(DoctorOptions(rest)).run()
    case "run":
      if ParsedArguments.askForHelp(rest) { return try show(Help.run) }
      return try RunCommand(RunOptions(rest)).run()
    case "help", "--help", "-h":
      return try help(rest)
    case "version", "--version":
      return try show("hauberk \(Help.version)")
    default:
      let hint = nearestName(
        to: command, among: ["replay", "classify", "check", "keys", "audit", "doctor", "help", "version"])
      throw CommandFailure(
        .usage,
        "unknown command '\(command)'" + (hint.map { ": did you mean '\($0)'?" } ?? "; try 'hauberk help'"))
    }
  }

  private static func help(_ words: [String]) throws(CommandFailure) -> ExitCode {
    switch words.first {
    case nil: return try show(Help.overview)
    case "replay": return try show(Help.replay)
    case "classify": return try show(Help.classify)
    case "check": return try show(Help.check)
    case "keys": return try show(Help.keys)
    case "audit": return try show(Help.audit)
    case "doctor": return try show(Help.doctor)
    case .some(let word): throw CommandFailure(.usage, "there is no help on '\(word)': try 'hauberk help'")
    }
  }

  private static func show(_ text: String) throws(CommandFailure) -> ExitCode {
    try Console.output(text + "\n")
    return .success
  }
}

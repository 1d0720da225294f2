import CKernel
import CLI
import Console
import Glibc
import Lab

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
    if let page = Command.named(command)?.page, ParsedArguments.askForHelp(rest) { return try show(page) }
    switch command {
    case "replay": return try ReplayCommand(ReplayOptions(rest)).run()
    case "classify": return try ClassifyCommand(ClassifyOptions(rest)).run()
    case "check": return try CheckCommand(CheckOptions(rest)).run()
    case "sign": return try SignCommand(SignOptions(rest)).run()
    case "identity": return try IdentityCommand(IdentityOptions(rest)).run()
    case "keys": return try KeysCommand(KeysOptions(rest)).run()
    case "audit": return try AuditCommand(AuditOptions(rest)).run()
    case "run": return try RunCommand(RunOptions(rest)).run()
    case "doctor": return try DoctorCommand(DoctorOptions(rest)).run()
    case "status": return try StatusCommand(StatusOptions(rest)).run()
    case "show": return try StatusCommand(ShowOptions(rest)).run()
    case "trace": return try TraceCommand(TraceOptions(rest)).run()
    case "reload": return try ActionCommand(ReloadOptions(rest)).run()
    case "drain": return try DrainCommand(DrainOptions(rest)).run()
    case "stop": return try ActionCommand(StopOptions(rest)).run()
    case "simulate": return try SimulateCommand(SimulateOptions(rest)).run()
    case "lab": return try Lab(LabOptions(rest)).run()
    case "completions":
      try Console.output(CompletionsOptions(rest).shell.completions)
      return .success
    case "help", "--help", "-h": return try help(HelpOptions(rest))
    case "version", "--version":
      return try show("hauberk \(Help.version)")
    default:
      let hint = Command.near(command)
      throw CommandFailure(
        .usage,
        "unknown command '\(command)'" + (hint.map { ": did you mean '\($0)'?" } ?? "; try 'hauberk help'"))
    }
  }

  private static func help(_ options: HelpOptions) throws(CommandFailure) -> ExitCode {
    if options.isManual {
      try Console.output(Manual.page)
      return .success
    }
    return try show(options.command?.page ?? Help.overview)
  }

  private static func show(_ text: String) throws(CommandFailure) -> ExitCode {
    try Console.output(text + "\n")
    return .success
  }
}

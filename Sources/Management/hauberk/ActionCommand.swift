import CLI
import Console

/// `hauberk reload` and `hauberk stop`.
struct ActionCommand {
  private let request: Request
  private let control: ControlOptions
  /// Nil: its end is not what is wanted.
  private let waitSeconds: Int?

  init(_ options: ReloadOptions) {
    request = .reload(begins: options.begins)
    control = options.control
    waitSeconds = nil
  }

  init(_ options: StopOptions) {
    request = .stop
    control = options.control
    waitSeconds = options.waitSeconds > 0 ? options.waitSeconds : nil
  }

  func run() throws(CommandFailure) -> ExitCode {
    // With very many SAs a reload takes its time, and ends well.
    let client =
      if case .reload = request { try ControlClient(control.path, patienceSeconds: 300) } else {
        try ControlClient(control.path)
      }
    let done = try client.result(of: request, Done.self).value
    var lines = [done.sentence] + done.details.map { "  " + $0 }
    var json: [(String, JSON)] = Done.members.map { ($0.name, $0.json(of: done)) }
    if let waitSeconds {
      guard try client.waitForEnd(seconds: Double(waitSeconds)) else {
        throw CommandFailure(
          .machine, "\(done.sentence), and it has not ended within \(waitSeconds) s; look at its log")
      }
      lines.append("the gateway has ended")
      json.append(("ended", .bool(true)))
    }
    try Console.output(control.json ? JSON.object(json).text + "\n" : lines.map { $0 + "\n" }.joined())
    return .success
  }
}

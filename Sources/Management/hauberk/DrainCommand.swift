import CKernel
import CLI
import Console

/// `hauberk drain`: until the gateway holds nothing any more and has ended.
struct DrainCommand {
  private let options: DrainOptions

  init(_ options: DrainOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let client = try ControlClient(options.control.path)
    let deadline = Console.now() + Double(options.waitSeconds)
    while true {
      let (answer, json) = try client.result(of: .drain, DrainAnswer.self)
      if answer.isDone {
        guard try client.waitForEnd(seconds: 10) else {
          throw CommandFailure(.machine, "the gateway has drained, and has not ended within 10 s; look at its log")
        }
        try Console.output(options.control.json ? json.text + "\n" : answer.text + "the gateway has ended\n")
        return .success
      }
      guard Console.now() < deadline else {
        let words = answer.text.split(separator: "\n").joined(separator: ";")
        throw CommandFailure(
          .machine, "the gateway still drains after \(options.waitSeconds) s, and goes on: \(words)")
      }
      if hauberk_was_interrupted() {
        throw CommandFailure(.interrupted, "the gateway goes on draining, and ends by itself")
      }
      hauberk_sleep_microseconds(10_000)
    }
  }
}

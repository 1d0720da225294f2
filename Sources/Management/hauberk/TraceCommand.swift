import CKernel
import CLI
import Console

/// `hauberk trace`: stories as they come.
struct TraceCommand {
  let options: TraceOptions

  init(_ options: TraceOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let client = try ControlClient(options.control.path)
    let deadline = options.seconds.map { Console.now() + $0 }
    var told = 0
    var isFresh = true
    while true {
      let request = Request.trace(options.wish, packets: options.packets, isFresh: isFresh)
      let answer = try client.result(of: request, TraceAnswer.self).value
      isFresh = false
      for story in answer.stories {
        told += 1
        try tell(story, told)
      }
      try Console.flush()
      if told >= options.packets {
        tellUntold(answer)
        return .success
      }
      if answer.left == 0 {
        throw CommandFailure(
          .machine,
          "\(told) of \(options.packets) packets came, and the gateway has ended the trace: nobody had fetched what came for"
            + " some seconds, or somebody else has ended it")
      }
      let isLate = deadline.map { Console.now() >= $0 } ?? false
      if isLate || hauberk_was_interrupted() {
        // Nobody listens any more: the workers need not tell.
        _ = try? ControlClient(options.control.path).ask(.trace(packets: 0, isFresh: true))
        if !options.control.json { Console.note("\(told) of \(options.packets) packets came") }
        tellUntold(answer)
        return .success
      }
      hauberk_sleep_microseconds(100_000)
    }
  }

  /// On the other stream, so that every line of standard output is a packet.
  private func tellUntold(_ answer: TraceAnswer) {
    guard answer.untold > 0 else { return }
    Console.note("\(Format.grouped(answer.untold)) more fitted and came too fast to be told")
  }

  private func tell(_ story: TraceStory, _ number: Int) throws(CommandFailure) {
    if options.control.json {
      let members = TraceStory.members.map { ($0.name, $0.json(of: story)) }
      try Console.output(JSON.object([("number", number.json)] + members).line + "\n")
    } else {
      try Console.output((number == 1 ? "" : "\n") + story.text(number: number))
    }
  }
}

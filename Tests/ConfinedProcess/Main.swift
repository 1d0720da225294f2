import Glibc
import Service

// A process that gives up its rights as a gateway does: a worker that was started before, the control thread, and a
// worker that was started by it afterwards. Each says what it tried and what came of it, `THREAD NAME errno`; then
// `threads WORKER CONTROL LATE` by their numbers, and it waits for the end of its input. Arguments: the verdict on
// foreign calls, and whether any are tried (`foreign`, or nothing).

func say(_ line: String) {
  let octets = Array((line + "\n").utf8)
  guard write(1, octets, octets.count) == octets.count else { exit(2) }
}

/// What threads have in common.
final class Play: @unchecked Sendable {
  let attempts = Attempts()
  let verdict: Privileges.Verdict
  let triesForeign: Bool

  init(_ verdict: Privileges.Verdict, triesForeign: Bool) {
    self.verdict = verdict
    self.triesForeign = triesForeign
  }

  func confine(_ role: Privileges.Role, _ name: String) {
    do {
      let isConfined = try Privileges.confine(role, others: verdict)
      say("\(name) confined \(isConfined ? 1 : 0)")
    } catch {
      say("\(name) failed: \(error)")
      exit(1)
    }
    for (what, code) in attempts.ordinary() { say("\(name) \(what) \(code)") }
    guard triesForeign || role == .control else { return }
    for (what, code) in attempts.controls() { say("\(name) \(what) \(code)") }
    guard triesForeign else { return }
    for (what, code) in attempts.foreign() { say("\(name) \(what) \(code)") }
  }

  /// A worker that says its number and stays.
  func startWorker(_ name: String) -> Int32 {
    let worker = Worker(self, name)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<Worker>.fromOpaque(context!).takeUnretainedValue().run()
        return nil
      }, Unmanaged.passRetained(worker).toOpaque())
    guard code == 0 else {
      say("\(name) not started: \(code)")
      exit(1)
    }
    while worker.number == 0 { usleep(200) }
    return worker.number
  }
}

final class Worker: @unchecked Sendable {
  let play: Play
  let name: String
  private let slot = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  init(_ play: Play, _ name: String) {
    self.play = play
    self.name = name
    slot.initialize(to: 0)
  }

  /// Written once, read in a loop that sleeps.
  var number: Int32 { slot.pointee }

  func run() {
    play.confine(.worker, name)
    slot.pointee = Privileges.threadNumber
    while true { sleep(1) }
  }
}

@main enum Main {
  static func main() {
    guard CommandLine.arguments.count >= 2, let verdict = Privileges.Verdict(rawValue: CommandLine.arguments[1]) else {
      exit(64)
    }
    let play = Play(verdict, triesForeign: CommandLine.arguments.contains("foreign"))
    do {
      try Privileges.prepareProcess()
    } catch {
      say("\(error)")
      exit(1)
    }
    say("process dumpable \(Privileges.isDumpable ? 1 : 0)")
    let worker = play.startWorker("worker")
    play.confine(.control, "control")
    let late = play.startWorker("late")
    say("threads \(worker) \(Privileges.threadNumber) \(late)")
    var octet: UInt8 = 0
    while read(0, &octet, 1) > 0 {}
  }
}

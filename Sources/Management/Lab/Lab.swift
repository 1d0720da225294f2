internal import CKernel
package import CLI
internal import CLab
internal import Glibc
internal import Synchronization

/// `hauberk lab`: a cluster on this machine, until somebody has seen enough of it.
package struct Lab {
  private let options: LabOptions

  package init(_ options: LabOptions) { self.options = options }

  package func run() throws(CommandFailure) -> ExitCode {
    let tools = try LabTools.found()
    hauberk_lab_catch_signals()
    for sentence in LabRecord.removeLeftovers(tools) { Console.note("hauberk: \(sentence)") }
    let record = try LabRecord.begin(options.name)
    let outcome: Result<ExitCode, CommandFailure>
    do throws(CommandFailure) {
      outcome = .success(try run(tools, record))
    } catch {
      // A signal from the keyboard goes to the programs that were running for us, too.
      outcome = hauberk_lab_caught() == 0 ? .failure(error) : .success(.interrupted)
    }
    // However it ended.
    let left = record.remove(tools)
    for sentence in left { Console.note("hauberk: \(sentence)") }
    if left.isEmpty { Console.note("hauberk: the lab is over, and everything it made is taken away") }
    let code = try outcome.get()
    guard left.isEmpty else {
      throw CommandFailure(.machine, "the lab is over, and has left something: the next `hauberk lab` tries again")
    }
    return code
  }

  private func run(_ tools: LabTools, _ record: LabRecord) throws(CommandFailure) -> ExitCode {
    let octets = (0..<16).map { _ in Format.hex(UInt64.random(in: 0...255), digits: 2) }
    let plan = LabPlan(options: options, key: octets.joined())
    try LabFile.makeFolder(plan.folder)
    try LabPapers.make(plan)
    let wires = LabWires(plan: plan, tools: tools)
    try wires.build(record)
    let watch = LabWatch()
    let members = LabMembers(plan, tools, wires, record, watch)
    try members.prepare()
    try watch.start()
    defer { watch.end() }
    try members.startAll()
    Console.note(
      "hauberk: \(options.members) members begin, in \(plan.namespace(.member(1))) and so on; "
        + "their files are in \(plan.folder)")
    let settled = try Self.settle(plan, members, watch)
    Console.note("hauberk: they share the work after \(Format.fixed(settled, 1)) s")
    let traffic = try ProbeTraffic(plan)
    try traffic.start()
    defer { traffic.end() }
    try Self.warm(traffic)
    var session = LabSession(options, members, watch, traffic)
    return try session.run()
  }

  // Until all is well

  private static let settlePatience = 60.0, warmPatience = 10.0

  /// Seconds until all are members and share the work.
  private static func settle(_ plan: LabPlan, _ members: LabMembers, _ watch: LabWatch) throws(CommandFailure) -> Double
  {
    let began = Console.now()
    while !watch.look.isSettled(Array(plan.numbers)) {
      try pause()
      if let sentence = members.ended().first { throw CommandFailure(.machine, sentence) }
      guard Console.now() - began < settlePatience else {
        let words = plan.numbers.map { number in
          watch.look.answers[number].map { "member \(number) is \($0.role), with \($0.running) sets" }
            ?? "member \(number) does not answer: \(members.lastWords(number))"
        }
        throw CommandFailure(
          .machine,
          "the members do not share the work within \(Format.seconds(settlePatience)): "
            + words.joined(separator: "; "))
      }
    }
    return Console.now() - began
  }

  /// Until every flow comes through: hosts and members have to find each other's addresses first.
  private static func warm(_ traffic: ProbeTraffic) throws(CommandFailure) {
    let began = Console.now()
    var quietSince = began
    var lost: UInt64 = 0
    while true {
      try pause()
      let now = hauberk_nanoseconds()
      let (total, away) = traffic.account.withLock { account in
        account.judge(now)
        return (account.total, account.flowsAway)
      }
      if total.lost != lost || away > 0 || total.sent == 0 { quietSince = Console.now() }
      lost = total.lost
      if Console.now() - quietSince > 0.3 { break }
      guard Console.now() - began < warmPatience else {
        throw CommandFailure(
          .machine,
          "the members share the work, and \(total.lost) of \(total.sent) probes were lost on their way "
            + "through the cluster in \(Format.seconds(warmPatience)); another --method may do better here")
      }
    }
    traffic.account.withLock { $0.restart(now: hauberk_nanoseconds()) }
  }

  private static func pause() throws(CommandFailure) {
    if hauberk_lab_caught() != 0 { throw CommandFailure(.interrupted, "") }
    hauberk_sleep_microseconds(20_000)
  }
}

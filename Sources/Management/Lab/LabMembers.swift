internal import CKernel
internal import CLI
internal import CLab
internal import Config
internal import Console
internal import Glibc

/// The machines of a lab, and what is done to them.
final class LabMembers {
  private let plan: LabPlan
  private let tools: LabTools
  private let wires: LabWires
  private let record: LabRecord
  private let watch: LabWatch
  private(set) var all: [LabMember]

  init(_ plan: LabPlan, _ tools: LabTools, _ wires: LabWires, _ record: LabRecord, _ watch: LabWatch) {
    self.plan = plan
    self.tools = tools
    self.wires = wires
    self.record = record
    self.watch = watch
    all = plan.numbers.map { LabMember(number: $0) }
  }

  func prepare() throws(CommandFailure) {
    for number in plan.numbers {
      try LabFile.makeFolder("\(plan.folder)/state\(number)")
      try LabFile.write(plan.configuration(number), plan.file(number, "yaml"), mode: 0o600)
    }
  }

  func startAll() throws(CommandFailure) {
    for number in plan.numbers { try start(number) }
    tellWatch()
  }

  private func start(_ number: Int) throws(CommandFailure) {
    let process = try tools.start(
      [tools.hauberk, "run", plan.file(number, "yaml")], in: plan.namespace(.member(number)),
      log: plan.file(number, "log"))
    all[number - 1].process = process
    all[number - 1].state = .running
    try record.add(.process(process, born: hauberk_lab_born(process)))
  }

  private func tellWatch() {
    watch.ask(
      Dictionary(uniqueKeysWithValues: all.filter(\.answers).map { ($0.number, plan.file($0.number, "sock")) }))
  }

  // Orders

  /// One sentence: what was done, or why nothing was.
  func act(_ deed: LabOrder.Deed, _ target: LabOrder.Target, _ sides: [LabOrder.Side]) throws(CommandFailure) -> String
  {
    guard let number = number(target) else { throw Self.refusal("there is no master at this moment") }
    let who = "member \(number)" + (isMaster(number) ? ", the master," : "")
    let state = all[number - 1].state
    defer { tellWatch() }
    switch deed {
    case .kill:
      try signal(number, SIGKILL)
      awaitEnd(number)
      return "\(who) is killed: it has told nobody"
    case .stop:
      guard state == .running else { throw Self.refusal("member \(number) is \(state.word): it cannot be stopped") }
      try signal(number, SIGSTOP)
      all[number - 1].state = .stopped
      return "\(who) stands still; `continue \(number)` lets it go on"
    case .continue:
      guard state == .stopped else { throw Self.refusal("member \(number) is not stopped: it is \(state.word)") }
      try signal(number, SIGCONT)
      all[number - 1].state = .running
      return "member \(number) goes on"
    case .start:
      guard all[number - 1].process == nil else {
        throw Self.refusal("member \(number) is \(state.word): only one that has ended begins again")
      }
      try start(number)
      return "member \(number) begins again"
    case .drain:
      guard state == .running else { throw Self.refusal("member \(number) is \(state.word): it cannot be drained") }
      try drain(number)
      all[number - 1].state = .draining
      return "\(who) gives its work away, and ends then"
    case .cut, .mend:
      return try plug(number, sides, isIn: deed == .mend, who)
    }
  }

  private static func refusal(_ sentence: String) -> CommandFailure { CommandFailure(.usage, sentence) }

  private func number(_ target: LabOrder.Target) -> Int? {
    if case .member(let number) = target { number } else { watch.look.master?.unit }
  }

  private func isMaster(_ number: Int) -> Bool { watch.look.master?.unit == number }

  private func signal(_ number: Int, _ signal: Int32) throws(CommandFailure) {
    guard let process = all[number - 1].process else {
      throw Self.refusal(
        "member \(number) does not run: it is \(all[number - 1].state.word); `start \(number)` begins it")
    }
    guard kill(process, signal) == 0 else { throw LabTools.failure("cannot signal member \(number)", errno) }
  }

  private func drain(_ number: Int) throws(CommandFailure) {
    let client = try ControlClient(plan.file(number, "sock"), patienceSeconds: 1)
    _ = try client.result(of: .drain, DrainAnswer.self)
  }

  private func plug(
    _ number: Int, _ sides: [LabOrder.Side], isIn: Bool, _ who: String
  ) throws(CommandFailure) -> String {
    let changed = sides.filter { all[number - 1].cut.contains($0) == isIn }
    guard !changed.isEmpty else {
      throw Self.refusal("member \(number)'s cables are \(isIn ? "plugged in" : "pulled") already")
    }
    try wires.plug(number, changed, isIn: isIn)
    all[number - 1].cut = LabOrder.Side.allCases.filter { side in
      changed.contains(side) ? !isIn : all[number - 1].cut.contains(side)
    }
    let cables = changed.count == 2 ? "both cables" : "the \(changed[0].rawValue) cable"
    return isIn
      ? "\(cables) of member \(number) \(changed.count == 2 ? "are" : "is") plugged in again"
      : "\(cables) of \(who) \(changed.count == 2 ? "are" : "is") pulled; `mend \(number)` plugs in again"
  }

  // Ends

  private func awaitEnd(_ number: Int) {
    let deadline = Console.now() + 2
    while Console.now() < deadline, !reap(number, isOurs: true) { hauberk_sleep_microseconds(1000) }
  }

  private func reap(_ number: Int, isOurs: Bool) -> Bool {
    guard let process = all[number - 1].process else { return true }
    var how: Int32 = 0
    guard unsafe hauberk_lab_reap(process, &how) else { return false }
    let wasDraining = all[number - 1].state == .draining
    all[number - 1].process = nil
    all[number - 1].state = .ended(isOurs ? "killed" : wasDraining && how == 0 ? "drained" : "ended")
    last = how
    return true
  }
  private var last: Int32 = 0

  /// Sentences about those that have ended since the last look.
  func ended() -> [String] {
    var words: [String] = []
    for member in all where member.process != nil && reap(member.number, isOurs: false) {
      if all[member.number - 1].state == .ended("drained") {
        words.append("member \(member.number) has given everything away, and has ended")
      } else {
        let how = last < 0 ? "by signal \(-last)" : "with code \(last)"
        let said = lastWords(member.number)
        words.append("member \(member.number) has ended \(how)" + (said.isEmpty ? "" : ": \(said)"))
      }
      tellWatch()
    }
    return words
  }

  /// What stands at the end of its log.
  func lastWords(_ number: Int) -> String {
    let octets = (try? FileOctets.read(plan.file(number, "log"), atMost: 1 << 24)) ?? []
    let lines = String(decoding: octets.suffix(4096), as: UTF8.self).split(separator: "\n")
    return lines.suffix(1).joined()
  }
}

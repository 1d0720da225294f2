internal import CKernel
internal import CLI
internal import CLab
internal import Glibc
internal import Synchronization

/// A lab that is up: it takes orders, and tells what becomes of members and probes.
struct LabSession {
  private let options: LabOptions
  private let members: LabMembers
  private let watch: LabWatch
  private let traffic: ProbeTraffic
  private let screen: LabScreen?
  private var input: LabInput
  private var script: LabScript
  private var view: LabView
  private var events = LabEvents()
  private var isOver = false
  private var nextDraw = 0.0
  private var nextLook = 0.0
  private var toldSeconds = 0
  private var lastOrder = 0.0

  private static let drawSeconds = 0.5, lookSeconds = 0.1
  private static let turnMilliseconds: Int32 = 20
  /// What becomes of a member's work is seen in less.
  private static let lastOrderSeconds = 3.0

  init(_ options: LabOptions, _ members: LabMembers, _ watch: LabWatch, _ traffic: ProbeTraffic) {
    self.options = options
    self.members = members
    self.watch = watch
    self.traffic = traffic
    screen = options.json ? nil : LabScreen()
    input = LabInput(isTerminal: screen != nil)
    script = options.script
    view = LabView(options)
  }

  mutating func run() throws(CommandFailure) -> ExitCode {
    do throws(CommandFailure) {
      while !isOver { try turn() }
    } catch {
      screen?.leave()
      throw error
    }
    screen?.leave()
    try finish()
    // Ctrl-C is how one leaves a screen.
    let signal = hauberk_lab_caught()
    return signal == 0 || (signal == SIGINT && screen != nil) ? .success : .interrupted
  }

  private mutating func turn() throws(CommandFailure) {
    let typed = input.typed
    let lines = input.lines(waitMilliseconds: Self.turnMilliseconds)
    var isNews = input.typed != typed
    for line in lines where !isOver {
      take(line)
      isNews = true
    }
    for order in script.take(until: second) where !isOver { carryOut(order) }
    for sentence in members.ended() { events.note(sentence, at: second) }
    if isNews || Console.now() >= nextLook {
      look()
      nextLook = Console.now() + Self.lookSeconds
    }
    try tell()
    if screen != nil, isNews || Console.now() >= nextDraw {
      screen?.draw(view, input.typed)
      nextDraw = Console.now() + Self.drawSeconds
    }
    isOver = isOver || isTime
  }

  private var isTime: Bool {
    if hauberk_lab_caught() != 0 { return true }
    if let seconds = options.seconds { return second >= Double(seconds) || (input.isOver && screen != nil) }
    // Whoever gave the orders has gone, and what was to be done is done, and shows.
    return input.isOver && (screen != nil || script.steps.isEmpty && second >= lastOrder + Self.lastOrderSeconds)
  }

  private var second: Double {
    let began = traffic.account.withLock { $0.began }
    return Double(hauberk_nanoseconds() - began) / 1e9
  }

  // Orders

  private mutating func take(_ line: String) {
    view.isHelping = false
    guard line.contains(where: { !$0.isWhitespace }) else { return }
    do throws(LabOrder.Refusal) {
      carryOut(try LabOrder(line, members: options.members))
    } catch {
      events.note("\(error)", at: second)
    }
  }

  private mutating func carryOut(_ order: LabOrder) {
    switch order {
    case .quit: isOver = true
    case .help where screen != nil: view.isHelping = true
    case .help:
      for deed in LabOrder.Deed.allCases { events.note("\(deed.rawValue) N: \(deed.meaning)", at: second) }
      events.note("N is a member's number or master; quit ends the lab", at: second)
    case .act(let deed, let target, let sides):
      let (now, at) = (hauberk_nanoseconds(), second)
      defer { lastOrder = second }
      do throws(CommandFailure) {
        events.note(try members.act(deed, target, sides), at: at)
        traffic.account.withLock { $0.mark(order.text, at: now) }
      } catch {
        events.note("\(order.text): \(error)", at: at)
      }
    }
  }

  // What there is to see

  private mutating func look() {
    let look = watch.look
    let now = hauberk_nanoseconds()
    view.second = second
    if let master = look.master {
      events.take(master, at: view.second)
      view.term = master.term
      if !master.work.isEmpty {
        view.work = master.work
        view.pending = Set(master.pending)
      }
    }
    view.master = look.master?.unit
    view.members = members.all.map { row($0, look) }
    view.events = events.all
    traffic.account.withLock { account in
      account.judge(now)
      view.total = account.total
      view.lastSecond = account.lastSecond
      view.flowsAway = account.flowsAway
      view.since = account.since.map { ($0.label, Double(now - $0.at) / 1e9, $0.tally) }
    }
  }

  private func row(_ member: LabMember, _ look: LabLook) -> LabView.Member {
    var row = LabView.Member()
    row.number = member.number
    row.state = member.state.word
    row.isAlive = member.state == .running || member.state == .draining
    row.cut = member.cut
    row.sets = view.work.count { $0 == member.number }
    row.loss = look.master?.units.first { $0.unit == member.number }?.loss
    guard let answer = look.answers[member.number] else { return row }
    row.role = answer.role == "client" ? "member" : answer.role
    row.isFenced = answer.isFenced
    row.leaseMilliseconds = answer.isFenced ? nil : max(0, answer.leaseMilliseconds)
    return row
  }

  // Without a screen

  private mutating func tell() throws(CommandFailure) {
    guard screen == nil else { return }
    let seconds = traffic.account.withLock { $0.takeSeconds() }
    if !options.json {
      for event in events.takeUntold() { try Console.output(LabReport.event(event) + "\n") }
    }
    for tally in seconds {
      toldSeconds += 1
      if options.json {
        try Console.output(LabReport.json(view, second: toldSeconds, tally, events.takeUntold()).line + "\n")
      } else {
        try Console.output(LabReport.line(view, second: toldSeconds, tally) + "\n")
      }
    }
    try Console.flush()
  }

  /// Judges what is still under way, and sums up.
  private mutating func finish() throws(CommandFailure) {
    let length = second
    if hauberk_lab_caught() == 0 {
      traffic.endSending()
      hauberk_sleep_microseconds(UInt32(ProbeAccount.graceNanoseconds / 1000) + 20_000)
    }
    look()
    try tell()
    view.second = length
    let (marks, began) = traffic.account.withLock { ($0.marks, $0.began) }
    if options.json {
      try Console.output(LabReport.json(view, marks, began: began).line + "\n")
    } else {
      try Console.output(LabReport.summary(view, marks, began: began))
    }
    try Console.flush()
  }
}

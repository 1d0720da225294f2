/// What became of some probes.
struct ProbeTally: Equatable, Sendable {
  var sent: UInt64 = 0
  var lost: UInt64 = 0
  /// Came more than once: so often more.
  var twice: UInt64 = 0
  /// Lost, and came after that was said.
  var late: UInt64 = 0
  /// The longest that one flow missed in a row, to its next probe.
  var outageNanoseconds: UInt64 = 0
  private var hit: Set<Int> = []

  /// How many flows lost something.
  var flows: Int { hit.count }

  fileprivate mutating func lose(_ flow: Int, _ nanoseconds: UInt64) {
    lost += 1
    hit.insert(flow)
    outageNanoseconds = max(outageNanoseconds, nanoseconds)
  }
}

/// Keeps account of numbered probes. Time is brought from outside; a probe's flow is its number modulo their count.
///
/// Whether a probe is lost is judged when it had time to come; probes are judged in their order.
struct ProbeAccount: Sendable {
  static let graceNanoseconds: UInt64 = 500_000_000
  private static let second: UInt64 = 1_000_000_000
  /// More than are sent within the grace at the highest rate, and seconds of them, so that what comes twice is seen.
  static let remembered = 1 << 16

  /// What was done earlier than so many orders ago is told in the total alone.
  static let mostMarks = 1000

  let flows: Int
  /// From one probe of a flow to its next.
  let intervalNanoseconds: UInt64
  private(set) var began: UInt64
  private var sentAt = [UInt64](repeating: 0, count: remembered)
  private var came = [UInt8](repeating: 0, count: remembered)
  private var first: UInt64 = 0
  private var next: UInt64 = 0
  private var judged: UInt64 = 0
  /// Of each flow, when the first was sent of those that it misses in a row.
  private var awaySince: [UInt64?]

  private(set) var total = ProbeTally()
  /// The last whole second, and the one that is being judged.
  private(set) var lastSecond = ProbeTally()
  private var openSecond = ProbeTally()
  private var openIndex: UInt64 = 0
  private var finished: [ProbeTally] = []
  /// What is told since something was done; before anything was, nil.
  private(set) var since: Mark?
  private(set) var past: [Mark] = []
  private var coming: [Mark] = []

  /// Not counted, for want of room, or because it is none of ours.
  private(set) var unsent: UInt64 = 0
  private(set) var strange: UInt64 = 0

  struct Mark: Equatable, Sendable {
    let label: String
    let at: UInt64
    var tally = ProbeTally()
  }

  init(rate: Int, flows: Int, now: UInt64) {
    self.flows = flows
    intervalNanoseconds = Self.second * UInt64(flows) / UInt64(rate)
    began = now
    awaySince = [UInt64?](repeating: nil, count: flows)
  }

  // What happens

  /// The number of the probe that may be sent now; nil when so many are not judged that there is no room.
  mutating func send(_ now: UInt64) -> UInt64? {
    guard next - judged < UInt64(Self.remembered) else {
      unsent += 1
      return nil
    }
    sentAt[place(next)] = now
    came[place(next)] = 0
    next += 1
    return next - 1
  }

  mutating func came(_ number: UInt64) {
    guard number < next, number >= first, next - number <= UInt64(Self.remembered) else {
      strange += 1
      return
    }
    let place = place(number)
    let before = came[place]
    if before < .max { came[place] = before + 1 }
    guard number < judged else { return }
    // Judged already: what is new is said of the time that is being judged.
    change { tally in
      if before == 0 { tally.late += 1 } else { tally.twice += 1 }
    }
  }

  mutating func noteStrange() { strange += 1 }

  /// Probes that are sent from now on are told apart under this label.
  mutating func mark(_ label: String, at now: UInt64) { coming.append(Mark(label: label, at: now)) }

  /// Forgets what was, and begins to count.
  mutating func restart(now: UInt64) {
    let number = next
    self = ProbeAccount(rate: 1, flows: flows, interval: intervalNanoseconds, now: now)
    (first, next, judged) = (number, number, number)
  }

  private init(rate: Int, flows: Int, interval: UInt64, now: UInt64) {
    self.flows = flows
    intervalNanoseconds = interval
    began = now
    awaySince = [UInt64?](repeating: nil, count: flows)
  }

  // Judgement

  mutating func judge(_ now: UInt64) {
    guard now >= began + Self.graceNanoseconds else { return }
    let until = now - Self.graceNanoseconds
    while judged < next, sentAt[place(judged)] <= until {
      let at = sentAt[place(judged)]
      reach(at)
      judgeOne(at)
      judged += 1
    }
    reach(until)
  }

  private mutating func judgeOne(_ at: UInt64) {
    let flow = Int(judged % UInt64(flows))
    let times = came[place(judged)]
    guard times == 0 else {
      awaySince[flow] = nil
      change { tally in
        tally.sent += 1
        tally.twice += UInt64(times - 1)
      }
      return
    }
    let since = awaySince[flow] ?? at
    awaySince[flow] = since
    let away = at - since + intervalNanoseconds
    change { tally in
      tally.sent += 1
      tally.lose(flow, away)
    }
  }

  private mutating func change(_ body: (inout ProbeTally) -> Void) {
    body(&total)
    body(&openSecond)
    if since != nil { body(&since!.tally) }
  }

  /// Time has come so far: seconds end, and what was done then is done.
  private mutating func reach(_ at: UInt64) {
    while let mark = coming.first, mark.at <= at {
      if let since { past.append(since) }
      if past.count > Self.mostMarks { past.removeFirst() }
      since = mark
      coming.removeFirst()
    }
    while at >= began + (openIndex + 1) * Self.second {
      finished.append(openSecond)
      lastSecond = openSecond
      openSecond = ProbeTally()
      openIndex += 1
    }
  }

  // What there is to tell

  /// Seconds that have ended, in their order, since this was last asked.
  mutating func takeSeconds() -> [ProbeTally] {
    defer { finished = [] }
    return finished
  }

  /// Every mark and what came after it.
  var marks: [Mark] { past + (since.map { [$0] } ?? []) + coming }
  var flowsAway: Int { awaySince.count { $0 != nil } }

  private func place(_ number: UInt64) -> Int { Int(number & UInt64(Self.remembered - 1)) }
}

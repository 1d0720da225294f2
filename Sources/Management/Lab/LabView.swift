internal import CLI

/// All that a screen or a line tells of a lab, as values.
struct LabView: Sendable {
  struct Member: Sendable {
    var number = 0
    var state = ""
    var isAlive = false
    var cut: [LabOrder.Side] = []
    /// By its own word; empty where it does not answer.
    var role = ""
    var isFenced = false
    var sets = 0
    var leaseMilliseconds: Double?
    /// Of what it should have been heard to say, by the master's word.
    var loss: Double?
  }

  struct Event: Equatable, Sendable {
    var second: Double
    var text: String
  }

  var options: LabOptions
  var second = 0.0
  var members: [Member] = []
  var master: Int?
  var term: UInt64 = 0
  /// Whose each work set is, by the latest master's table.
  var work: [Int?] = []
  var pending: Set<Int> = []
  var lastSecond = ProbeTally()
  var since: (label: String, secondsAgo: Double, tally: ProbeTally)?
  var total = ProbeTally()
  var flowsAway = 0
  var events: [Event] = []
  var isHelping = false

  init(_ options: LabOptions) { self.options = options }

  /// As a table has it: nothing lost is no outage.
  static func outage(_ tally: ProbeTally) -> String {
    tally.lost == 0 ? "-" : "\(Format.fixed(Double(tally.outageNanoseconds) / 1e6, 0)) ms"
  }

  static func clock(_ second: Double) -> String { Format.fixed(second, 1) + " s" }
}

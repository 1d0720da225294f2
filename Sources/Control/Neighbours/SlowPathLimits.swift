public import ControlKit

/// What the slow path may hold and send. Full is a counted outcome.
public struct SlowPathLimits: Sendable {
  /// On all interfaces together.
  public var neighbours = 4096
  public var heldPerNeighbour = 4
  public var held = 256
  /// The most deadlines that one `tick` looks at; the others are due at once.
  public var deadlinesPerTick = 64

  /// All ICMP answers together, then each kind of errors, then echoes.
  public var icmp = Rate(10_000, burst: 1000)
  public var errors = Rate(1000, burst: 100)
  public var echoes = Rate(5000, burst: 500)
  /// What one source may cause.
  public var errorsPerSource = Rate(20, burst: 20)
  public var echoesPerSource = Rate(1000, burst: 200)
  /// Answers to those who ask for our MAC address, all of them and each by his MAC address.
  public var replies = Rate(1000, burst: 256)
  public var repliesPerSource = Rate(20, burst: 20)
  /// Questions after addresses that nobody asked for lately.
  public var questions = Rate(1000, burst: 256)
  public var events = Rate(10, burst: 50)

  public init() {}

  /// The most directives that one call of `receive` returns.
  public var mostDirectivesPerReceive: Int { heldPerNeighbour + 6 }
  /// The most directives that one call of `tick` returns.
  public var mostDirectivesPerTick: Int { deadlinesPerTick * (heldPerNeighbour + 3) }
}

/// Times in nanoseconds (RFC 4861 section 10, RFC 5227 section 1.1; for ARP the same as for ND).
enum Timing {
  static let second: UInt64 = 1_000_000_000
  static let retransmit = second
  static let mostAttempts = 3
  /// Half to three halves of it.
  static let reachable = 30 * second
  static let delay = 5 * second
  /// When one is asked that another member has told of: not all of them at once.
  static let confirmLeast = second / 5
  static let confirmMost = 2 * second
  /// How long a neighbour whose use nobody reports stays unasked.
  static let stale = 60 * second
  /// How long one whose use nobody reports is kept against others.
  static let idle = 4 * 3600 * second
  /// So soon after an answer, another one is no reason to ask again: two hosts with one address would keep us asking.
  static let settle = second

  static let probeWait = second
  static let probes = 3
  static let probeLeast = second
  static let probeMost = 2 * second
  static let announceWait = 2 * second
  static let announcements = 2
  static let defend = 10 * second
  static let tryAgain = 60 * second
  /// RFC 4862 section 5.1, RFC 4861 section 10.
  static let probes6 = 1
  static let announcements6 = 3
}

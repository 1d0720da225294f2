public import ControlKit

/// How fast a cluster is (X2). Everything follows from the detection time, so that the whole fits into twice of it:
/// ARCHITECTURE.md has the budget as a table.
public struct Profile: Equatable, Sendable {
  /// Silence that is suspicious.
  public var detection: Nanoseconds
  /// At most so many sets change hands at once for balance.
  public var movesPerRound = 64
  /// C16.
  public var balanceInterval: Nanoseconds = 2 * .second
  /// X15: three tries of so long, and C9: so long for somebody to object to an offer.
  public var joinWait: Nanoseconds = 100 * .millisecond
  public var joinTries = 3

  /// Load by packets: how often units measure, over how long, and for how long a set that has moved for balance stays.
  public var measureInterval: Nanoseconds = .second
  public var measuredOver: Nanoseconds = 10 * .second
  public var loadRest: Nanoseconds = 30 * .second

  /// A link that goes again within so long of its return is waited for twice as long, and at last for so long.
  public var steadiness: Nanoseconds = 60 * .second
  public var mostLinkPatience: Nanoseconds = 30 * .second

  public static let normal = Profile(detection: 100 * .millisecond)
  public static let fast = Profile(detection: 20 * .millisecond)

  public init(detection: Nanoseconds) { self.detection = max(.millisecond, detection) }

  /// How long a master may work on its own word.
  var masterLease: Nanoseconds { detection / 100 * 80 }
  /// Without an answer of the master's workers for so long, its deputy follows it. Beyond the master's lease there is
  /// time for a clock that is slow.
  var succession: Nanoseconds { detection / 100 * 95 }
  /// How long a client may work on its master's word: long enough to outlive a succession without a gap, however long
  /// before a death the last keepalive was.
  var clientLease: Nanoseconds { detection / 100 * 185 }
  /// A client without a master waits so long for a successor: workers whose control stands still may hold him up.
  var patience: Nanoseconds { masterLease + succession + detection }
  /// After so long by the master's clock a client's lease is over by the client's: a clock may go wrong by 1/64.
  var surelyEnded: Nanoseconds { clientLease + clientLease / 64 }
  /// Between two questions to somebody who is suspected, and between a deputy's probes.
  var probeInterval: Nanoseconds { detection / 10 }
  /// A master that misses somebody speaks so often to whoever may come back as another master: until the two have heard
  /// each other, both work. Keepalives alone would let that last for a whole period. For so long it does, and no longer:
  /// a machine that is broken for good is not worth it.
  var seekInterval: Nanoseconds { max(detection / 20, 2 * .millisecond) }
  var seekFor: Nanoseconds { 600 * .second }
  /// Which hosts are with us is learned for so long after somebody went missing; later ones wait until another half's
  /// master would have been heard several times, though a processor of a virtual machine stands still for a while.
  var learning: Nanoseconds { detection / 2 }
  var doubt: Nanoseconds { max(4 * seekInterval, 20 * .millisecond) }
  /// What one of another half says at such distances belongs together: who asks to be let in does so more often.
  var strangers: Nanoseconds { max(patience, 4 * joinWait) }
  /// Who has less than this of its lease left asks for more: a master that dies right then is followed, and his successor
  /// heard, before the lease is over. So nobody else's share is away while an office changes hands.
  var shortLease: Nanoseconds { clientLease / 4 * 3 }

  /// A handover that waits for a next owner who is slow costs nothing until the old one has stopped.
  var handover: Patience { Patience(giving: 5 * detection, consigning: detection) }

  /// A unit outside is in no hurry: so often it probes all others, and so long nobody may have answered before it
  /// offers itself. No lease is longer.
  var lookInterval: Nanoseconds { max(detection / 4, 20 * .millisecond) }
  var aloneAfter: Nanoseconds { max(2 * detection, 160 * .millisecond) }

  /// What a member said of its load counts for so long.
  var measuredWithin: Nanoseconds { 5 * measureInterval }

  /// Between two keepalives (X2), where `n` of them fit into the detection time.
  func period(_ n: Int) -> Nanoseconds { detection / UInt64(max(1, n)) }
}

import Contract
import ControlKit

/// Our own two links, as the kernel speaks of them. A link that comes and goes is to move nobody's work each time.
struct Links {
  private var isMissing = [false, false]
  /// Both were there again.
  private var backAt: Moment?
  /// After that, who asks to be let in waits for so long.
  private var patience: Nanoseconds = 0

  /// A gateway needs both sides.
  var areWhole: Bool { !isMissing.contains(true) }

  /// Where there is a master who would deal to us, not before then.
  var trustedFrom: Moment { backAt.map { $0 + patience } ?? 0 }

  /// False where that is known.
  mutating func lose(_ side: Side, now: Moment, _ profile: Profile) -> Bool {
    guard !isMissing[Int(side.rawValue)] else { return false }
    if areWhole {
      let isSteady = backAt.map { $0.age(at: now) >= profile.steadiness } ?? true
      patience = isSteady ? profile.joinWait : min(2 * patience, profile.mostLinkPatience)
    }
    isMissing[Int(side.rawValue)] = true
    return true
  }

  mutating func regain(_ side: Side, now: Moment) -> Bool {
    guard isMissing[Int(side.rawValue)] else { return false }
    isMissing[Int(side.rawValue)] = false
    if areWhole { backAt = now }
    return true
  }
}

/// A member sees its own link go long before others miss it. It can carry nothing through any more, so it goes at once,
/// and says so by the side that is left: nobody has to wait for its silence, nor for its lease.
extension ClusterUnit {
  mutating func lose(_ side: Side) {
    guard links.lose(side, now: now, profile) else { return }
    tell(.linkLost(side))
    switch role {
    case .outside: break
    case .joining(var joining):
      withdraw(&joining)
      role = .joining(joining)
    case .client: giveUp(.linkLost)
    // With nobody to follow him, he is still good for his own addresses on the side that is left.
    case .master(let master): if !master.members.isEmpty { giveUp(.linkLost) }
    }
  }

  mutating func regain(_ side: Side) {
    guard links.regain(side, now: now) else { return }
    tell(.linkBack(side))
    guard links.areWhole, case .joining = role else { return }
    // As if it had just begun: what it has heard meanwhile, it has heard by one side. First it hears whether there is a
    // master who would deal to it.
    role = .joining(Joining(now: now, first: jitter.around(profile.joinWait)))
  }

  /// Who lacks a link asks nobody, and so whoever asks lacks none, and whoever leads has others or is better off.
  func isBetterOff(_ message: Message) -> Bool {
    switch message {
    case .joinRequest, .offer, .masterKeepalive, .otherMaster: true
    default: false
    }
  }

  /// Alone in office without a link, until somebody is heard who can do more, be it by one side.
  mutating func makeWay(for message: Message) -> Bool {
    guard !links.areWhole, isMaster, isBetterOff(message) else { return false }
    giveUp(.linkLost)
    return true
  }
}

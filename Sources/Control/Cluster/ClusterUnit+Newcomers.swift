public import ControlKit

/// While somebody is missing he may be working elsewhere, for hosts of his own. When such a half comes back, packets reach
/// both halves before their masters have heard each other (X19). But each half knows the hosts of its own: so what comes
/// from a host that has not been heard since the others went missing waits until another master would have been heard.
/// Without one it is worked on; with one it is lost, for he may have worked on it.
extension ClusterUnit {
  private var doubtsNewcomers: Bool {
    switch role {
    case .master(let master): seeks(master)
    case .client(let client):
      client.soughtAt.map { $0.age(at: now) < profile.patience } ?? false
        && client.members.count < description.others.count
    case .joining, .outside: false
    }
  }

  /// Somebody else is missing now: which hosts are with us has to be learned anew.
  mutating func learnHostsAnew() { strangers.isToLearn = true }

  /// To be called when all else is decided.
  mutating func directDoubts() {
    let doubts = doubtsNewcomers
    // Whose one wire was ours has no hosts in common with us any more.
    if strangers.fallSilent(now, after: profile.strangers) { strangers.isToLearn = true }
    if doubts, !isDoubting || strangers.isToLearn {
      direct(.doubt(learning: profile.learning, waiting: profile.doubt))
    }
    if !doubts, isDoubting { direct(.trust) }
    isDoubting = doubts
    strangers.isToLearn = false
  }

  /// A word of somebody who is not of our half. Whoever asks to be let in has ended what he ran; of others nobody knows when
  /// they do, but their leases end.
  mutating func noteStranger(_ message: Message, _ from: Sender) {
    guard isDoubting, !isOurs(from), !isFarewell(message, from) else { return }
    if case .joinRequest = message {
      // Who goes on asking has ended it long ago.
      guard strangers.asks(from, now, within: profile.strangers) else { return }
      direct(.stranger(until: now + profile.doubt))
    } else {
      direct(.stranger(until: now + profile.surelyEnded))
    }
  }

  /// Of one who was with us until just now: he has ended what he ran, and says so more than once.
  private func isFarewell(_ message: Message, _ from: Sender) -> Bool {
    guard from.term == term || from.term == termBefore else { return false }
    return switch message {
    case .leave, .succeed: true
    default: false
    }
  }

  /// Somebody has joined. He may have been of another half, even if none of its words has come here.
  mutating func noteArrival() {
    if isDoubting { direct(.stranger(until: now + profile.surelyEnded)) }
  }

  private func isOurs(_ from: Sender) -> Bool {
    switch role {
    case .master(let master):
      master.members.contains { $0.unit == from.unit && $0.incarnation == from.incarnation }
    case .client(let client):
      from.unit == client.master && from.incarnation == client.masterIncarnation
        || client.members.contains { $0.unit == from.unit && $0.incarnation == from.incarnation }
    case .joining, .outside: false
    }
  }

  /// A message that came by one wire of two, and so does not count, but for this: two halves that become one do so one
  /// wire after the other. Where it stays at one, both halves work for the hosts of that side, and nothing is gained by
  /// letting new ones wait.
  public mutating func overhear(_ message: Message, in envelope: Envelope, now: Moment) -> [Directive] {
    guard advance(to: now), let sender = MemberNumber(exactly: envelope.sender), sender != own,
      description.unit(sender) != nil
    else { return takeDirectives() }
    _ = makeWay(for: message)
    // Who asks to be let in works for nobody.
    let isRequest = if case .joinRequest = message { true } else { false }
    if !isRequest {
      let since = strangers.overhear(sender, now, within: profile.strangers)
      guard since.age(at: now) < profile.patience + profile.surelyEnded else { return takeDirectives() }
    }
    noteStranger(message, Sender(unit: sender, incarnation: envelope.incarnation, term: envelope.term))
    return takeDirectives()
  }
}

/// What is known of units that are not of our half.
struct Strangers {
  var isToLearn = false
  /// By unit: its life, and when it asked to be let in last.
  private var askedAt: [MemberNumber: (incarnation: UInt64, at: Moment)] = [:]
  /// Units that are heard by one wire alone: since when, and when last.
  private var oneSided: [MemberNumber: (since: Moment, last: Moment)] = [:]

  /// True where it did not ask just before.
  mutating func asks(_ from: Sender, _ now: Moment, within patience: Nanoseconds) -> Bool {
    let last = askedAt[from.unit]
    askedAt[from.unit] = (from.incarnation, now)
    return last.map { $0.incarnation != from.incarnation || $0.at.age(at: now) >= patience } ?? true
  }

  /// Since when it has been heard by one wire.
  mutating func overhear(_ unit: MemberNumber, _ now: Moment, within gap: Nanoseconds) -> Moment {
    let known = oneSided[unit].flatMap { $0.last.age(at: now) < gap ? $0.since : nil }
    oneSided[unit] = (known ?? now, now)
    return known ?? now
  }

  /// It is heard by both.
  mutating func hear(_ unit: MemberNumber) { oneSided[unit] = nil }

  /// Whether one that was heard by one wire is not any more.
  mutating func fallSilent(_ now: Moment, after gap: Nanoseconds) -> Bool {
    if oneSided.isEmpty { return false }
    let silent = oneSided.filter { $0.value.last.age(at: now) >= gap }
    for unit in silent.keys { oneSided[unit] = nil }
    return !silent.isEmpty
  }
}

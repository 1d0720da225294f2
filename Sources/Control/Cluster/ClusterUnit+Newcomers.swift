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
      client.soughtAt.map { $0.age(at: now) < profile.detection } ?? false
        && client.members.count < description.others.count
    case .joining, .outside: false
    }
  }

  /// Somebody else is missing now: which hosts are with us has to be learned anew.
  mutating func learnHostsAnew() { learnsHosts = true }

  /// To be called when all else is decided.
  mutating func directDoubts() {
    let doubts = doubtsNewcomers
    if doubts, !isDoubting || learnsHosts { direct(.doubt(learning: profile.learning, waiting: profile.doubt)) }
    if !doubts, isDoubting { direct(.trust) }
    isDoubting = doubts
    learnsHosts = false
  }

  /// A word of somebody who is not of our half. Whoever asks to be let in has ended what he ran; of others nobody knows when
  /// they do, but their leases end.
  mutating func noteStranger(_ message: Message, _ from: Sender) {
    guard isDoubting, !isOurs(from) else { return }
    switch message {
    case .joinRequest: direct(.stranger(until: now + profile.doubt))
    default: direct(.stranger(until: now + profile.surelyEnded))
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

  /// A message that came by one wire of two, and so does not count, but for this.
  public mutating func overhear(_ message: Message, in envelope: Envelope, now: Moment) -> [Directive] {
    guard advance(to: now), let sender = MemberNumber(exactly: envelope.sender), sender != own,
      description.unit(sender) != nil
    else { return takeDirectives() }
    noteStranger(message, Sender(unit: sender, incarnation: envelope.incarnation, term: envelope.term))
    return takeDirectives()
  }
}

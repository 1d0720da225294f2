import ControlKit

/// Without a cluster: ask to be let in three times, then offer to be the master, then be it (C4–C9, X15).
extension ClusterUnit {
  mutating func join() {
    role = .joining(Joining(now: now, first: jitter.between(0, profile.joinWait / 4)))
  }

  /// Back to the beginning (C6, C10, C21).
  mutating func giveUp(_ reason: ClusterEvent.Reason) {
    var last: (word: Message, to: MemberNumber?)?
    if case .master = role {
      direct(.retire)
      // Who cannot hear may be heard: members need not wait until their leases are over, too.
      if [.deaf, .stalled, .linkLost].contains(reason) { last = (.succeed, nil) }
    }
    if case .client(let client) = role, reason == .linkLost { last = (.leave(stamp: now), client.master) }
    abandon()
    // By one side alone, it is soon lost.
    if let last { for _ in 0..<(links.areWhole ? 1 : 3) { send(last.word, to: last.to) } }
    tell(.gaveUp(reason))
    if isDraining {
      role = .outside
      direct(.drained)
    } else {
      join()
    }
  }

  mutating func receiveJoining(_ message: Message, _ from: Sender) {
    guard case .joining(var joining) = role else { return }
    switch message {
    case .masterKeepalive: hear(from, &joining)
    case .otherMaster:
      // C8.
      hear(from, &joining)
    case .offer:
      guard joining.offeredAt != nil, let other = description.unit(from.unit) else { return }
      if other.isBefore(description.own) {
        withdraw(&joining)
        joining.nextTry = now + profile.joinWait + jitter.between(0, profile.joinWait)
      } else {
        send(.offer, to: from.unit)
      }
    case .joinAnswer(let answer):
      guard answer.echo >= joining.since, answer.echo <= now else { return }
      switch answer.verdict {
      case .inProgress:
        hear(from, &joining)
        joining.nextTry = now + jitter.around(profile.joinWait)
      case .refused(let reason):
        tell(.refused(reason))
        hear(from, &joining)
        joining.nextTry = now + jitter.around(.second)
      case .welcome(let roster, let table): return becomeClient(from, answer.echo, roster, table)
      }
    default: return
    }
    role = .joining(joining)
  }

  /// There is a master: whoever offers himself stops, and asks to be let in.
  private mutating func hear(_ from: Sender, _ joining: inout Joining) {
    let isNews = joining.master != from.unit || joining.masterHeardAt.age(at: now) > profile.joinWait
    joining.master = from.unit
    joining.masterHeardAt = now
    withdraw(&joining)
    // Not all at the same moment.
    if isNews { joining.nextTry = min(joining.nextTry, now + jitter.between(0, profile.detection / 4)) }
  }

  mutating func tickJoining() {
    guard links.areWhole, case .joining(var joining) = role else { return }
    if joining.nextLook <= now {
      joining.nextLook = now + (joining.claimedAt == nil ? profile.lookInterval : profile.probeInterval)
      look(&joining)
    }
    if joining.nextTry <= now {
      joining.nextTry = now + jitter.between(profile.joinWait, profile.joinWait * 3 / 2)
      if joining.claimedAt != nil {
        if !isFenced, mayLead(joining) { return becomeMaster(.alone) }
        withdraw(&joining)
      } else if isReadyToLead(joining) {
        claim(&joining)
      } else {
        tryAgain(&joining)
      }
    }
    role = .joining(joining)
  }

  /// Of two that offer themselves and cannot hear each other's offers, neither has a worker that answers. So workers
  /// answer first, for some probes, and only then there is work (X19).
  private mutating func claim(_ joining: inout Joining) {
    joining.claimedAt = now
    joining.nextLook = now
    joining.nextTry = now + 4 * profile.probeInterval
    extendLease(until: now + profile.masterLease)
  }

  mutating func withdraw(_ joining: inout Joining) {
    joining.offeredAt = nil
    joining.tries = 0
    guard joining.claimedAt != nil else { return }
    joining.claimedAt = nil
    fence()
    leaseUntil = 0
    joining.nextTry = now + jitter.between(0, 2 * profile.joinWait)
  }

  /// Whoever hears a worker of somebody's does not offer itself, so all are asked (X19).
  private mutating func look(_ joining: inout Joining) {
    if joining.master != nil, joining.masterHeardAt.age(at: now) <= profile.joinWait { return }
    for other in description.others { direct(.probe(other.number)) }
    // Every time: a longer silence would be taken for our own deafness.
    if segmentHeardAt.map({ $0.age(at: now) > profile.lookInterval / 2 }) ?? true { direct(.listen) }
  }

  private mutating func tryAgain(_ joining: inout Joining) {
    // What ran here may still be running: nobody is asked in before it has ended.
    guard holdings.running.isEmpty else {
      joining.nextTry = now + profile.probeInterval
      return
    }
    if let master = joining.master, joining.masterHeardAt.age(at: now) <= profile.joinWait * 3 {
      // Who has a master is missed by nobody; but the master may die meanwhile.
      if now < links.trustedFrom { return joining.nextTry = min(links.trustedFrom, now + profile.joinWait) }
      send(joinRequest, to: master)
    } else if joining.tries < profile.joinTries {
      joining.tries += 1
      // A master who heard it would deal to us now. He answers an offer as well, and is then known.
      if now >= links.trustedFrom { send(joinRequest) }
    } else if mayLead(joining) {
      joining.offeredAt = now
      joining.nextTry = now + profile.joinWait
      send(.offer)
    } else {
      joining.tries = 0
    }
  }

  private var joinRequest: Message {
    .joinRequest(
      JoinRequest(stamp: now, configuration: description.configuration, certificate: description.certificate))
  }

  /// C9: an offer that nobody has objected to.
  private func isReadyToLead(_ joining: Joining) -> Bool {
    guard let offeredAt = joining.offeredAt else { return false }
    return offeredAt.age(at: now) >= profile.joinWait && mayLead(joining)
  }

  /// Nobody works where we could hear it (X19), and we do hear.
  private func mayLead(_ joining: Joining) -> Bool {
    holdings.running.isEmpty && joining.answeredAt.age(at: now) >= profile.aloneAfter && hearsSegment
  }

  /// A unit that hears nothing knows nothing of who is there: it never takes office, and does not stay in it.
  var hearsSegment: Bool {
    segmentHeardAt.map { $0.age(at: now) < max(profile.detection, 2 * profile.lookInterval) } ?? false
  }

  private mutating func becomeClient(_ master: Sender, _ stamp: Moment, _ roster: UInt64, _ table: UInt64) {
    guard holdings.running.isEmpty else { return }
    if case .joining(var joining) = role { withdraw(&joining) }
    term = master.term
    hasBelonged = true
    // The table that is in force then is the first that we take.
    holdings.enter(term, version: max(1, table) - 1, now: now)
    role = .client(
      Client(master: master.unit, incarnation: master.incarnation, joinedAt: stamp, roster: roster, now: now))
    tell(.becameClient(of: master.unit, term: term))
    extendLease(until: stamp + profile.clientLease)
    sendKeepalive()
  }
}

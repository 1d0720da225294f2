import ControlKit

/// From one master to the next without a pause for joining (X18, X19).
extension ClusterUnit {
  /// A worker of this unit answers, so its lease lasts.
  mutating func noteAnswer(_ unit: MemberNumber) {
    switch role {
    case .client(var client):
      guard unit == client.master, client.answeredAt != nil else { return }
      client.answeredAt = now
      role = .client(client)
    case .joining(var joining):
      joining.answeredAt = now
      if joining.claimedAt != nil { withdraw(&joining) }
      role = .joining(joining)
    case .master, .outside: break
    }
  }

  /// Whoever stood still himself has heard nobody meanwhile. A deputy is called for each of its probes, ten times in a
  /// detection time.
  mutating func noteGap(_ gap: Nanoseconds) {
    switch role {
    case .client: if gap > profile.detection / 4 { forgetSilence() }
    case .joining: if gap > 2 * profile.lookInterval { forgetSilence() }
    case .master, .outside: break
    }
  }

  /// Nor has he who was deaf.
  mutating func noteHearing() {
    let usual = if case .joining = role { 3 * profile.lookInterval } else { profile.detection / 2 }
    if let last = segmentHeardAt, last.age(at: now) > usual { forgetSilence() }
    segmentHeardAt = now
  }

  /// The silence so far was our own, and says nothing of others.
  private mutating func forgetSilence() {
    switch role {
    case .client(var client):
      guard client.answeredAt != nil else { return }
      client.answeredAt = now
      role = .client(client)
    case .joining(var joining):
      joining.answeredAt = now
      role = .joining(joining)
    case .master, .outside: break
    }
  }

  /// The master is dead and not merely cut off: neither he nor his workers are there, and that for longer than his lease.
  /// We would hear them, since we hear others; and nobody else has taken his place.
  func maySucceed(_ client: Client) -> Bool {
    guard client.deputy == own, !isDraining, let answeredAt = client.answeredAt,
      answeredAt.age(at: now) >= profile.succession, client.heardAt.age(at: now) >= profile.detection,
      segmentHeardAt.map({ $0.age(at: now) <= profile.detection / 2 }) ?? false
    else { return false }
    return client.rivalHeardAt.map { $0.age(at: now) >= profile.detection } ?? true
  }

  mutating func succeedAtOnce() {
    guard case .client(var client) = role else { return }
    client.isMasterGone = true
    role = .client(client)
    takeOver(hasHandedOver(client.master) ? .masterWent : .masterUnable)
  }

  /// Who still has work has gone without a choice, and may come back with others.
  private func hasHandedOver(_ master: MemberNumber) -> Bool { holdings.table.sets(of: master).isEmpty }

  /// The next term begins. Members go on with what they run, under leases of ours from now on.
  mutating func takeOver(_ reason: ClusterEvent.Reason) {
    guard case .client(let client) = role, client.deputy == own, !isDraining else { return }
    // Whose lease is over may be no member any more, without knowing it, and his sets are others'. Where the master has
    // died, patience ends before that can be.
    guard reason == .masterDead || !isFenced else { return }
    var members: [Record] = []
    for entry in client.members where entry.unit != own && entry.unit != client.master {
      // For all that we know the old master has prolonged its lease right before his end.
      members.append(
        Record(
          unit: entry.unit, incarnation: entry.incarnation, since: entry.echo, stamp: entry.echo,
          granted: now + profile.surelyEnded,
          heardAt: now, admitted: 1))
    }
    for place in applications.indices { applications[place].left(client.master) }
    becomeMaster(reason, of: members)
  }

  mutating func becomeMaster(_ reason: ClusterEvent.Reason, of members: [Record] = []) {
    term = Term.next(after: max(term, greatestTerm, Term.first(of: description.incarnation)), for: own)
    greatestTerm = term
    holdings.enter(term, now: now)
    let isFirst = reason == .alone && !hasBelonged
    hasBelonged = true
    var master = Master(term: term, now: now, balance: profile.balanceInterval, isFirst: isFirst)
    for record in members { master.insert(record, description) }
    // Whoever was missing before is missing still.
    let isLoss = [.masterDead, .masterUnable, .alone].contains(reason)
    if isLoss || isDoubting { master.seeksUntil = now + profile.seekFor }
    if isLoss { learnHostsAnew() }
    if description.balance == .packets { master.assignment.weigh(loads.loads, members: members.count + 1) }
    role = .master(master)
    tell(.becameMaster(term: term, reason))
    extendLease(until: now + profile.masterLease)
    direct(.announce)
    sendMasterKeepalive()
    settle()
  }

  /// Some master's keepalive that is not ours. If he follows ours and knows us, we follow him (X18).
  mutating func hearOther(_ keepalive: MasterKeepalive, _ from: Sender) {
    guard case .client(var client) = role else { return }
    client.rivalHeardAt = now
    role = .client(client)
    // As long as ours is heard, it is for the two to agree who stays (C12). The deputy's silence may have begun a moment
    // before ours.
    let isHeard = client.heardAt.age(at: now) < profile.detection / 4 * 3
    let isOurs = isHeard && !client.isMasterGone && client.master != from.unit
    guard from.term > term, !isOurs else { return }
    guard keepalive.members.contains(where: { $0.unit == own && $0.incarnation == description.incarnation }) else {
      return giveUp(.masterSilent)
    }
    var next = Client(
      master: from.unit, incarnation: from.incarnation, joinedAt: client.joinedAt, roster: keepalive.roster, now: now)
    next.members = client.members
    next.soughtAt = client.soughtAt
    if !client.isMasterGone || !hasHandedOver(client.master) { learnHostsAnew() }
    next.n = keepalive.n
    _ = next.loss.note(keepalive.number)
    term = from.term
    holdings.enter(term, now: now)
    role = .client(next)
    tell(.becameClient(of: from.unit, term: term))
    sendKeepalive()
  }
}

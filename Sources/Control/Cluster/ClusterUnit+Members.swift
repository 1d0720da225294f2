import ControlKit

/// What a master hears from those who are members, and from those who want to be (C4, C14, C18).
extension ClusterUnit {
  mutating func receiveAsMaster(_ message: Message, _ from: Sender) {
    switch message {
    case .joinRequest(let request): admit(request, from)
    case .keepalive(let keepalive): hearMember(keepalive, from)
    case .question(let stamp): answer(stamp, from)
    case .leave(let stamp): letGo(from, stamp)
    case .offer: object(to: from)
    case .exit(echo: 0): noteYield()
    case .masterKeepalive(let keepalive): meet(live: keepalive.live, keepalive.stamp, from)
    case .otherMaster(let live, let stamp, let echo): settleWith(from, live: live, stamp: stamp, echo: echo)
    default: return
    }
  }

  /// Who goes has ended what it ran. Who has not given it away before lacks a link, and may come back: what it has said
  /// before it came is late.
  private mutating func letGo(_ from: Sender, _ stamp: Moment) {
    guard case .master(let master) = role, let place = master.place(of: from.unit), from.term == term else { return }
    let record = master.members[place]
    guard record.incarnation == from.incarnation, stamp > record.since else { return }
    remove(from.unit, record.isDraining ? .asked : .linkLost)
  }

  private mutating func admit(_ request: JoinRequest, _ from: Sender) {
    guard case .master(let master) = role else { return }
    if let place = master.place(of: from.unit) {
      let record = master.members[place]
      guard from.incarnation >= record.incarnation else { return }
      if from.incarnation == record.incarnation {
        // From before it was a member.
        guard request.stamp > record.stamp else { return }
        if !record.hasReported {
          if record.admitted > 1 { return welcomeAgain(place, request.stamp) }
          // Taken over with the office. By the request that comes now it may have become a member: it works under a lease
          // of the master before, and says what it runs, or that lease ends.
          return delay(request, from)
        }
      }
      // It asks, so it has ended what it ran; a later life has nothing of the one before.
      remove(from.unit, .again)
    }
    guard request.configuration == description.configuration else {
      return refuse("its configuration is another", request, from)
    }
    guard !isDraining, !master.isCollecting, master.members.count < ClusterDescription.mostUnits - 1 else {
      return delay(request, from)
    }
    for place in applications.indices {
      switch applications[place].opinion(on: from.unit, certificate: request.certificate) {
      case .welcome: continue
      case .undecided:
        return delay(request, from)
      case .veto(let reason): return refuse(reason, request, from)
      }
    }
    welcome(from, request.stamp)
  }

  private mutating func delay(_ request: JoinRequest, _ from: Sender) {
    send(.joinAnswer(JoinAnswer(echo: request.stamp, verdict: .inProgress)), to: from.unit)
  }

  private mutating func refuse(_ reason: String, _ request: JoinRequest, _ from: Sender) {
    send(.joinAnswer(JoinAnswer(echo: request.stamp, verdict: .refused(reason))), to: from.unit)
  }

  private mutating func welcome(_ from: Sender, _ stamp: Moment) {
    guard case .master(var master) = role else { return }
    master.roster += 1
    master.insert(
      Record(
        unit: from.unit, incarnation: from.incarnation, since: stamp, stamp: stamp, granted: now + profile.surelyEnded,
        heardAt: now,
        admitted: master.roster), description)
    master.heardAt = now
    // Nobody is missing any more, and who goes from here on is with nobody else.
    if master.members.count == description.others.count { master.seeksUntil = 0 }
    role = .master(master)
    send(
      .joinAnswer(
        JoinAnswer(echo: stamp, verdict: .welcome(roster: master.roster, table: master.assignment.table.version))),
      to: from.unit)
    tell(.joined(from.unit))
    for place in applications.indices { applications[place].joined(from.unit) }
    sendMasterKeepalive()
  }

  /// Our answer to its first request was lost, or is on its way.
  private mutating func welcomeAgain(_ place: Int, _ stamp: Moment) {
    guard case .master(var master) = role else { return }
    master.members[place].stamp = stamp
    master.members[place].granted = now + profile.surelyEnded
    let record = master.members[place]
    role = .master(master)
    send(
      .joinAnswer(
        JoinAnswer(echo: stamp, verdict: .welcome(roster: record.admitted, table: master.assignment.table.version))),
      to: record.unit)
  }

  private mutating func hearMember(_ keepalive: Keepalive, _ from: Sender) {
    guard case .master(var master) = role else { return }
    guard let place = master.place(of: from.unit), master.members[place].incarnation == from.incarnation else {
      // C14.
      return send(.exit(echo: keepalive.stamp), to: from.unit)
    }
    // What it has said before it was let in may come again.
    guard keepalive.stamp > master.members[place].since, master.members[place].loss.note(keepalive.number) else {
      return
    }
    hear(&master.members[place], keepalive.stamp)
    master.heardAt = now
    master.members[place].itsLoss = Double(keepalive.loss) / 65536
    master.members[place].isDraining = keepalive.isDraining
    var isBehind = false
    if from.term == term, keepalive.tableTerm == term {
      master.members[place].roster = max(master.members[place].roster, keepalive.roster)
      note(keepalive, place, &master)
      isBehind = keepalive.tableVersion < master.assignment.table.version
    }
    let isDue = isBehind && master.members[place].tableSentAt.age(at: now) >= profile.probeInterval
    if isDue { master.members[place].tableSentAt = now }
    role = .master(master)
    if isDue { send(.table(master.assignment.table), to: from.unit) }
    settle()
  }

  private mutating func note(_ keepalive: Keepalive, _ place: Int, _ master: inout Master) {
    let unit = master.members[place].unit
    if master.isCollecting { master.assignment.adopt(keepalive.running, of: unit) }
    if !master.members[place].hasReported {
      master.members[place].hasReported = true
      // Whoever comes has a share when all have heard of it, and need not wait for the next round of every two seconds.
      // What packets cost it has to be measured first.
      if description.balance == .sets { master.nextBalance = min(master.nextBalance, now + 2 * profile.detection) }
    }
    master.members[place].table = keepalive.tableVersion
    master.assignment.note(unit, runs: keepalive.running, by: keepalive.tableVersion)
  }

  /// Its lease lasts from the moment that it names; by our clock we know of it only now.
  private mutating func hear(_ record: inout Record, _ stamp: Moment) {
    record.heardAt = now
    if stamp > record.stamp {
      record.stamp = stamp
      record.granted = now + profile.surelyEnded
    }
    if record.isSuspected {
      record.isSuspected = false
      tell(.cleared(record.unit))
    }
  }

  private mutating func answer(_ stamp: Moment, _ from: Sender) {
    guard case .master(var master) = role else { return }
    guard let place = master.place(of: from.unit), master.members[place].incarnation == from.incarnation else {
      return send(.exit(echo: stamp), to: from.unit)
    }
    hear(&master.members[place], stamp)
    master.heardAt = now
    role = .master(master)
    send(.answer(echo: stamp), to: from.unit)
  }
}

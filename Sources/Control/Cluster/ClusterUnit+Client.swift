import ControlKit

/// A member that is not the master (C5, C19–C21).
extension ClusterUnit {
  mutating func receiveAsClient(_ message: Message, _ from: Sender) {
    guard case .client(let client) = role else { return }
    let isMaster = from.unit == client.master && from.incarnation == client.masterIncarnation
    switch message {
    case .masterKeepalive(let keepalive):
      if isMaster { hearMaster(keepalive, from) } else { hearOther(keepalive, from) }
    case .table(let table):
      // X12: an older term is refused, and so is a table that is known not to be in force any more.
      guard isMaster, from.term >= term, from.term > term || table.version >= client.tableKnown else { return }
      enter(from.term)
      apply(table)
      sendKeepalive()
    case .otherMaster(_, _, let echo):
      guard isMaster, echo == 0 else { return }
      noteSeeking()
    case .question:
      if isMaster { sendKeepalive() }
    case .answer(let echo):
      guard isMaster, from.term >= term, echo >= client.joinedAt, echo <= now else { return }
      noteAnswer(from.unit)
      // Who has been fenced waits for a word that says which table is in force.
      if !isFenced { extendLease(until: echo + profile.clientLease) }
    case .exit(let echo):
      // C6. A word from before we were let in is late.
      guard isMaster, echo == 0 ? from.term >= term : echo >= client.joinedAt && echo <= now else { return }
      giveUp(isDraining ? .asked : .removed)
    case .succeed:
      guard isMaster, from.term >= term else { return }
      succeedAtOnce()
    case .joinRequest:
      // A later life of the master is the end of the one that we know.
      guard from.unit == client.master, from.incarnation > client.masterIncarnation else { return }
      takeOver(.masterRestarted)
    default: return
    }
  }

  private mutating func hearMaster(_ keepalive: MasterKeepalive, _ from: Sender) {
    // Nothing from before the roster that we are in for the first time.
    guard case .client(var client) = role, from.term >= term, from.term > term || keepalive.roster >= client.roster,
      client.loss.note(keepalive.number)
    else { return }
    let entry = keepalive.members.first { $0.unit == own && $0.incarnation == description.incarnation }
    guard let entry else { return giveUp(.removed) }
    if from.term > term { client.tableKnown = 0 }
    enter(from.term)
    client.heardAt = now
    client.n = keepalive.n
    let period = profile.period(Int(keepalive.n))
    // So that its answer is in the master's next keepalive, and still fresh then.
    client.nextKeepalive = now + jitter.between(period * 5 / 8, period * 3 / 4)
    let isNews = keepalive.roster > client.roster || client.members.isEmpty
    if isNews {
      if isWithout(client.members, keepalive.members) { learnHostsAnew() }
      if isWithout(keepalive.members, client.members) { noteArrival() }
      tellApplications(from: client.members, to: keepalive.members)
      client.roster = keepalive.roster
    }
    client.members = keepalive.members
    client.tableKnown = max(client.tableKnown, keepalive.tableVersion)
    if keepalive.deputy == own {
      if client.deputy != own { client.answeredAt = now }
    } else {
      client.answeredAt = nil
    }
    client.deputy = keepalive.deputy
    role = .client(client)
    if entry.echo >= client.joinedAt, entry.echo <= now, mayWork(by: keepalive.tableVersion) {
      extendLease(until: entry.echo + profile.clientLease)
    }
    // The master deals nothing to a member before all know of it.
    if isNews { sendKeepalive() }
  }

  /// It misses somebody (see `seek`), and so do we.
  private mutating func noteSeeking() {
    guard case .client(var client) = role else { return }
    client.soughtAt = now
    role = .client(client)
  }

  /// Whether one of them is not there any more.
  private func isWithout(_ old: [MasterKeepalive.Entry], _ new: [MasterKeepalive.Entry]) -> Bool {
    old.contains { entry in !new.contains { $0.unit == entry.unit && $0.incarnation == entry.incarnation } }
  }

  /// Whether what runs here may go on, under a table of that version. Whoever was fenced may have been given up meanwhile,
  /// and let in again by a request that was on its way for long: what ran may be somebody else's by now.
  private func mayWork(by version: UInt64) -> Bool {
    !isFenced || holdings.running.isEmpty || holdings.table.version >= version
  }

  /// A later term of the same master.
  private mutating func enter(_ term: UInt64) {
    guard term > self.term else { return }
    self.term = term
    holdings.enter(term, isSameMaster: true, now: now)
    guard case .client(var client) = role else { return }
    client.tableKnown = 0
    role = .client(client)
  }

  /// C19.
  private mutating func tellApplications(from old: [MasterKeepalive.Entry], to new: [MasterKeepalive.Entry]) {
    for entry in old where !new.contains(where: { $0.unit == entry.unit && $0.incarnation == entry.incarnation }) {
      for place in applications.indices { applications[place].left(entry.unit) }
    }
    for entry in new where entry.unit != own {
      guard !old.contains(where: { $0.unit == entry.unit && $0.incarnation == entry.incarnation }) else { continue }
      for place in applications.indices { applications[place].joined(entry.unit) }
    }
  }

  mutating func tickClient() {
    guard case .client(var client) = role else { return }
    if client.heardAt.age(at: now) >= profile.patience {
      // C5, C21, where no deputy has spoken within one detection time (X18).
      return giveUp(.masterSilent)
    }
    if isFenced, leaseUntil.age(at: now) >= profile.patience {
      // Heard, but not by the master: it has taken us from its roster, or soon will.
      return giveUp(.lapsed)
    }
    if maySucceed(client) { return takeOver(.masterDead) }
    if client.nextKeepalive <= now {
      role = .client(client)
      sendKeepalive()
      guard case .client(let sent) = role else { return }
      client = sent
    }
    if leaseUntil < now + profile.shortLease, client.nextQuestion <= now {
      client.nextQuestion = now + profile.probeInterval
      send(.question(stamp: now), to: client.master)
    }
    if client.deputy == own, client.nextProbe <= now {
      client.nextProbe = now + profile.probeInterval
      direct(.probe(client.master))
      if segmentHeardAt.map({ $0.age(at: now) >= profile.detection / 4 }) ?? true { direct(.listen) }
    }
    role = .client(client)
    if isDraining { leaveWhenEmpty() }
  }

  mutating func sendKeepalive() {
    guard case .client(var client) = role else { return }
    number += 1
    client.nextKeepalive = now + profile.period(Int(client.n))
    role = .client(client)
    send(
      .keepalive(
        Keepalive(
          number: number, stamp: now, roster: client.roster, tableTerm: holdings.table.term,
          tableVersion: holdings.table.version, loss: UInt16(min(65535, client.loss.probability * 65536)),
          isDraining: isDraining, running: holdings.running)),
      to: client.master)
  }

  /// Everything is with the others. If the word is lost, the master waits for a lease that nobody uses.
  private mutating func leaveWhenEmpty() {
    guard case .client(let client) = role, holdings.running.isEmpty, holdings.own.isEmpty, holdings.table.version > 0,
      holdings.table.pending(to: { $0 == own }).isEmpty
    else { return }
    abandon()
    send(.leave(stamp: now), to: client.master)
    giveUp(.asked)
  }
}

import ControlKit

/// Two masters that hear each other: one has to go (C8, C12, X16).
extension ClusterUnit {
  private struct Claim {
    var live: UInt8
    var term: UInt64
    var unit: UnitDescription

    /// More members win; then the later term, because an old master's word is refused; then the lower address.
    func wins(over other: Claim) -> Bool {
      if live != other.live { return live > other.live }
      if Term.count(term) != Term.count(other.term) { return term > other.term }
      return unit.isBefore(other.unit)
    }
  }

  private func claims(_ from: Sender, live: UInt8) -> (mine: Claim, his: Claim)? {
    guard case .master(let master) = role, let unit = description.unit(from.unit) else { return nil }
    let mine = Claim(live: self.live(master), term: term, unit: description.own)
    return (mine, Claim(live: live, term: from.term, unit: unit))
  }

  /// Somebody who was one of us may be the master of others by now.
  func seeks(_ master: Master) -> Bool {
    now < master.seeksUntil && master.members.count < description.others.count
  }

  /// Two halves that can reach each other again have two owners of each set until one of their masters has heard the
  /// other. So he who misses somebody speaks of himself more often than keepalives do.
  mutating func seek() {
    guard case .master(var master) = role, master.nextSeek <= now, seeks(master) else { return }
    master.nextSeek = now + profile.seekInterval
    role = .master(master)
    send(.otherMaster(live: live(master), stamp: now, echo: 0))
  }

  /// Another master's word of himself. What is of a later term and wins is believed at once: whoever cannot be heard would
  /// wait for an answer in vain. What is of an earlier one may be late, and its sender long gone: he is asked.
  mutating func meet(live: UInt8, _ stamp: Moment, _ from: Sender) {
    expel(from)
    guard let (mine, his) = claims(from, live: live) else { return }
    if his.wins(over: mine), from.term > term { return yield() }
    if isUnheard(mine.live) { return yield() }
    object(live: mine.live, to: from, echo: stamp)
  }

  /// Whom another master does not answer for so long, and nobody else either, is the one that is cut off.
  private mutating func isUnheard(_ live: UInt8) -> Bool {
    guard case .master(var master) = role else { return false }
    guard live == 1 else {
      master.unheardSince = nil
      role = .master(master)
      return false
    }
    // Not in a row with what was heard long ago.
    let isNew = (master.metAt ?? 0).age(at: now) >= profile.detection
    let since = isNew ? now : master.unheardSince ?? now
    master.metAt = now
    master.unheardSince = since
    role = .master(master)
    return since.age(at: now) >= profile.detection
  }

  /// The other one's answer to what we have said just now.
  mutating func settleWith(_ from: Sender, live: UInt8, stamp: Moment, echo: Moment) {
    // He answers nothing: he seeks, or refuses an offer.
    guard echo > 0 else { return meet(live: live, stamp, from) }
    expel(from)
    guard echo <= now, echo.age(at: now) < profile.succession, let (mine, his) = claims(from, live: live) else {
      return
    }
    if his.wins(over: mine) { return yield() }
    hasAnswered()
    raise(above: from.term)
    object(live: mine.live, to: from, echo: stamp)
  }

  private mutating func hasAnswered() {
    guard case .master(var master) = role else { return }
    master.unheardSince = nil
    role = .master(master)
  }

  /// C7, C8.
  mutating func object(to from: Sender) {
    guard case .master(let master) = role else { return }
    object(live: live(master), to: from, echo: 0)
  }

  private mutating func object(live: UInt8, to from: Sender, echo: Moment) {
    guard case .master(var master) = role else { return }
    guard echo == 0 || master.nextRefusal <= now else { return }
    if echo != 0 { master.nextRefusal = now + profile.probeInterval }
    role = .master(master)
    send(.otherMaster(live: live, stamp: now, echo: echo), to: from.unit)
  }

  /// Who is a master himself is no member of ours any more. What he ran, he runs until his lease has ended.
  private mutating func expel(_ from: Sender) {
    guard case .master(var master) = role, let place = master.place(of: from.unit) else { return }
    master.members[place].hasReported = false
    role = .master(master)
  }

  private mutating func yield() {
    // C6: our members join the other one. Said thrice, for it is all that the other one's hear of us: what they let wait has
    // been worked on here.
    for _ in 0..<3 { send(.exit(echo: 0)) }
    giveUp(.otherMaster)
  }

  /// Another master goes, who has said so to his members. Hosts of his half learn where the cluster is (C12): it is said
  /// thrice, and heard once.
  mutating func noteYield() {
    guard case .master(var master) = role, (master.wonAt ?? 0).age(at: now) >= profile.detection else { return }
    master.wonAt = now
    role = .master(master)
    direct(.announce)
  }

  /// Our word has to be newer than his for those who have heard both (X12), and the segment is told again (C12).
  private mutating func raise(above other: UInt64) {
    guard other > term, case .master(var master) = role else { return }
    term = Term.next(after: max(other, greatestTerm), for: own)
    greatestTerm = term
    master.assignment.restate()
    role = .master(master)
    direct(.announce)
    sendMasterKeepalive()
    settle()
  }
}

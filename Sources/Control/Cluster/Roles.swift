import ControlKit

/// What a unit is, with all that it knows as that and as nothing else.
enum Role {
  /// Out of the cluster by choice.
  case outside
  case joining(Joining)
  case client(Client)
  case master(Master)
}

/// Without a cluster: asking to be let in, at last offering itself (C4–C9, X15).
struct Joining {
  /// Answers to what was said before are somebody else's.
  let since: Moment
  var tries = 0
  var nextTry: Moment
  var nextLook: Moment
  /// The master that was heard last.
  var master: MemberNumber?
  var masterHeardAt: Moment = 0
  var offeredAt: Moment?
  /// Nobody has objected: our workers answer probes, and do nothing else yet.
  var claimedAt: Moment?
  /// When a worker of anybody's answered last; at first, when we began to ask.
  var answeredAt: Moment

  init(now: Moment, first: Nanoseconds) {
    since = now
    nextTry = now + first
    nextLook = now
    answeredAt = now
  }
}

/// A member that is not the master.
struct Client {
  var master: MemberNumber
  var masterIncarnation: UInt64
  /// The moment of our request: what the master says of earlier ones is old.
  let joinedAt: Moment
  /// The master's last keepalive.
  var heardAt: Moment
  /// It has said that it goes: whoever it named follows it.
  var isMasterGone = false
  /// Another master was heard.
  var rivalHeardAt: Moment?
  /// The master has said that he misses somebody.
  var soughtAt: Moment?
  var loss = LossEstimate()
  var n: UInt8 = 2
  /// The roster that has us for the first time, then the newest.
  var roster: UInt64
  var members: [MasterKeepalive.Entry] = []
  /// The newest table of this term that the master has spoken of.
  var tableKnown: UInt64 = 0
  var deputy: MemberNumber?
  var nextKeepalive: Moment
  var nextQuestion: Moment = 0
  var nextProbe: Moment = 0
  /// As deputy: when the master's worker answered last; at first, when we began to ask (X19).
  var answeredAt: Moment?

  init(master: MemberNumber, incarnation: UInt64, joinedAt: Moment, roster: UInt64, now: Moment) {
    self.master = master
    masterIncarnation = incarnation
    self.joinedAt = joinedAt
    self.roster = roster
    heardAt = now
    nextKeepalive = now
  }
}

/// Answers for the cluster's addresses, keeps the roster, deals the work.
struct Master {
  /// In the order of their addresses.
  var members: [Record] = []
  var roster: UInt64 = 1
  var nextKeepalive: Moment
  var nextBalance: Moment
  var nextListen: Moment = 0
  var renewedAt: Moment
  /// A member's keepalive.
  var heardAt: Moment
  var n: UInt8 = 2
  var assignment: Assignment
  /// A new master first hears from everybody, or sees his lease end, before it deals (X17).
  var isCollecting = true
  var isAlarmed = false
  var nextRefusal: Moment = 0
  /// Another master is heard, and does not answer us, since then.
  var unheardSince: Moment?
  var metAt: Moment?
  /// When another one has yielded to us last.
  var wonAt: Moment?
  /// Until then, whoever is missing may lead another half of ours, and is sought.
  var seeksUntil: Moment = 0
  var nextSeek: Moment = 0

  init(term: UInt64, now: Moment, balance: Nanoseconds, isFirst: Bool) {
    nextKeepalive = now
    nextBalance = now + balance
    renewedAt = now
    heardAt = now
    assignment = Assignment(term: term, isFirst: isFirst)
  }

  func place(of unit: MemberNumber) -> Int? { members.firstIndex { $0.unit == unit } }

  mutating func insert(_ record: Record, _ description: ClusterDescription) {
    guard let unit = description.unit(record.unit) else { return }
    let place = members.firstIndex { description.unit($0.unit).map { unit.isBefore($0) } ?? false }
    members.insert(record, at: place ?? members.count)
    assignment.admit(record.unit)
  }
}

/// What the master knows of a member.
struct Record {
  let unit: MemberNumber
  let incarnation: UInt64
  /// Of its clock: what it has said before is not for us.
  let since: Moment
  /// The newest moment that it sent us of its clock.
  var stamp: Moment
  /// By our clock, its lease has surely ended then.
  var granted: Moment
  var heardAt: Moment
  var loss = LossEstimate()
  /// What it loses of ours.
  var itsLoss = 0.0
  /// The roster that has it for the first time, and the one that it knows of.
  var admitted: UInt64
  var roster: UInt64 = 0
  /// The table that it goes by.
  var table: UInt64 = 0
  var isDraining = false
  /// Has said in this term what it runs.
  var hasReported = false
  var isSuspected = false
  var nextQuestion: Moment = 0
  /// When the table was sent to it last.
  var tableSentAt: Moment = 0
}

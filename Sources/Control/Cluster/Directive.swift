public import Contract
public import ControlKit

/// What a unit of the cluster wants done. The order of directives counts.
public enum Directive: Equatable, Sendable {
  /// In an envelope of this term; nil is for all.
  case send(Message, to: MemberNumber?, term: UInt64)
  /// Workers may send until then, and look right before each burst leaves (X17).
  case lease(until: Moment)
  /// Nothing is received or sent for work sets any more.
  case fence
  /// Work goes on. What waited meanwhile is thrown away first, with its reason (X17).
  case unfence
  /// Who owns what from now on. Which of our own sets run is said by `stop` and `start`.
  case ownership(OwnershipTable)
  /// To be answered by `Happening.noting`, when all workers note what they work on of these sets (X10).
  case give(WorkSetBitmap)
  /// They are not to be given after all.
  case keep(WorkSetBitmap)
  /// To be answered by `Happening.stopped`, when no worker has anything of these sets any more.
  case stop(WorkSetBitmap)
  /// To be answered by `Happening.holding`, when packets of these sets wait at all workers.
  case hold(WorkSetBitmap)
  /// They will not be ours: what waits is lost.
  case forgo(WorkSetBitmap)
  /// Of these, which are about to start, the last owner has worked on those packets: not on them again.
  case worked(WorkSetBitmap, WorkNotes)
  case start(WorkSetBitmap)
  /// Somebody is missing, and may work elsewhere: from now on hosts are learned for so long, and after that what comes
  /// from others waits for so long (X19).
  case doubt(learning: Nanoseconds, waiting: Nanoseconds)
  case trust
  /// One of another half is heard: what waits, and begins to wait until then, may be worked on there, and is lost.
  case stranger(until: Moment)
  /// Ask a unit's worker by the data plane. A worker answers while its lease lasts, and the kernel never (X19).
  case probe(MemberNumber)
  /// Make anybody on the segment answer, so that we know that we hear.
  case listen
  /// The cluster's addresses are ours to answer for: say so to the segment (C9, C12).
  case announce
  /// They are not any longer.
  case retire
  /// What was directed with it may wait for a moment where hosts still send to us what is others': nothing runs here, and
  /// our office is another's.
  case linger
  /// Nothing is left here, and nobody counts on us: the process may end.
  case drained
  case event(ClusterEvent)
}

/// What happens to a unit, besides messages and time.
public enum Happening: Equatable, Sendable {
  /// A probe of ours was answered by that unit's worker.
  case answered(MemberNumber)
  /// Workers have received something that somebody else sent. To be said several times in a detection time, if so.
  case heard
  /// All workers note what they work on of these sets.
  case noting(WorkSetBitmap)
  /// Packets of these wait, whichever worker they come to.
  case holding(WorkSetBitmap)
  /// No worker has anything of these sets any more; what they have noted of them is all.
  case stopped(WorkSetBitmap, WorkNotes)
  /// Give everything away, then leave.
  case drain
  /// Nobody believes us any more: leave, whatever we have.
  case disowned
  /// What our own sets cost; to be said every `Profile.measureInterval`.
  case measured(LoadReport)
  /// Our own link on that side has gone, or is there again.
  case unplugged(Side)
  case plugged(Side)
}

/// What an operator may want to know, with the reason.
public enum ClusterEvent: Equatable, Sendable {
  case joined(MemberNumber)
  case left(MemberNumber, Reason)
  case becameClient(of: MemberNumber, term: UInt64)
  case becameMaster(term: UInt64, Reason)
  case gaveUp(Reason)
  case refused(String)
  case suspected(MemberNumber)
  /// It is heard again.
  case cleared(MemberNumber)
  case fenced
  case unfenced
  case moved(sets: Int)
  /// More keepalives are lost than can be made good by sending more of them (X3).
  case lossTooHigh(MemberNumber)
  case linkLost(Side)
  case linkBack(Side)

  public enum Reason: String, Equatable, Sendable {
    case alone = "nobody else is there"
    case masterDead = "the master is silent, and its workers are too"
    case masterRestarted = "the master has begun another life"
    case masterWent = "the master has handed over"
    case masterUnable = "the master cannot go on"
    case otherMaster = "another master has more members"
    case stalled = "stood still longer than its lease"
    case deaf = "hears nothing of the segment"
    case masterSilent = "no master is heard"
    case removed = "the master says that we are no member"
    case lapsed = "its lease has ended"
    case asked = "it asked for that"
    case again = "it joins anew"
    case disowned = "its certificate does not hold any more"
    case linkLost = "one of its links has gone"
  }
}

extension ClusterEvent: CustomStringConvertible {
  public var description: String {
    switch self {
    case .joined(let unit): "unit \(unit) is a member"
    case .left(let unit, let reason): "unit \(unit) is no member any more: \(reason.rawValue)"
    case .becameClient(let master, let term): "member of unit \(master)'s cluster, term \(Term.count(term))"
    case .becameMaster(let term, let reason): "master, term \(Term.count(term)): \(reason.rawValue)"
    case .gaveUp(let reason): "out of the cluster: \(reason.rawValue)"
    case .refused(let reason): "the master does not let us in: \(reason)"
    case .suspected(let unit): "unit \(unit) is silent"
    case .cleared(let unit): "unit \(unit) is heard again"
    case .fenced: "fenced: no lease"
    case .unfenced: "works again"
    case .moved(let sets): "\(sets) work sets move"
    case .lossTooHigh(let unit): "unit \(unit) loses more keepalives than more of them can make good"
    case .linkLost(let side): "the \(side) link has gone"
    case .linkBack(let side): "the \(side) link is there again"
    }
  }
}

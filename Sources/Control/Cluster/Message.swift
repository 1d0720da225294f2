public import ControlKit

/// What units say to each other. A stamp is a moment by its sender's own clock: only the sender ever compares it with its
/// clock, when it comes back. On the way it has its life's mark (Message+Stamps.swift).
public enum Message: Equatable, Sendable {
  /// C4, to all.
  case joinRequest(JoinRequest)
  /// C4, C18.
  case joinAnswer(JoinAnswer)
  /// C7, to all.
  case offer
  /// C8, C12: there is another master, with so many members. `echo` is the stamp of the word that this answers: what is
  /// late moves nobody out of office. Or 0 where it answers none: then it counts as a keepalive does.
  case otherMaster(live: UInt8, stamp: Moment, echo: Moment)
  /// C13, C15, to all.
  case masterKeepalive(MasterKeepalive)
  /// C20, to the master.
  case keepalive(Keepalive)
  /// X12, to all or to one who missed it. The term is the envelope's.
  case table(OwnershipTable)
  /// Are you there? To be answered at once.
  case question(stamp: Moment)
  case answer(echo: Moment)
  /// C6, C14: you are no member. `echo` is the stamp of what it answers, or 0 to whole members of a master that goes.
  case exit(echo: Moment)
  /// A client that has nothing left, and wants to be a member no longer.
  case leave(stamp: Moment)
  /// From a master that has given up its work and its office: its deputy need not wait, nor others to follow him.
  case succeed
  /// Some of what goes along with work sets, on its way to their next owner, and its receipt.
  case part(ConsignmentPart)
  case partTaken(number: UInt32, term: UInt64, place: UInt16)
  /// To the next owner of these: from now on I note what I work on of them, so hold what comes (X10).
  case giving(WorkSetBitmap, version: UInt64)
  /// The answer, when it is so. `version` is the question's.
  case holding(WorkSetBitmap, version: UInt64)
  /// To all, so that the next master knows it as well.
  case load(LoadReport)
}

public struct JoinRequest: Equatable, Sendable {
  public var stamp: Moment
  public var configuration: UInt64
  public var certificate: [UInt8]
}

public struct JoinAnswer: Equatable, Sendable {
  public enum Verdict: Equatable, Sendable {
    /// A member from this roster on, and from this table on (C4). What is older may be said again by others: a process
    /// that has just begun knows none of it.
    case welcome(roster: UInt64, table: UInt64)
    case inProgress
    case refused(String)
  }
  public var echo: Moment
  public var verdict: Verdict
}

public struct MasterKeepalive: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var unit: MemberNumber
    public var incarnation: UInt64
    /// The newest stamp that the master has of this member: its lease counts from there.
    public var echo: Moment
    /// Diagnostic (X12).
    public var sets: UInt16
  }

  public var number: UInt64
  public var stamp: Moment
  /// The adaptive interval: so many keepalives to the detection time.
  public var n: UInt8
  /// Members with a lease in this term (X16), the master among them.
  public var live: UInt8
  public var roster: UInt64
  public var deputy: MemberNumber?
  public var tableVersion: UInt64
  /// The master itself is not among them.
  public var members: [Entry]
}

public struct Keepalive: Equatable, Sendable {
  public var number: UInt64
  public var stamp: Moment
  /// The roster that this client has heard of.
  public var roster: UInt64
  /// The table that it goes by.
  public var tableTerm: UInt64
  public var tableVersion: UInt64
  /// How much of the master's keepalives is lost, in 1/65536.
  public var loss: UInt16
  public var isDraining: Bool
  /// Sets that it has begun with, and not surely ended.
  public var running: WorkSetBitmap
}

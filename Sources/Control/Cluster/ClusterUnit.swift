public import ControlKit

/// One unit of a cluster: who is a member, who is master, whose work is what. Messages, happenings and moments go in,
/// directives come out; it reaches no socket, clock or randomness, so whole clusters run on one thread from one seed.
///
/// Three things keep two units from working on one set. Nobody works without a lease, and a lease is counted from the
/// moment at which its holder asked for it (X17). A master deals out a set when its last owner has said that he has
/// stopped, or his lease has surely ended. A master's word is refused where a later term is known (X12).
public struct ClusterUnit {
  let description: ClusterDescription
  var applications: [any Application]
  var jitter: Jitter
  var role = Role.outside
  var now: Moment = 0
  /// The term that we go by, and the greatest that we have heard of.
  var term: UInt64 = 0 {
    didSet { if term != oldValue { termBefore = oldValue } }
  }
  /// The one before, of the same cluster or of another.
  private(set) var termBefore: UInt64 = 0
  var greatestTerm: UInt64 = 0
  var holdings: Holdings
  /// Workers may work until then.
  public internal(set) var leaseUntil: Moment = 0
  public internal(set) var isFenced = true
  public internal(set) var isDraining = false
  /// A cluster that this life knows of has worked on something.
  var hasBelonged = false
  /// Somebody else's frame, by whatever way.
  var segmentHeardAt: Moment?
  /// Hosts that have not been heard since somebody went missing may be another half's.
  var isDoubting = false
  var strangers = Strangers()
  var links = Links()
  var loads = LoadBook()
  /// Keepalives are numbered from the first of this life.
  var number: UInt64 = 0
  /// When there is something to do, if nothing happens before. Nil is never.
  public private(set) var nextTimer: Moment?
  private var directives: [Directive] = []

  var profile: Profile { description.profile }
  var own: MemberNumber { description.own.number }

  /// `seed` keeps units from acting in step; it need not be secret.
  public init(_ description: ClusterDescription, applications: [any Application] = [], seed: UInt64) {
    self.description = description
    self.applications = applications
    jitter = Jitter(seed: mix(seed ^ mix(UInt64(description.own.number))))
    holdings = Holdings(unit: description.own.number)
  }

  /// To be called once, first of all.
  public mutating func start(now: Moment) -> [Directive] {
    advance(to: now)
    join()
    return takeDirectives()
  }

  /// A message that has passed the gate.
  public mutating func receive(_ message: Message, in envelope: Envelope, now: Moment) -> [Directive] {
    guard advance(to: now) else { return takeDirectives() }
    // A term that nobody reaches in years is a broken unit's, and would leave no room for later ones.
    guard let sender = MemberNumber(exactly: envelope.sender), sender != own, description.unit(sender) != nil,
      envelope.term <= Term.most
    else { return takeDirectives() }
    noteHearing()
    if envelope.term <= Term.mostBelieved { greatestTerm = max(greatestTerm, envelope.term) }
    let from = Sender(unit: sender, incarnation: envelope.incarnation, term: envelope.term)
    strangers.hear(sender)
    noteStranger(message, from)
    switch message {
    case .part, .partTaken, .giving, .holding: receiveHandover(message, from)
    case .load(let report): hearLoad(report, from)
    default:
      switch role {
      case .outside: break
      case .joining: if links.areWhole { receiveJoining(message, from) }
      case .client: receiveAsClient(message, from)
      case .master: if !makeWay(for: message) { receiveAsMaster(message, from) }
      }
    }
    return takeDirectives()
  }

  public mutating func receive(_ happening: Happening, now: Moment) -> [Directive] {
    guard advance(to: now) else { return takeDirectives() }
    switch happening {
    case .heard: noteHearing()
    case .answered(let unit):
      noteHearing()
      noteAnswer(unit)
    case .noting(let sets): areNoting(sets)
    case .holding(let sets): areHolding(sets)
    case .stopped(let sets, let notes): haveStopped(sets, notes)
    case .measured(let report): haveMeasured(report)
    case .unplugged(let side): lose(side)
    case .plugged(let side): regain(side)
    case .drain:
      isDraining = true
      if case .joining = role {
        role = .outside
        direct(.drained)
      }
    case .disowned:
      isDraining = true
      if case .outside = role {} else { giveUp(.disowned) }
    }
    return takeDirectives()
  }

  /// To be called at `nextTimer`, or later; what has come meanwhile is better handed over first.
  public mutating func tick(now: Moment) -> [Directive] {
    guard advance(to: now) else { return takeDirectives() }
    passOn()
    switch role {
    case .outside: break
    case .joining: tickJoining()
    case .client: tickClient()
    case .master: tickMaster()
    }
    return takeDirectives()
  }

  /// Time has passed. What it has ended, ends before anything else happens: a machine that stood still may have a
  /// message waiting that seems to prolong what is over. False where the call is over with that.
  @discardableResult
  mutating func advance(to moment: Moment) -> Bool {
    // Far from the end of all numbers, so that deadlines need no care.
    let before = now
    now = max(now, min(moment, .max / 2))
    noteGap(now - before)
    guard !isFenced, now > leaseUntil else { return true }
    fence()
    guard case .master = role else { return true }
    giveUp(.stalled)
    return false
  }

  // What the other files use

  mutating func direct(_ directive: Directive) { directives.append(directive) }
  mutating func tell(_ event: ClusterEvent) { directives.append(.event(event)) }

  mutating func send(_ message: Message, to unit: MemberNumber? = nil) {
    directives.append(.send(message, to: unit, term: term))
  }

  mutating func takeDirectives() -> [Directive] {
    directDoubts()
    let taken = directives
    directives = []
    nextTimer = soonest
    return taken
  }
}

/// Of a message that has come.
struct Sender {
  var unit: MemberNumber
  var incarnation: UInt64
  var term: UInt64
}

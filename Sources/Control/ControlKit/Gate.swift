/// What a message has to pass before it is believed. The cheap questions come first, each of them cheaper than a
/// signature by far; what they refuse costs nobody a core. Only what is signed well changes what a gate remembers.
public struct Gate: Sendable {
  public struct Limits: Sendable {
    /// A unit's share of signatures to be verified.
    public var perSender: Rate
    /// Of all strangers together: those that introduce themselves.
    public var strangers: Rate
    /// A unit's share of messages that come in great numbers for a moment, and of which types those are.
    public var bulk: Rate
    public var bulkTypes: Set<UInt8>

    public init(
      perSender: Rate = Rate(1000, burst: 200), strangers: Rate = Rate(20, burst: 20),
      bulk: Rate = Rate(10_000, burst: 2000), bulkTypes: Set<UInt8> = []
    ) {
      self.perSender = perSender
      self.strangers = strangers
      self.bulk = bulk
      self.bulkTypes = bulkTypes
    }
  }

  struct Sender: Sendable {
    var incarnation: UInt64 = 0
    var window = ReplayWindow()
    var bucket = TokenBucket()
    var bulk = TokenBucket()
  }

  private let cluster: UInt64
  private let own: UInt16
  /// Messages of these types may come from a unit that is not known.
  private let introductions: Set<UInt8>
  private let limits: Limits
  private var senders: [UInt16: Sender] = [:]
  private var strangers = TokenBucket()
  private var refused = [UInt64](repeating: 0, count: Refusal.allCases.count)
  public private(set) var passed: UInt64 = 0

  public init(cluster: UInt64, own: UInt16, introductions: Set<UInt8> = [], limits: Limits = Limits()) {
    self.cluster = cluster
    self.own = own
    self.introductions = introductions
    self.limits = limits
  }

  public subscript(_ refusal: Refusal) -> UInt64 { refused[Int(refusal.rawValue)] }

  /// A unit whose key is known from now on.
  public mutating func know(_ unit: UInt16) {
    if senders[unit] == nil { senders[unit] = Sender() }
  }

  public mutating func forget(_ unit: UInt16) { senders[unit] = nil }

  /// Everything: form, cheap questions, signature. Nil where one of them says no, which is counted.
  public mutating func judge(_ octets: [UInt8], by verifier: some Verifying, now: Moment) -> SealedMessage? {
    switch SealedMessage.reading(octets) {
    case .failure(let refusal):
      refuse(refusal)
      return nil
    case .success(let message):
      guard admit(message.envelope, now: now) else { return nil }
      guard verifier.isRight(message.signature, of: message.signed, in: message.envelope) else {
        refuse(.signature)
        return nil
      }
      commit(message.envelope)
      return message
    }
  }

  /// The cheap questions about a header, in their order. True takes one signature from the sender's share.
  public mutating func admit(_ envelope: Envelope, now: Moment) -> Bool {
    if let refusal = refusal(of: envelope, now: now) {
      refuse(refusal)
      return false
    }
    if senders[envelope.sender] != nil {
      if limits.bulkTypes.contains(envelope.type) {
        senders[envelope.sender]?.bulk.take(limits.bulk, now: now)
      } else {
        senders[envelope.sender]?.bucket.take(limits.perSender, now: now)
      }
    } else {
      strangers.take(limits.strangers, now: now)
    }
    return true
  }

  /// What was admitted is signed well.
  public mutating func commit(_ envelope: Envelope) {
    passed &+= 1
    guard var sender = senders[envelope.sender] else { return }
    senders[envelope.sender] = nil
    if envelope.incarnation > sender.incarnation {
      sender.incarnation = envelope.incarnation
      sender.window = ReplayWindow()
    }
    if envelope.incarnation == sender.incarnation { sender.window.note(envelope.sequence) }
    senders[envelope.sender] = sender
  }

  /// For who reads the payload.
  public mutating func refuse(_ refusal: Refusal) { refused[Int(refusal.rawValue)] &+= 1 }

  private func refusal(of envelope: Envelope, now: Moment) -> Refusal? {
    guard envelope.cluster == cluster else { return .cluster }
    guard envelope.sender != own, envelope.recipient == own || envelope.recipient == Envelope.everyone else {
      return .notForUs
    }
    guard let sender = senders[envelope.sender] else {
      guard introductions.contains(envelope.type) else { return .unknownSender }
      return strangers.allows(limits.strangers, now: now) ? nil : .rate
    }
    let isAllowed =
      limits.bulkTypes.contains(envelope.type)
      ? sender.bulk.allows(limits.bulk, now: now) : sender.bucket.allows(limits.perSender, now: now)
    guard isAllowed else { return .rate }
    let isSeen = envelope.incarnation == sender.incarnation && !sender.window.isNew(envelope.sequence)
    guard envelope.incarnation >= sender.incarnation, !isSeen, (1..<UInt64.max).contains(envelope.sequence) else {
      return .replay
    }
    return nil
  }
}

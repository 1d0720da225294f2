/// What a message has to pass before it is believed. The cheap questions come first, each of them cheaper than a
/// signature by far; what they refuse costs nobody a core. Only what is signed well changes what a gate remembers.
public struct Gate: Sendable {
  public struct Limits: Sendable {
    /// A unit's share of signatures to be verified, of messages with its watchword.
    public var perSender: Rate
    /// Of all others that are said to be that unit's. A message that comes late has no share but this.
    public var unproven: Rate
    /// Of all strangers together: those that introduce themselves.
    public var strangers: Rate
    /// A unit's share of messages that come in great numbers for a moment, and of which types those are.
    public var bulk: Rate
    public var bulkTypes: Set<UInt8>

    public init(
      perSender: Rate = Rate(1000, burst: 200), unproven: Rate = Rate(100, burst: 50),
      strangers: Rate = Rate(20, burst: 20),
      bulk: Rate = Rate(10_000, burst: 2000), bulkTypes: Set<UInt8> = []
    ) {
      self.perSender = perSender
      self.unproven = unproven
      self.strangers = strangers
      self.bulk = bulk
      self.bulkTypes = bulkTypes
    }
  }

  struct Sender: Sendable {
    var incarnation: UInt64 = 0
    var window = ReplayWindow()
    var known = KnownWatchword()
    var bucket = TokenBucket()
    var unproven = TokenBucket()
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
      guard admit(message.envelope, by: verifier, now: now) else { return nil }
      guard verifier.isRight(message.signature, of: message.signed, in: message.envelope) else {
        refuse(.signature)
        return nil
      }
      commit(message.envelope)
      return message
    }
  }

  /// The cheap questions about a header, in their order. True takes one signature from a share.
  public mutating func admit(_ envelope: Envelope, by hashing: some Hashing, now: Moment) -> Bool {
    if let refusal = refusal(of: envelope, by: hashing, now: now) {
      refuse(refusal)
      return false
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
      sender.known = KnownWatchword()
    }
    if envelope.incarnation == sender.incarnation {
      sender.window.note(envelope.sequence)
      sender.known.learn(envelope)
    }
    senders[envelope.sender] = sender
  }

  /// For who reads the payload.
  public mutating func refuse(_ refusal: Refusal) { refused[Int(refusal.rawValue)] &+= 1 }

  private mutating func refusal(of envelope: Envelope, by hashing: some Hashing, now: Moment) -> Refusal? {
    guard envelope.cluster == cluster else { return .cluster }
    let isForUs = envelope.recipient == own || envelope.recipient == Envelope.everyone
    guard envelope.sender != own else { return .notForUs }
    guard let sender = senders[envelope.sender] else {
      guard isForUs else { return .notForUs }
      guard introductions.contains(envelope.type) else { return .unknownSender }
      return Self.take(&strangers, limits.strangers, now)
    }
    guard isForUs else {
      // Its watchword is news all the same, and not one to be verified by.
      if hear(envelope, by: hashing) { senders[envelope.sender]?.known.spend() }
      return .notForUs
    }
    let isSeen = envelope.incarnation == sender.incarnation && !sender.window.isNew(envelope.sequence)
    guard envelope.incarnation >= sender.incarnation, !isSeen, (1..<UInt64.max).contains(envelope.sequence) else {
      return .replay
    }
    guard hear(envelope, by: hashing) else {
      return Self.take(&senders[envelope.sender, default: Sender()].unproven, limits.unproven, now)
    }
    return limits.bulkTypes.contains(envelope.type)
      ? Self.take(&senders[envelope.sender, default: Sender()].bulk, limits.bulk, now)
      : Self.take(&senders[envelope.sender, default: Sender()].bucket, limits.perSender, now)
  }

  /// Whether nobody but the sender can have said it, or who has just heard it.
  private mutating func hear(_ envelope: Envelope, by hashing: some Hashing) -> Bool {
    guard envelope.incarnation == senders[envelope.sender]?.incarnation else { return false }
    return senders[envelope.sender]?.known.hear(envelope, by: hashing) ?? false
  }

  private static func take(_ bucket: inout TokenBucket, _ rate: Rate, _ now: Moment) -> Refusal? {
    guard bucket.allows(rate, now: now) else { return .rate }
    bucket.take(rate, now: now)
    return nil
  }
}

/// Who says something to whom, and when in the sender's life: what stands before every control message, and is signed
/// with it.
///
///     0        1      2        4         6         8         16     24            32        40    56        72
///     version  type   length   sender    recipient cluster   term   incarnation   sequence  word  promised  payload
///
/// Behind the payload comes the signature.
public struct Envelope: Equatable, Sendable {
  /// What kind of payload follows. The module whose messages they are gives them meaning.
  public var type: UInt8
  public var sender: UInt16
  /// A unit, or `everyone`.
  public var recipient: UInt16
  public var cluster: UInt64
  public var term: UInt64
  /// One life of a unit's process. A later life has a greater one.
  public var incarnation: UInt64
  /// Rises by one with each message of an incarnation, whoever it is for.
  public var sequence: UInt64
  /// That the sender has just spoken, and what its next chain begins behind.
  public var word: Watchword
  public var promised: Watchword

  public static let everyone: UInt16 = 0xffff
  public static let version: UInt8 = 2
  public static let headerOctets = 72
  public static let signatureOctets = 64
  /// So that a whole message fits a frame of 1500 octets.
  public static let mostPayloadOctets = 1358
  public static let mostOctets = headerOctets + mostPayloadOctets + signatureOctets

  public init(
    type: UInt8, sender: UInt16, recipient: UInt16 = everyone, cluster: UInt64, term: UInt64, incarnation: UInt64,
    sequence: UInt64, word: Watchword = .none, promised: Watchword = .none
  ) {
    self.type = type
    self.sender = sender
    self.recipient = recipient
    self.cluster = cluster
    self.term = term
    self.incarnation = incarnation
    self.sequence = sequence
    self.word = word
    self.promised = promised
  }
}

extension Envelope {
  /// Header and payload: what is signed.
  public func octets(with payload: [UInt8]) -> [UInt8] {
    var writer = OctetWriter()
    writer.put(Self.version)
    writer.put(type)
    writer.put(UInt16(truncatingIfNeeded: payload.count))
    writer.put(sender)
    writer.put(recipient)
    writer.put(cluster)
    writer.put(term)
    writer.put(incarnation)
    writer.put(sequence)
    for word in [word, promised] {
      writer.put(word.high)
      writer.put(word.low)
    }
    writer.put(payload)
    return writer.octets
  }

  /// The whole message. Nil where the payload is longer than a message may be, or nothing could be signed.
  public func sealed(_ payload: [UInt8], by signer: some Signing) -> [UInt8]? {
    guard payload.count <= Self.mostPayloadOctets else { return nil }
    let octets = octets(with: payload)
    guard let signature = signer.signature(of: octets), signature.count == Self.signatureOctets else { return nil }
    return octets + signature
  }
}

/// Makes signatures as this unit.
public protocol Signing: Hashing {
  func signature(of octets: [UInt8]) -> [UInt8]?
}

/// Knows other units' keys.
public protocol Verifying: Hashing {
  /// `type` and `payload` are there for what introduces a unit that is not known yet: its certificate is in it.
  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool
}

/// Octets in the form of a message. Nothing of it is to be believed before a gate has let it pass.
public struct SealedMessage: Equatable, Sendable {
  public let envelope: Envelope
  public let payload: [UInt8]
  /// Header and payload.
  public let signed: [UInt8]
  public let signature: [UInt8]

  /// By length and version alone, in this order.
  public static func reading(_ octets: [UInt8]) -> Result<SealedMessage, Refusal> {
    guard octets.count >= Envelope.headerOctets + Envelope.signatureOctets, octets.count <= Envelope.mostOctets else {
      return .failure(.length)
    }
    var reader = OctetReader(octets)
    guard let version = reader.take8(), let type = reader.take8(), let length = reader.take16(),
      let sender = reader.take16(), let recipient = reader.take16(), let cluster = reader.take64(),
      let term = reader.take64(), let incarnation = reader.take64(), let sequence = reader.take64(),
      let word = reader.takeWatchword(), let promised = reader.takeWatchword()
    else { return .failure(.length) }
    guard Envelope.headerOctets + Int(length) + Envelope.signatureOctets == octets.count,
      let payload = reader.take(Int(length)), let signature = reader.take(Envelope.signatureOctets)
    else { return .failure(.length) }
    guard version == Envelope.version else { return .failure(.version) }
    let envelope = Envelope(
      type: type, sender: sender, recipient: recipient, cluster: cluster, term: term, incarnation: incarnation,
      sequence: sequence, word: word, promised: promised)
    let signed = Array(octets.prefix(octets.count - Envelope.signatureOctets))
    return .success(SealedMessage(envelope: envelope, payload: payload, signed: signed, signature: signature))
  }
}

extension OctetReader {
  fileprivate mutating func takeWatchword() -> Watchword? {
    guard let high = take64(), let low = take64() else { return nil }
    return Watchword(high: high, low: low)
  }
}

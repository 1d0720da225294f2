public import ControlKit

/// The other units' keys, by number, each by a certificate that an authority vouches for. What a unit has said is his
/// who holds the key; a certificate alone is no secret, so showing one proves nothing.
///
/// A gate asks `isRight`, which changes nothing here. Who has introduced himself, with a signature that is right, is
/// then to be made known: `introduce`, and the gate's `know`.
public struct UnitKeys: Verifying, Sendable {
  /// A unit whose messages do not count any more, and why.
  public struct Loss: Equatable, Sendable {
    public let number: UInt8
    public let refusal: IdentityRefusal
  }

  private struct Known: Sendable {
    let der: [UInt8]
    let certificate: UnitCertificate
    let key: IdentityKey
  }

  public let authority: ClusterAuthority
  /// Where in the payload of which messages a certificate begins, which then reaches to its end.
  private let introductions: [UInt8: Int]
  /// Seconds since 1970, as the shell last looked.
  public private(set) var now: Int64
  private var known: [UInt8: Known] = [:]

  public init(_ authority: ClusterAuthority, introductions: [UInt8: Int], now: Int64) {
    self.authority = authority
    self.introductions = introductions
    self.now = now
  }

  public subscript(_ number: UInt8) -> UnitCertificate? { known[number]?.certificate }
  public var numbers: [UInt8] { known.keys.sorted() }
  /// The certificate itself, for who has to show it to others.
  public func certificate(of number: UInt8) -> [UInt8]? { known[number]?.der }

  /// The clock has moved on, and the authority's files may have been read anew by another thread. Whose certificate does
  /// not hold any more, is forgotten.
  public mutating func advance(to now: Int64) -> [Loss] {
    self.now = now
    return recheck()
  }

  /// The authority's files are read anew. Whose certificate does not hold any more, is forgotten.
  public mutating func reload(now: Int64) throws(IdentityRefusal) -> [Loss] {
    try authority.reload()
    self.now = now
    return recheck()
  }

  /// From now on this unit's messages are checked with this certificate's key.
  @discardableResult
  public mutating func introduce(_ der: [UInt8], now: Int64) -> Result<UnitCertificate, IdentityRefusal> {
    self.now = now
    return candidate(der).map { candidate in
      known[candidate.certificate.number] = candidate
      return candidate.certificate
    }
  }

  public mutating func forget(_ number: UInt8) { known[number] = nil }

  public func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool {
    guard let number = UInt8(exactly: envelope.sender), let key = key(of: number, octets, envelope) else {
      return false
    }
    return key.isRight(signature, of: octets)
  }

  /// Why a certificate that is shown does not hold; nil where that is not what is wrong.
  public func refusal(_ octets: [UInt8]) -> IdentityRefusal? {
    guard case .success(let message) = SealedMessage.reading(octets), let place = introductions[message.envelope.type],
      case .failure(let refusal) = candidate(Array(message.signed.dropFirst(Envelope.headerOctets + place)))
    else { return nil }
    return refusal
  }

  /// The one that has to have signed. A renewed certificate is shown with a signature by its own key.
  private func key(of number: UInt8, _ octets: [UInt8], _ envelope: Envelope) -> IdentityKey? {
    guard let place = introductions[envelope.type] else {
      guard let known = known[number], known.certificate.refusal(at: now) == nil else { return nil }
      return known.key
    }
    let der = Array(octets.dropFirst(Envelope.headerOctets + place))
    guard case .success(let candidate) = candidate(der), candidate.certificate.number == number else { return nil }
    return candidate.key
  }

  /// What would be known if this certificate were introduced.
  private func candidate(_ der: [UInt8]) -> Result<Known, IdentityRefusal> {
    authority.check(der, now: now).flatMap { certificate in
      if let known = known[certificate.number] {
        if known.der == der { return .success(known) }
        // An older one may be in the hands of somebody for whose sake it was renewed.
        guard certificate.notBefore >= known.certificate.notBefore else {
          return .failure(
            IdentityRefusal(
              .older,
              "the certificate of \(certificate.name) (serial \(certificate.serial)) is older than the one known of that "
                + "unit (serial \(known.certificate.serial)): `hauberk identity unit` makes a new one"))
        }
      }
      guard let key = IdentityKey(publicOctets: certificate.publicKey) else {
        return .failure(
          IdentityRefusal(.form, "the certificate of \(certificate.name) holds no Ed25519 key: make a new one"))
      }
      return .success(Known(der: der, certificate: certificate, key: key))
    }
  }

  private mutating func recheck() -> [Loss] {
    var lost: [Loss] = []
    for number in numbers {
      guard let entry = known[number], case .failure(let refusal) = authority.check(entry.der, now: now) else {
        continue
      }
      known[number] = nil
      lost.append(Loss(number: number, refusal: refusal))
    }
    return lost
  }
}

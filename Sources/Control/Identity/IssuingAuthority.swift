internal import CCrypto
public import Wire

/// An authority with its private key, in PEM: what makes units' certificates, and takes them back. It has no place in a
/// running cluster.
public struct IssuingAuthority {
  /// What is to lie in files. A private key is for its owner alone.
  public struct Papers: Sendable {
    public let certificate: String
    /// Nil where somebody else has the private key.
    public let privateKey: String?
    public let serial: String
  }

  public let cluster: String
  private let der: [UInt8]
  private let terms: CertificateTerms
  private let key: IdentityKey

  /// Clocks differ: what is made now has counted since then.
  public static let backdatedSeconds: Int64 = 3600
  public static let secondsPerDay: Int64 = 86400

  /// A new authority, which vouches for itself.
  public static func make(cluster: String, days: Int, now: Int64) throws(IdentityRefusal) -> Papers {
    guard CertificateRole.isName(cluster) else {
      throw IdentityRefusal(
        .cluster,
        "'\(cluster)' is no name for a cluster: 1 to \(CertificateRole.mostNameOctets) letters, digits, '-', '_', '.'")
    }
    guard let key = IdentityKey.made() else { throw IdentityRefusal(.key, "OpenSSL makes no key on this machine") }
    var terms = CertificateTerms()
    terms.role = .authority(cluster: cluster)
    terms.subject = "authority of \(cluster)"
    terms.isAuthority = true
    terms.uses = UInt32(HAUBERK_USE_CERTIFICATES | HAUBERK_USE_REVOCATIONS)
    terms.publicKey = key.publicOctets
    try terms.last(days: days, from: now, until: nil)
    return try terms.papers(signer: key, issuer: nil, key)
  }

  /// By its files' paths.
  public init(certificate path: String, key keyPath: String) throws(IdentityRefusal) {
    der = try IdentityFile.certificates(path, most: Int(HAUBERK_MOST_AUTHORITIES))[0]
    guard let terms = CertificateTerms(der), case .authority(let cluster)? = terms.role, terms.isAuthority else {
      throw IdentityRefusal(
        .role, "\(path) is no certificate of a cluster's authority: `hauberk identity authority` makes one")
    }
    self.terms = terms
    self.cluster = cluster
    key = try IdentityFile.privateKey(keyPath)
    guard key.publicOctets == terms.publicKey else {
      throw IdentityRefusal(.key, "\(keyPath) is not the key of the authority in \(path): both were made together")
    }
  }

  /// A unit's certificate, for at most as long as the authority's own. `publicKey` is PEM; without it, a key is made.
  public func unit(
    _ number: Int, addresses: [IPAddress], days: Int, now: Int64, publicKey: [UInt8]? = nil
  ) throws(IdentityRefusal) -> Papers {
    guard let number = UInt8(exactly: number), UnitCertificate.numbers.contains(number) else {
      throw IdentityRefusal(.number, "a unit's number is 0 to \(UnitCertificate.numbers.upperBound), and not \(number)")
    }
    guard (1...UnitCertificate.mostAddresses).contains(addresses.count), Set(addresses).count == addresses.count,
      addresses.allSatisfy(\.isHost)
    else {
      throw IdentityRefusal(
        .form,
        "a unit has 1 to \(UnitCertificate.mostAddresses) addresses of its own, each one a host's, and none twice")
    }
    let made = publicKey == nil ? IdentityKey.made() : nil
    guard let key = made ?? publicKey.flatMap(IdentityKey.init(publicPEM:)) else {
      throw IdentityRefusal(.key, "there is no Ed25519 public key in PEM: `openssl pkey -in KEY -pubout` makes one")
    }
    var terms = CertificateTerms()
    terms.role = .unit(cluster: cluster, number: number)
    terms.subject = "unit \(number) of \(cluster)"
    terms.uses = UInt32(HAUBERK_USE_SIGNATURE)
    terms.addresses = addresses
    terms.publicKey = key.publicOctets
    try terms.last(days: days, from: now, until: self.terms.notAfter)
    return try terms.papers(signer: self.key, issuer: der, made)
  }

  /// The list of what counts no more, in PEM: `previous` (PEM, nil for none) and these serial numbers.
  public func revocations(_ previous: [UInt8]?, adding serials: [String], now: Int64) throws(IdentityRefusal) -> String
  {
    var list: [UInt8] = []
    if let previous {
      let found = PEM.blocks(PEM.revocations, in: previous, most: 1, mostOctets: Int(HAUBERK_MOST_REVOCATION_BYTES))
      guard let first = (try? found.get())?.first else {
        throw IdentityRefusal(.form, "the list of revoked certificates is none in PEM, or more than one")
      }
      list = first
    }
    // A list without entries is one, too.
    for serial in serials.isEmpty ? [""] : serials {
      let octets = Octets.reading(serial) ?? []
      guard serials.isEmpty || (1...Int(HAUBERK_MOST_SERIAL_BYTES)).contains(octets.count) else {
        throw IdentityRefusal(.form, "'\(serial)' is no serial number: they are hexadecimal digits, in pairs")
      }
      list = try extended(list, octets, now)
    }
    return try PEM.text(PEM.revocations, list)
  }

  private func extended(_ list: [UInt8], _ serial: [UInt8], _ now: Int64) throws(IdentityRefusal) -> [UInt8] {
    let made = Octets.filled(Int(HAUBERK_MOST_REVOCATION_BYTES)) { out in
      unsafe key.withHandle { handle in
        unsafe hauberk_revocations_make(
          handle, der, der.count, list, list.count, serial, serial.count, now, terms.notAfter, &out, out.count)
      }
    }
    guard let made = try? made.get() else {
      throw IdentityRefusal(
        .form,
        "the list of revoked certificates cannot be made longer: it has at most \(HAUBERK_MOST_REVOCATION_BYTES) octets; "
          + "make another authority")
    }
    return made
  }
}

extension CertificateTerms {
  /// From a while ago until so many days from now, and no longer than who signs.
  fileprivate mutating func last(days: Int, from now: Int64, until: Int64?) throws(IdentityRefusal) {
    guard (1...36500).contains(days) else {
      throw IdentityRefusal(.expired, "a certificate counts for 1 to 36500 days, and not for \(days)")
    }
    notBefore = now - IssuingAuthority.backdatedSeconds
    notAfter = now + Int64(days) * IssuingAuthority.secondsPerDay
    guard let until else { return }
    notAfter = min(notAfter, until)
    guard now < until else {
      throw IdentityRefusal(
        .expired, "the authority expired, \(UnitCertificate.text(until)): `hauberk identity authority` makes another")
    }
  }

  fileprivate mutating func papers(
    signer: IdentityKey, issuer: [UInt8]?, _ made: IdentityKey?
  ) throws(IdentityRefusal) -> IssuingAuthority.Papers {
    // So many by chance that no two are the same, and none begins with a zero.
    serialOctets = [UInt8](repeating: 0, count: 8)
    guard unsafe hauberk_identity_random(&serialOctets, serialOctets.count) else {
      throw IdentityRefusal(.key, "OpenSSL has no random numbers on this machine")
    }
    serialOctets[0] = serialOctets[0] & 0x3f | 0x40
    guard let der = signed(by: signer, issuer: issuer) else {
      throw IdentityRefusal(
        .form,
        "the certificate would have more than \(UnitCertificate.mostOctets) octets: give the unit fewer addresses")
    }
    return IssuingAuthority.Papers(
      certificate: try PEM.text(PEM.certificate, der),
      privateKey: try made.map { key throws(IdentityRefusal) in
        try key.privatePEM()
      }, serial: serial)
  }
}

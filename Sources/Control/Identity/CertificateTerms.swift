internal import CCrypto
internal import Wire

/// What a certificate says, whatever it is for.
struct CertificateTerms {
  var role: CertificateRole?
  /// For people.
  var subject = ""
  var isAuthority = false
  var uses: UInt32 = 0
  var addresses: [IPAddress] = []
  var publicKey: [UInt8] = []
  var serialOctets: [UInt8] = []
  var notBefore: Int64 = 0
  var notAfter: Int64 = 0

  var serial: String { Octets.hexadecimal(serialOctets) }
  var words: String { subject.isEmpty ? "" : " of '\(subject)'" }

  init() {}

  /// Nil for what is no certificate of an Ed25519 key.
  init?(_ octets: [UInt8]) {
    var raw = hauberk_certificate()
    guard octets.count <= UnitCertificate.mostOctets, unsafe hauberk_certificate_read(octets, octets.count, &raw) == 0
    else { return nil }
    self.init(raw)
  }

  init(_ raw: hauberk_certificate) {
    role = CertificateRole(uri: Self.text(raw.uri))
    subject = Self.text(raw.subject)
    isAuthority = raw.is_authority
    uses = raw.uses
    addresses = Self.octets(raw.addresses, MemoryLayout<hauberk_certificate_address>.size, Int(raw.address_count))
      .compactMap(Self.address)
    publicKey = Self.octets(raw.key)
    serialOctets = Array(Self.octets(raw.serial).prefix(Int(raw.serial_length)))
    notBefore = raw.not_before
    notAfter = raw.not_after
  }

  /// Signed by `signer`, whose certificate is `issuer`; without one, it signs itself. Nil where it is too long.
  func signed(by signer: IdentityKey, issuer: [UInt8]?) -> [UInt8]? {
    var raw = hauberk_certificate()
    raw.not_before = notBefore
    raw.not_after = notAfter
    raw.uses = uses
    raw.is_authority = isAuthority
    raw.serial_length = UInt8(truncatingIfNeeded: serialOctets.count)
    raw.address_count = UInt32(truncatingIfNeeded: addresses.count)
    let isShort =
      Self.put(serialOctets, &raw.serial) && Self.put(publicKey, &raw.key)
      && Self.put(Array(subject.utf8) + [0], &raw.subject) && Self.put(Array((role?.uri ?? "").utf8) + [0], &raw.uri)
      && Self.put(addresses.flatMap(Self.octets), &raw.addresses)
    guard isShort else { return nil }
    let made = Octets.filled(UnitCertificate.mostOctets) { out in
      unsafe signer.withHandle { handle in
        if let issuer {
          unsafe hauberk_certificate_make(&raw, handle, issuer, issuer.count, &out, out.count)
        } else {
          unsafe hauberk_certificate_make(&raw, handle, nil, 0, &out, out.count)
        }
      }
    }
    return try? made.get()
  }

  // C has arrays of fixed length, which are tuples here.

  private static func octets<Fixed>(_ array: Fixed) -> [UInt8] {
    unsafe withUnsafeBytes(of: array) { unsafe Array($0) }
  }

  private static func octets<Fixed>(_ array: Fixed, _ size: Int, _ count: Int) -> [[UInt8]] {
    let all = octets(array)
    return (0..<count).map { Array(all[$0 * size..<($0 + 1) * size]) }
  }

  private static func text<Fixed>(_ array: Fixed) -> String {
    String(decoding: octets(array).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// False where there is no room.
  private static func put<Fixed>(_ octets: [UInt8], _ array: inout Fixed) -> Bool {
    unsafe withUnsafeMutableBytes(of: &array) { place in
      guard octets.count <= place.count else { return false }
      unsafe place.copyBytes(from: octets)
      return true
    }
  }

  /// A length and 16 octets.
  private static func address(_ octets: [UInt8]) -> IPAddress? {
    func number(_ from: Int, _ count: Int) -> UInt64 {
      octets[from..<from + count].reduce(0) { $0 << 8 | UInt64($1) }
    }
    return switch octets[0] {
    case 4: .v4(IPv4Address(UInt32(number(1, 4))))
    case 16: .v6(IPv6Address(high: number(1, 8), low: number(9, 8)))
    default: nil
    }
  }

  private static func octets(_ address: IPAddress) -> [UInt8] {
    func octets(_ value: UInt64, _ count: Int) -> [UInt8] {
      (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    return switch address {
    case .v4(let address): [4] + octets(UInt64(address.value), 4) + [UInt8](repeating: 0, count: 12)
    case .v6(let address): [16] + octets(address.high, 8) + octets(address.low, 8)
    }
  }
}

internal import CCrypto

/// Files that say who somebody is.
enum IdentityFile {
  static func octets(_ path: String) throws(IdentityRefusal) -> [UInt8] {
    let read = Octets.filled(Int(HAUBERK_MOST_IDENTITY_FILE_BYTES)) { out in
      unsafe hauberk_identity_file(path, &out, out.count)
    }
    switch read {
    case .success(let octets): return octets
    case .failure(let code) where code.number == 0: throw IdentityRefusal(.form, "\(path) is empty")
    case .failure(let code) where code.number == HAUBERK_IDENTITY_ROOM:
      throw IdentityRefusal(.form, "\(path) has more than \(HAUBERK_MOST_IDENTITY_FILE_BYTES) octets")
    case .failure(let code): throw IdentityRefusal(.file, "cannot read \(path): \(words(errno: -code.number - 100))")
    }
  }

  /// The certificates of a PEM file, in DER.
  static func certificates(_ path: String, most: Int) throws(IdentityRefusal) -> [[UInt8]] {
    let text = try octets(path)
    let found = PEM.blocks(PEM.certificate, in: text, most: most, mostOctets: Int(HAUBERK_MOST_CERTIFICATE_BYTES))
    switch found {
    case .success(let certificates) where !certificates.isEmpty: return certificates
    case .failure(let code) where code.number == HAUBERK_IDENTITY_ROOM:
      throw IdentityRefusal(
        .form,
        "\(path) holds more than \(most) certificates, or one of more than \(HAUBERK_MOST_CERTIFICATE_BYTES) octets")
    default:
      throw IdentityRefusal(.form, "\(path) holds no certificate in PEM: `hauberk identity` makes them")
    }
  }

  static func revocations(_ path: String) throws(IdentityRefusal) -> [[UInt8]] {
    let text = try octets(path)
    let most = 2 * Int(HAUBERK_MOST_AUTHORITIES)
    let found = PEM.blocks(PEM.revocations, in: text, most: most, mostOctets: Int(HAUBERK_MOST_REVOCATION_BYTES))
    guard case .success(let lists) = found, !lists.isEmpty else {
      throw IdentityRefusal(
        .form, "\(path) holds no list of revoked certificates (X509 CRL) in PEM: `hauberk identity revoke` makes one")
    }
    return lists
  }

  static func privateKey(_ path: String) throws(IdentityRefusal) -> IdentityKey {
    var why: Int32 = 0
    let key = unsafe hauberk_identity_key_load(path, &why)
    if let key = unsafe key { return unsafe IdentityKey(key) }
    switch Int(why) {
    case HAUBERK_IDENTITY_EXPOSED:
      throw IdentityRefusal(.key, "\(path), a private key, can be read by others: `chmod 600 \(path)`")
    case HAUBERK_IDENTITY_FORM:
      throw IdentityRefusal(
        .key, "\(path) holds no Ed25519 private key in PEM without a passphrase: `hauberk identity unit` makes one")
    default: throw IdentityRefusal(.file, "cannot read \(path), a private key: \(words(errno: Int(why)))")
    }
  }

  private static func words(errno code: Int) -> String {
    unsafe String(cString: hauberk_identity_errno_words(Int32(code)))
  }
}

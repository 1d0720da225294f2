import CCrypto
import ControlKit

/// Two units that know each other's Ed25519 key: the real thing, as the shell will use it.
struct Ed25519: Signing, Verifying {
  private static let privateKey = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEICzLRsKUoKk202rgBRig/oeDXP0YsuQ/f/vnC1wPMfGf
    -----END PRIVATE KEY-----
    """
  private static let publicKey = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEAlbErV8uT8UU3JrUX/6x0ebFO7eZuRli2kjqBeFfc9wk=
    -----END PUBLIC KEY-----
    """

  func signature(of octets: [UInt8]) -> [UInt8]? {
    var signature = [UInt8](repeating: 0, count: Int(HAUBERK_SIGNATURE_BYTES))
    let made = hauberk_make_signature(Self.privateKey, Self.privateKey.utf8.count, octets, octets.count, &signature)
    return made == 0 ? signature : nil
  }

  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool {
    hauberk_verify_signature(Self.publicKey, Self.publicKey.utf8.count, octets, octets.count, signature) == 0
  }

  func hash(_ word: Watchword, times: Int) -> Watchword { word }
}

/// Stands in where a test is about something else: it counts how often it is asked.
final class Stamp: Signing, Verifying {
  var asked = 0
  var hashed = 0
  private let salt: UInt64

  init(salt: UInt64 = 1) { self.salt = salt }

  func signature(of octets: [UInt8]) -> [UInt8]? {
    var state = salt
    for octet in octets { state = mix(state ^ UInt64(octet)) }
    var writer = OctetWriter()
    for _ in 0..<8 { writer.put(state) }
    return writer.octets
  }

  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool {
    asked += 1
    return self.signature(of: octets) == signature
  }

  /// How often it was asked for, too.
  func hash(_ word: Watchword, times: Int) -> Watchword {
    hashed += times
    return (0..<times).reduce(word) { word, _ in Watchword(high: mix(word.low), low: mix(word.high ^ word.low)) }
  }
}

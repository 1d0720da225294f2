internal import CCrypto
public import Wire

/// Who a unit is, by its certificate (C2, C4). Whether that is true, a `ClusterAuthority` says.
public struct UnitCertificate: Equatable, Sendable {
  public var cluster: String
  /// 0…63.
  public var number: UInt8
  /// Its own, not the cluster's.
  public var addresses: [IPAddress]
  /// Ed25519, 32 octets.
  public var publicKey: [UInt8]
  /// Hexadecimal: what a revocation names.
  public var serial: String
  /// Seconds since 1970. It counts from the one to the other, both included.
  public var notBefore: Int64
  public var notAfter: Int64
  /// SHA-256 of the whole certificate, hexadecimal.
  public var fingerprint: String

  public static let numbers: ClosedRange<UInt8> = 0...63
  /// So that a request to join fits a frame.
  public static let mostOctets = Int(HAUBERK_MOST_CERTIFICATE_BYTES)
  public static let mostAddresses = Int(HAUBERK_MOST_CERTIFICATE_ADDRESSES)

  /// A unit by name, for people.
  public var name: String { "unit \(number) of \(cluster)" }

  /// By its form alone: nobody has vouched for it.
  init(_ terms: CertificateTerms, _ octets: [UInt8]) throws(IdentityRefusal) {
    guard let role = terms.role else {
      throw IdentityRefusal(
        .role, "a certificate\(terms.words) names no unit of a cluster: `hauberk identity unit` makes one that does")
    }
    guard case .unit(let cluster, let number) = role, !terms.isAuthority else {
      throw IdentityRefusal(
        .role, "a certificate\(terms.words) is an authority's, and no unit's: `hauberk identity unit` makes a unit's")
    }
    self.cluster = cluster
    self.number = number
    addresses = terms.addresses
    publicKey = terms.publicKey
    serial = terms.serial
    notBefore = terms.notBefore
    notAfter = terms.notAfter
    fingerprint = Octets.hexadecimal(Octets.digest(octets))
  }

  /// What time says against it.
  func refusal(at now: Int64) -> IdentityRefusal? {
    if now < notBefore {
      return IdentityRefusal(
        .early,
        "the certificate of \(name) (serial \(serial)) does not count yet, not before \(Self.text(notBefore)): "
          + "it is \(Self.text(now)) by this machine's clock, which may be wrong")
    }
    if now > notAfter {
      return IdentityRefusal(
        .expired,
        "the certificate of \(name) (serial \(serial)) has expired, \(Self.text(notAfter)): "
          + "`hauberk identity unit` makes a new one")
    }
    return nil
  }
}

/// What a certificate of a cluster is for.
enum CertificateRole: Equatable {
  case authority(cluster: String)
  case unit(cluster: String, number: UInt8)

  private static let scheme = "hauberk:"
  static let mostNameOctets = 32

  /// Letters, digits, `-`, `_` and `.`: it stands in a URI, in file names and on command lines.
  static func isName(_ text: some StringProtocol) -> Bool {
    let isPlain = text.utf8.allSatisfy { octet in
      switch octet {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    return isPlain && (1...mostNameOctets).contains(text.utf8.count)
  }

  /// `hauberk:NAME/authority`, or `hauberk:NAME/unit/NUMBER`.
  init?(uri: String) {
    guard uri.hasPrefix(Self.scheme) else { return nil }
    let parts = uri.dropFirst(Self.scheme.count).split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.first, Self.isName(name) else { return nil }
    if parts.count == 2, parts[1] == "authority" {
      self = .authority(cluster: String(name))
    } else if parts.count == 3, parts[1] == "unit", let number = UInt8(parts[2]), String(number) == parts[2],
      UnitCertificate.numbers.contains(number)
    {
      self = .unit(cluster: String(name), number: number)
    } else {
      return nil
    }
  }

  var uri: String {
    switch self {
    case .authority(let cluster): "\(Self.scheme)\(cluster)/authority"
    case .unit(let cluster, let number): "\(Self.scheme)\(cluster)/unit/\(number)"
    }
  }
}

import CCrypto
import FuzzKit
import Wire

@testable import Identity

/// Any octets as certificates, lists and PEM text. What an authority has not signed never holds; what it has signed holds
/// exactly if it is a unit's, whatever the names in it are.
@main
enum IdentityDriver {
  private static let now: Int64 = 1_800_000_000

  static func main() {
    guard let world = World(now: now) else { preconditionFailure("no authority can be made here") }
    fuzz { data, size in
      guard let data else { return }
      var input = FuzzInput(data, size)
      switch input.byte() % 5 {
      case 0: world.refused(input.octets(size))
      case 1:
        var bent = world.unit
        let isBent = input.bend(&bent)
        precondition((world.check(bent) == nil) == !isBent, "a change does not show")
      case 2: world.made(&input)
      case 3: world.list(input.octets(size))
      default: world.text(input.octets(size))
      }
    }
  }
}

private final class World {
  let now: Int64
  let key: IdentityKey
  let certificate: [UInt8]
  let unit: [UInt8]
  private let handle: OpaquePointer
  private let list: [UInt8]

  init?(now: Int64) {
    self.now = now
    guard let key = IdentityKey.made(), let authorities = hauberk_authorities_make() else { return nil }
    self.key = key
    handle = authorities
    var terms = CertificateTerms()
    terms.role = .authority(cluster: "north")
    terms.subject = "authority of north"
    terms.isAuthority = true
    terms.uses = UInt32(HAUBERK_USE_CERTIFICATES | HAUBERK_USE_REVOCATIONS)
    terms.publicKey = key.publicOctets
    terms.serialOctets = [1]
    (terms.notBefore, terms.notAfter) = (now, now + 100)
    guard let own = terms.signed(by: key, issuer: nil), hauberk_authorities_trust(handle, own, own.count) == 0 else {
      return nil
    }
    certificate = own
    guard let unit = World.terms(key).signed(by: key, issuer: own) else { return nil }
    self.unit = unit
    let made = Octets.filled(4096) { out in
      key.withHandle { handle in
        hauberk_revocations_make(handle, own, own.count, [], 0, [7], 1, now, now + 1, &out, out.count)
      }
    }
    guard case .success(let list) = made else { return nil }
    self.list = list
  }

  private static func terms(_ key: IdentityKey) -> CertificateTerms {
    var terms = CertificateTerms()
    terms.role = .unit(cluster: "north", number: 3)
    terms.subject = "unit 3 of north"
    terms.uses = UInt32(HAUBERK_USE_SIGNATURE)
    terms.publicKey = key.publicOctets
    terms.serialOctets = [0x41, 2]
    terms.addresses = [.v4(IPv4Address(0xc000_0201)), .v6(IPv6Address(high: 1, low: 2))]
    terms.notAfter = 100
    return terms
  }

  /// Nil: it holds.
  func check(_ der: [UInt8]) -> Int32? {
    var raw = hauberk_certificate()
    let found = hauberk_authorities_check(handle, der, der.count, &raw)
    precondition(raw.address_count <= UInt32(HAUBERK_MOST_CERTIFICATE_ADDRESSES), "more addresses than there are")
    _ = CertificateTerms(raw)
    return found >= 0 ? nil : found
  }

  func refused(_ der: [UInt8]) {
    precondition(check(der) != nil || der == unit, "nobody has signed this")
    if let terms = CertificateTerms(der) { _ = try? UnitCertificate(terms, der) }
  }

  /// Any terms, well signed.
  func made(_ input: inout FuzzInput) {
    var raw = hauberk_certificate()
    let uses = UInt32(input.byte())
    raw.uses = uses
    raw.is_authority = input.byte() & 3 == 0
    raw.not_before = Int64(truncatingIfNeeded: input.word() << 16)
    raw.not_after = Int64(truncatingIfNeeded: input.word() << 20)
    raw.serial_length = 2
    raw.serial.0 = UInt8(input.byte() | 1)
    fill(&raw.key, key.publicOctets)
    raw.address_count = UInt32(input.byte() % 18)
    for place in 0..<Int(raw.address_count) where place < 16 {
      let octets = [UInt8([4, 16, 0, 5][input.byte() & 3])] + input.octets(16)
      fill(&raw.addresses, octets, at: 17 * place)
    }
    fill(&raw.subject, [0x75] + Array(input.octets(input.byte() & 63).prefix { $0 != 0 }))
    let uri = Array(Array(input.octets(127)).prefix { $0 != 0 })
    fill(&raw.uri, uri)
    let signed = Octets.filled(4096) { out in
      key.withHandle { handle in
        hauberk_certificate_make(&raw, handle, certificate, certificate.count, &out, out.count)
      }
    }
    guard case .success(let der) = signed else { return }
    guard check(der) == nil else { return }
    precondition(!raw.is_authority && uses & 0x80 != 0 && uses & 6 == 0, "it was made for something else")
    guard let terms = CertificateTerms(der), let unit = try? UnitCertificate(terms, der) else { return }
    let name = "hauberk:\(unit.cluster)/unit/\(unit.number)"
    precondition(Array(name.utf8) == uri && unit.number < 64, "another unit than was said")
  }

  private func fill<Fixed>(_ fixed: inout Fixed, _ octets: [UInt8], at place: Int = 0) {
    withUnsafeMutableBytes(of: &fixed) { bytes in
      for (offset, octet) in octets.enumerated() where place + offset < bytes.count { bytes[place + offset] = octet }
    }
  }

  func list(_ octets: [UInt8]) {
    guard let authorities = hauberk_authorities_make() else { return }
    defer { hauberk_authorities_free(authorities) }
    _ = hauberk_authorities_trust(authorities, certificate, certificate.count)
    let taken = hauberk_authorities_revoke(authorities, octets, octets.count) == 0
    precondition(!taken || octets == list, "nobody has signed this list")
    var serial = [UInt8](repeating: 0, count: Int(HAUBERK_MOST_SERIAL_BYTES))
    var when: Int64 = 0
    for number in 0..<4 where hauberk_revocations_read(octets, octets.count, Int32(number), &serial, &when) <= 0 {
      break
    }
    // And the one that is theirs, bent.
    var input = octets
    var bent = list
    input.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      var edits = FuzzInput(base, buffer.count)
      guard edits.bend(&bent) else { return }
      precondition(hauberk_authorities_revoke(authorities, bent, bent.count) < 0, "a changed list is taken")
    }
    precondition(hauberk_authorities_revoke(authorities, list, list.count) == 0, "its own list is refused")
    precondition(hauberk_authorities_have_revoked(authorities, 0, [7], 1), "what is listed is not revoked")
  }

  func text(_ octets: [UInt8]) {
    for name in [PEM.certificate, PEM.revocations] {
      _ = PEM.blocks(name, in: octets, most: 4, mostOctets: UnitCertificate.mostOctets)
    }
    _ = IdentityKey(publicPEM: octets)
  }
}

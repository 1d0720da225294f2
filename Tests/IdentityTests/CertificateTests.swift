import CCrypto
import ControlKit
import Testing
import Wire

@testable import Identity

@Suite("A certificate says who a unit is")
struct CertificateTests {
  private let papers: Papers
  private let authority: ClusterAuthority
  private var now: Int64 { papers.now }

  init() throws {
    papers = try Papers()
    authority = try papers.authority()
  }

  private func kind(_ der: [UInt8], now: Int64? = nil) -> IdentityRefusal.Kind? {
    authority.check(der, now: now ?? self.now).refusal
  }

  @Test("What was asked for is what an authority finds in it")
  func good() throws {
    let unit = try papers.unit(63, ["192.0.2.7", "2001:db8::7", "198.51.100.3"])
    let found = try authority.check(unit.certificate, now: now).get()
    #expect(found == unit.description)
    #expect(found.cluster == "north" && found.number == 63 && found.name == "unit 63 of north")
    #expect(found.addresses.map(\.description) == ["192.0.2.7", "2001:db8::7", "198.51.100.3"])
    #expect(found.publicKey.count == 32 && found.serial.count == 16 && found.fingerprint.count == 64)
    #expect(found.notBefore == now - 3600 && found.notAfter == now + 365 * Papers.day)
    #expect(kind(try papers.certificate { _ in }) == nil)
  }

  @Test("The longest fits a request to join")
  func longest() throws {
    let other = try Papers(cluster: String(repeating: "n", count: 32))
    let addresses = (0..<16).map { "2001:db8:ffff:ffff:ffff:ffff:ffff:\(1000 + $0)" }
    let unit = try other.unit(63, addresses)
    #expect(unit.certificate.count <= UnitCertificate.mostOctets)
    #expect(UnitCertificate.mostOctets + 16 <= Envelope.mostPayloadOctets)
    #expect(try other.authority().check(unit.certificate, now: now).get().addresses.count == 16)
  }

  @Test("It counts from its first second to its last, and its authority's")
  func time() throws {
    let unit = try papers.unit(1, days: 10)
    let (first, last) = (unit.description.notBefore, unit.description.notAfter)
    #expect(kind(unit.certificate, now: first - 1) == .early)
    #expect(kind(unit.certificate, now: first) == nil)
    #expect(kind(unit.certificate, now: last) == nil)
    #expect(kind(unit.certificate, now: last + 1) == .expired)
    // Issued for longer than its authority lasts, it ends with it; and made up so, it does not count longer.
    #expect(try papers.unit(2, days: 36000).description.notAfter == now + 3650 * Papers.day)
    let long = try papers.certificate { $0.notAfter = now + 36000 * Papers.day }
    #expect(kind(long, now: now + 3650 * Papers.day) == nil)
    #expect(kind(long, now: now + 3650 * Papers.day + 1) == .expired)
    let early = try papers.certificate { $0.notBefore = now - 20000 }
    #expect(kind(early, now: now - 3600) == nil)
    #expect(kind(early, now: now - 3601) == .early)
  }

  @Test("Another authority's word does not count, not even one of the same name")
  func strangers() throws {
    let other = try Papers()
    let unit = try other.unit(1)
    #expect(kind(unit.certificate) == .stranger)
    #expect(try other.authority().check(unit.certificate, now: now).refusal == nil)
    #expect(kind(try papers.certificate(signedBy: other) { _ in }) == .forged)
    // Signed by itself.
    var terms = CertificateTerms()
    terms.role = .unit(cluster: "north", number: 1)
    terms.subject = "self-made"
    terms.uses = UInt32(HAUBERK_USE_SIGNATURE)
    terms.serialOctets = [1]
    terms.notBefore = now
    terms.notAfter = now + 1
    let key = try #require(IdentityKey.made())
    terms.publicKey = key.publicOctets
    #expect(kind(try #require(terms.signed(by: key, issuer: nil))) == .stranger)
  }

  @Test("A unit makes no units")
  func unitAsAuthority() throws {
    let unit = try papers.unit(1)
    var terms = try #require(CertificateTerms(unit.certificate))
    terms.role = .unit(cluster: "north", number: 2)
    let key = try IdentityFile.privateKey(papers.path("unit-1.key"))
    #expect(kind(try #require(terms.signed(by: key, issuer: unit.certificate))) == .stranger)
  }

  @Test("Only what was made for a unit is one's")
  func roles() throws {
    let own = try IdentityFile.certificates(papers.path("authority.pem"), most: 1)[0]
    #expect(kind(own) == .role)
    let certificates = UInt32(HAUBERK_USE_CERTIFICATES), lists = UInt32(HAUBERK_USE_REVOCATIONS)
    let signature = UInt32(HAUBERK_USE_SIGNATURE)
    #expect(kind(try papers.certificate { $0.isAuthority = true }) == .role)
    #expect(kind(try papers.certificate { ($0.isAuthority, $0.uses) = (true, signature | certificates) }) == .role)
    #expect(kind(try papers.certificate { $0.uses = signature | certificates }) == .role)
    #expect(kind(try papers.certificate { $0.uses = signature | lists }) == .role)
    #expect(kind(try papers.certificate { $0.uses = 0 }) == .role)
    #expect(kind(try papers.certificate { $0.role = .authority(cluster: "north") }) == .role)
    #expect(kind(try papers.certificate { $0.role = nil }) == .role)
    #expect(kind(try papers.certificate { $0.role = .unit(cluster: "north", number: 64) }) == .role)
    #expect(kind(try papers.certificate { $0.role = .unit(cluster: "", number: 1) }) == .role)
    #expect(kind(try papers.certificate { $0.role = .unit(cluster: "south", number: 1) }) == .cluster)
  }

  @Test(
    "A name is all of it, and nothing else",
    arguments: [
      "", "hauberk:", "hauberk:north", "hauberk:north/unit", "hauberk:north/unit/", "hauberk:north/unit/01",
      "hauberk:north/unit/+1", "hauberk:north/unit/64", "hauberk:north/unit/1/", "hauberk:nor th/unit/1",
      "hauberk:north/monitor/1", "Hauberk:north/unit/1", "http:north/unit/1", "hauberk:/unit/1",
      "hauberk:north/authority/1",
    ])
  func names(_ uri: String) { #expect(CertificateRole(uri: uri) == nil) }

  @Test("No certificate with an octet cut off, put on, or a bit changed holds, and none ends the process")
  func broken() throws {
    let good = try papers.unit(1, ["192.0.2.1", "2001:db8::1"]).certificate
    #expect(kind(good) == nil)
    for length in 0..<good.count { #expect(kind(Array(good.prefix(length))) == .form) }
    #expect(kind(good + [0]) == .form)
    #expect(kind(good + good) != nil)
    #expect(kind([UInt8](repeating: 0x30, count: 5000)) == .form)
    var held: [Int] = []
    for place in good.indices {
      for bit in 0..<8 {
        var bad = good
        bad[place] ^= 1 << UInt8(bit)
        if kind(bad) == nil { held.append(place) }
      }
    }
    #expect(held == [])
  }

  @Test("What is refused is said in one sentence, with the unit and a remedy")
  func words() throws {
    let unit = try papers.unit(7)
    guard case .failure(let refusal) = authority.check(unit.certificate, now: now + 366 * Papers.day) else {
      Issue.record("it has not expired")
      return
    }
    #expect(
      refusal.description
        == "the certificate of unit 7 of north (serial \(unit.description.serial)) has expired, 2028-01-15 08:00:00 UTC: "
        + "`hauberk identity unit` makes a new one")
  }

  @Test(
    "Moments are said as the calendar has them",
    arguments: [
      (0, "1970-01-01 00:00:00 UTC"), (951_782_399, "2000-02-28 23:59:59 UTC"),
      (951_782_400, "2000-02-29 00:00:00 UTC"), (4_107_542_400, "2100-03-01 00:00:00 UTC"),
      (-1, "1969-12-31 23:59:59 UTC"), (1_709_251_199, "2024-02-29 23:59:59 UTC"),
    ] as [(Int64, String)])
  func calendar(_ moment: Int64, _ text: String) { #expect(UnitCertificate.text(moment) == text) }
}

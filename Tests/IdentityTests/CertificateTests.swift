import Glibc
import Identity
import Testing
import Wire

@Suite("A certificate says who a unit is")
struct CertificateTests {
  @Test("What was asked for is what an authority finds in it")
  func good() throws {
    let papers = try Papers()
    let unit = try papers.unit(63, ["192.0.2.7", "2001:db8::7", "198.51.100.3"])
    let found = try papers.authority().check(unit.certificate, now: papers.now).get()
    #expect(found == unit.description)
    #expect(found.cluster == "north" && found.number == 63 && found.name == "unit 63 of north")
    #expect(found.addresses.map(\.description) == ["192.0.2.7", "2001:db8::7", "198.51.100.3"])
    #expect(found.publicKey.count == 32 && found.serial.count == 16 && found.fingerprint.count == 64)
    #expect(found.notBefore == papers.now - 3600 && found.notAfter == papers.now + 365 * Papers.day)
  }
}

import CCrypto
import Glibc
import Testing
import Wire

@testable import Identity

@Suite("Files that say who somebody is")
struct FileTests {
  private let papers: Papers

  init() throws { papers = try Papers() }

  private func refusal(_ body: () throws -> Void) -> IdentityRefusal? {
    do {
      try body()
      return nil
    } catch {
      return error as? IdentityRefusal
    }
  }

  private func unit(_ certificate: String = "unit-1.pem", _ key: String = "unit-1.key") -> IdentityRefusal? {
    refusal { _ = try UnitIdentity(certificate: papers.path(certificate), key: papers.path(key)) }
  }

  private func authority(_ name: String = "authority.pem", _ lists: String? = "revoked.pem") -> IdentityRefusal? {
    refusal { _ = try ClusterAuthority(path: papers.path(name), revocations: lists.map(papers.path)) }
  }

  @Test("A private key is for its owner alone")
  func exposed() throws {
    try papers.unit(1)
    let key = papers.path("unit-1.key")
    for mode in [0o640, 0o604, 0o620, 0o601] as [mode_t] {
      chmod(key, mode)
      #expect(unit()?.kind == .key)
      #expect(unit()?.description == "\(key), a private key, can be read by others: `chmod 600 \(key)`")
    }
    chmod(key, 0o400)
    #expect(unit() == nil)
  }

  @Test("Certificate and key belong together; one file may hold both")
  func together() throws {
    try papers.unit(1)
    try papers.unit(2)
    #expect(unit() == nil)
    #expect(unit("unit-1.pem", "unit-2.key")?.kind == .key)
    let both = try ["unit-1.key", "unit-1.pem"].map {
      String(decoding: try IdentityFile.octets(papers.path($0)), as: UTF8.self)
    }
    papers.write("both.pem", both.joined(), mode: 0o600)
    #expect(unit("both.pem", "both.pem") == nil)
  }

  @Test("What is no certificate, no key, no file, is said")
  func broken() throws {
    try papers.unit(1)
    papers.write("empty", "")
    papers.write("text", "nothing of the kind\n", mode: 0o600)
    papers.write("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n", mode: 0o600)
    for name in ["empty", "text", "cut", "unit-1.key"] {
      #expect(unit(name)?.kind == .form, "\(name)")
      #expect(authority(name)?.kind == .form, "\(name)")
    }
    #expect(unit("text", "text")?.kind == .form)
    #expect(unit("unit-1.pem", "text")?.kind == .key)
    #expect(unit("authority.pem")?.kind == .role)
    for name in ["nowhere", "."] {
      #expect(unit(name)?.kind == .file)
      #expect(unit("unit-1.pem", name)?.kind == .file)
      #expect(authority(name)?.kind == .file)
      #expect(authority("authority.pem", name)?.kind == .file)
    }
    #expect(unit("nowhere")?.description == "cannot read \(papers.path("nowhere")): No such file or directory")
    #expect(authority("authority.pem", "authority.pem")?.kind == .form)
  }

  @Test("An authority is one that may vouch, of one cluster")
  func authorities() throws {
    try papers.unit(1)
    #expect(authority() == nil)
    #expect(authority("authority.pem", nil) == nil)
    #expect(authority("unit-1.pem", nil)?.kind == .role)
    // By name an authority, and made by another one.
    let made = try papers.certificate { terms in
      terms.role = .authority(cluster: "north")
      terms.isAuthority = true
      terms.uses = UInt32(HAUBERK_USE_CERTIFICATES | HAUBERK_USE_REVOCATIONS)
    }
    papers.write("lesser.pem", try PEM.text(PEM.certificate, made))
    #expect(authority("lesser.pem", nil)?.kind == .role)
    let south = try Papers(cluster: "south")
    let north = String(decoding: try IdentityFile.octets(papers.path("authority.pem")), as: UTF8.self)
    let others = String(decoding: try IdentityFile.octets(south.path("authority.pem")), as: UTF8.self)
    papers.write("two.pem", north + others)
    #expect(authority("two.pem", nil)?.kind == .cluster)
    #expect(
      refusal { _ = try ClusterAuthority(path: south.path("authority.pem"), revocations: papers.path("revoked.pem")) }?
        .kind == .stranger)
  }

  @Test("An old authority and a new one, side by side")
  func renewal() throws {
    let next = try Papers()
    let text = try [papers, next].map {
      String(decoding: try IdentityFile.octets($0.path("authority.pem")), as: UTF8.self)
    }
    let lists = try [papers, next].map {
      String(decoding: try IdentityFile.octets($0.path("revoked.pem")), as: UTF8.self)
    }
    papers.write("two.pem", text.joined())
    papers.write("lists.pem", lists.joined())
    let authority = try ClusterAuthority(path: papers.path("two.pem"), revocations: papers.path("lists.pem"))
    let (old, new) = (try papers.unit(1), try next.unit(1))
    #expect(authority.check(old.certificate, now: papers.now).refusal == nil)
    #expect(authority.check(new.certificate, now: papers.now).refusal == nil)
    // What one of them takes back is its own.
    let list = try next.issuer.revocations(nil, adding: [old.description.serial], now: papers.now)
    papers.write("lists.pem", lists[0] + list)
    try authority.reload()
    #expect(authority.check(old.certificate, now: papers.now).refusal == nil)
    papers.write(
      "lists.pem", list + (try papers.issuer.revocations(nil, adding: [old.description.serial], now: papers.now)))
    try authority.reload()
    #expect(authority.check(old.certificate, now: papers.now).refusal == .revoked)
  }

  @Test("A reload that fails changes nothing")
  func reload() throws {
    let unit = try papers.unit(1)
    let authority = try papers.authority()
    papers.write("revoked.pem", "no list")
    #expect(refusal { try authority.reload() }?.kind == .form)
    #expect(authority.check(unit.certificate, now: papers.now).refusal == nil)
    let south = try Papers(cluster: "south")
    for name in ["authority.pem", "revoked.pem"] {
      papers.write(name, String(decoding: try IdentityFile.octets(south.path(name)), as: UTF8.self))
    }
    #expect(refusal { try authority.reload() }?.kind == .cluster)
    #expect(authority.check(unit.certificate, now: papers.now).refusal == nil)
  }

  @Test("Lists grow, and keep what they had")
  func lists() throws {
    let units = try (1...3).map { try papers.unit($0) }
    var list = try papers.issuer.revocations(nil, adding: [], now: papers.now)
    for count in 0...3 {
      papers.write("revoked.pem", list)
      let authority = try papers.authority()
      let revoked = units.filter { authority.check($0.certificate, now: papers.now).refusal == .revoked }
      #expect(revoked.map(\.description.number) == units.prefix(count).map(\.description.number))
      guard count < 3 else { break }
      list = try papers.issuer.revocations(Array(list.utf8), adding: [units[count].description.serial], now: papers.now)
    }
  }

  @Test("What may not be issued is not")
  func issuing() throws {
    let one = try [#require(IPAddress("192.0.2.1"))]
    func kind(_ number: Int, _ addresses: [IPAddress], _ days: Int) -> IdentityRefusal.Kind? {
      refusal { _ = try papers.issuer.unit(number, addresses: addresses, days: days, now: papers.now) }?.kind
    }
    #expect(kind(1, one, 1) == nil)
    #expect(kind(64, one, 1) == .number && kind(-1, one, 1) == .number)
    #expect(kind(1, [], 1) == .form && kind(1, one + one, 1) == .form)
    #expect(kind(1, try [#require(IPAddress("224.0.0.1"))], 1) == .form)
    #expect(kind(1, one, 0) == .expired && kind(1, one, 40000) == .expired)
    for name in ["", "a b", "a/b", "ä", String(repeating: "n", count: 33)] {
      #expect(refusal { _ = try IssuingAuthority.make(cluster: name, days: 1, now: 0) }?.kind == .cluster)
    }
    let late = papers.now + 3650 * Papers.day
    #expect(refusal { _ = try papers.issuer.unit(1, addresses: one, days: 1, now: late) }?.kind == .expired)
  }
}

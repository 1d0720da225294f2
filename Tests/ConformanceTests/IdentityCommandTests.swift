import Foundation
import Testing

/// Certificates of units, as an operator makes them and takes them back.
@Suite struct IdentityCommandTests {
  private let folder = Folder()
  private var authority: String { folder.path("authority") }

  private func identity(_ words: String...) -> Run { Program.run(["identity"] + words) }

  private func makeAuthority() {
    let run = identity("authority", "--cluster", "north", "--out", authority)
    #expect(run.code == 0, "\(run.error)")
    #expect(run.text == "\(authority)/authority.pem\n\(authority)/authority.key\n\(authority)/revoked.pem\n")
  }

  private func makeUnit(_ number: Int, _ words: String...) -> Run {
    Program.run(
      ["identity", "unit", "--authority", authority, "--number", "\(number)", "--address", "192.0.2.\(number)"]
        + ["--out", folder.path("unit-\(number).pem")] + words)
  }

  private func mode(_ path: String) -> Int {
    ((try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int) ?? -1
  }

  private func octets(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

  @Test func `an authority and its units are made, shown, and taken back`() throws {
    makeAuthority()
    #expect(mode(authority + "/authority.key") == 0o600 && mode(authority) == 0o700)
    let made = makeUnit(3, "--address", "2001:db8::3")
    #expect(made.code == 0 && made.text == folder.path("unit-3.pem\n") + folder.path("unit-3.key\n"))
    #expect(mode(folder.path("unit-3.key")) == 0o600)
    let shown = identity("show", folder.path("unit-3.pem"), "--authority", authority, "--json")
    #expect(shown.code == 0 && shown.json?["holds"] as? Bool == true)
    let unit = try #require((shown.json?["papers"] as? [[String: Any]])?.first)
    #expect(unit["cluster"] as? String == "north" && unit["number"] as? Int == 3)
    #expect(unit["addresses"] as? [String] == ["192.0.2.3", "2001:db8::3"])
    let serial = try #require(unit["serial"] as? String)
    let words = identity("show", folder.path("unit-3.pem"))
    #expect(words.code == 0 && words.text.hasPrefix("unit 3 of cluster north\n") && words.text.contains(serial))
    #expect(makeUnit(4).code == 0)

    let revoked = identity("revoke", "--authority", authority, "--number", "3")
    #expect(revoked.code == 0 && revoked.text == serial + "\n" && revoked.isOneSentence)
    let again = identity("revoke", "--authority", authority, "--serial", serial.uppercased())
    #expect(again.code == 0 && again.text.isEmpty && again.isOneSentence)
    let refused = identity("show", folder.path("unit-3.pem"), "--authority", authority)
    #expect(refused.code == 10 && refused.text.contains("has been revoked"))
    #expect(identity("show", folder.path("unit-4.pem"), "--authority", authority).code == 0)
    #expect(identity("show", authority + "/revoked.pem").text.hasPrefix("1 revoked certificate\n  \(serial)  "))
    #expect(identity("show", authority + "/authority.pem").text.hasPrefix("authority of cluster north\n"))
  }

  @Test func `a key takes no other's place unless that is said`() {
    makeAuthority()
    #expect(makeUnit(3).code == 0)
    let before = octets(folder.path("unit-3.key")), key = octets(authority + "/authority.key")
    for run in [makeUnit(3), identity("authority", "--cluster", "north", "--out", authority)] {
      #expect(run.code == 4 && run.isOneSentence && run.error.contains("--force"))
    }
    #expect(octets(folder.path("unit-3.key")) == before && octets(authority + "/authority.key") == key)
    #expect(makeUnit(3, "--force").code == 0)
    #expect(octets(folder.path("unit-3.key")) != before && mode(folder.path("unit-3.key")) == 0o600)
    // Both are on record.
    #expect(identity("revoke", "--authority", authority, "--number", "3").lines.count == 3)
    #expect(
      (try? FileManager.default.contentsOfDirectory(atPath: folder.path(""))).map {
        $0.contains { $0.hasSuffix(".new") }
      } == false)
  }

  @Test func `what cannot be is said in one sentence, with its exit code`() {
    makeAuthority()
    let absent = folder.path("absent")
    let cases: [([String], Int)] = [
      ([], 2), (["issue"], 2), (["unti"], 2), (["show"], 2), (["show", absent], 3),
      (["show", absent, "--number", "3"], 2),
      (["authority", "--cluster", "a b", "--out", absent], 2), (["authority", "--out", absent], 2),
      (["authority", "--cluster", "north", "--out", "/proc/absent"], 4),
      (["unit", "--authority", authority, "--number", "64", "--address", "192.0.2.1", "--out", absent], 2),
      (["unit", "--authority", authority, "--number", "3", "--address", "here", "--out", absent], 2),
      (["unit", "--authority", authority, "--number", "3", "--address", "224.0.0.1", "--out", absent], 2),
      (["unit", "--authority", absent, "--number", "3", "--address", "192.0.2.1", "--out", absent], 6),
      (["unit", "--authority", authority, "--number", "3", "--out", absent], 2),
      (["revoke", "--authority", authority], 2), (["revoke", "--authority", authority, "--number", "3"], 3),
      (["revoke", "--authority", authority, "--number", "3", "--serial", "00"], 2),
      (["revoke", "--authority", authority, "--serial", "xyz"], 2),
    ]
    for (words, code) in cases {
      let run = Program.run(["identity"] + words)
      #expect(Int(run.code) == code && run.isOneSentence && run.output.isEmpty, "\(words): \(run.code) \(run.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: absent) && !FileManager.default.fileExists(atPath: absent + ".key"))
    chmod(authority + "/authority.key", 0o644)
    let exposed = makeUnit(3)
    #expect(exposed.code == 6 && exposed.error.contains("chmod 600"))
  }

  @Test func `OpenSSL reads them as we do, and we what it has made`() {
    guard Program.tool("openssl", "version") == 0 else {
      print("no openssl here: certificates are not verified with it")
      return
    }
    makeAuthority()
    #expect(makeUnit(3).code == 0)
    let unit = folder.path("unit-3.pem"), ca = ["-x509_strict", "-CAfile", authority + "/authority.pem"]
    func verify(_ words: [String]) -> Bool { Program.tool("openssl", ["verify"] + ca + words + [unit]) == 0 }
    let lists = ["-crl_check", "-CRLfile", authority + "/revoked.pem"]
    #expect(verify([]) && verify(lists))
    #expect(Program.tool("openssl", "verify", "-CAfile", unit, unit) != 0)
    #expect(Program.tool("openssl", ["crl", "-noout", "-in", authority + "/revoked.pem"] + ca.suffix(2)) == 0)
    #expect(identity("revoke", "--authority", authority, "--number", "3").code == 0)
    #expect(verify([]) && !verify(lists))
    // A key of OpenSSL's, of which we see the public half alone; and it fits the certificate.
    #expect(Program.tool("openssl", "genpkey", "-algorithm", "ed25519", "-out", folder.path("own.key")) == 0)
    #expect(
      Program.tool("openssl", "pkey", "-in", folder.path("own.key"), "-pubout", "-out", folder.path("own.pem")) == 0)
    let made = Program.run([
      "identity", "unit", "--authority", authority, "--number", "5", "--address", "2001:db8::5", "--out",
      folder.path("unit-5.pem"), "--public-key", folder.path("own.pem"),
    ])
    #expect(made.code == 0 && made.text == folder.path("unit-5.pem\n"))
    let names = ["-in", folder.path("unit-5.pem"), "-noout", "-checkip", "2001:db8::5"]
    #expect(Program.tool("openssl", ["x509"] + names) == 0)
    #expect(
      Program.tool(
        "openssl", "x509", "-in", folder.path("unit-5.pem"), "-noout", "-pubkey", "-out", folder.path("same.pem")) == 0)
    #expect(octets(folder.path("same.pem")) == octets(folder.path("own.pem")))
  }
}

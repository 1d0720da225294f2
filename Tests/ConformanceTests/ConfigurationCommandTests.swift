import Foundation
import Glibc
import Testing

/// `hauberk check` and `hauberk keys`, as a user runs them.
@Suite struct ConfigurationCommandTests {
  private let example = Program.root + "/examples/gateway.yaml"

  /// The example with a state directory of its own, and with changes.
  private func gateway(_ folder: Folder, _ changes: [(String, String)] = [], makesState: Bool = true) -> String {
    if makesState { mkdir(folder.path("state"), 0o700) }
    var text = try! String(contentsOfFile: example, encoding: .utf8)
      .replacingOccurrences(of: "/var/lib/hauberk/nonces", with: folder.path("state"))
    for (old, new) in changes {
      precondition(text.contains(old))
      text = text.replacingOccurrences(of: old, with: new)
    }
    return folder.write("gateway.yaml", Array(text.utf8))
  }

  private func states(_ run: Run) -> [String] {
    (run.json?["keys"] as? [[String: Any]])?.compactMap { $0["state"] as? String } ?? []
  }

  @Test func `check says in words what the example would do`() {
    let folder = Folder()
    let run = withExtendedLifetime(folder) { Program.run("check", gateway(folder)) }
    #expect(run.code == 0 && run.error.isEmpty)
    for words in [
      "number 0, nonce state in", "accepts frames to every MAC address", "tunnel office\n  192.0.2.1 to 198.51.100.1",
      "SPI in 0x1001, work set 1; out 0x2001", "ChaCha20-Poly1305, tunnel mode, in UDP from port 4500 to 4500, 64-bit",
      "replay window 4096; path of 1500 octets: inner packets of up to 1446", "4 000 000 000 packets, told at 3 000",
      "group branches", "192.0.2.1, unit 0 of 8", "site 198.51.100.22: 10.22.0.0/16, 10.23.0.0/16",
      "   1  bypass   0.0.0.0/0 to 0.0.0.0/0, protocol 89",
      "   5  protect  10.1.0.0/16 to 10.7.0.80/32, protocol 6, to port 8000-8080: office",
      "   6  protect  10.1.0.0/16 to 10.2.0.0/16: tunnel office, by its networks\n", "        discard everything else",
      "3 keys have no nonce state yet: if new, `hauberk keys --begin",
    ] { #expect(run.text.contains(words), "\(words)") }
    #expect(!run.text.contains("e0e1e2"))
  }

  @Test func `and as JSON`() throws {
    let folder = Folder()
    let run = withExtendedLifetime(folder) { Program.run("check", gateway(folder), "--json") }
    let json = try #require(run.json)
    let tunnels = try #require(json["tunnels"] as? [[String: Any]])
    #expect(run.code == 0 && json["unit"] as? Int == 0 && tunnels.map { $0["workSet"] as? Int } == [1, 2])
    #expect(tunnels.map { $0["innerMTU"] as? Int } == [1446, 1318] && tunnels[1]["esn"] as? Bool == true)
    let policies = try #require(json["policies"] as? [[String: Any]])
    #expect(policies.count == 9 && policies.map { $0["implied"] as? Bool } == (1...9).map { $0 > 5 })
    #expect((json["warnings"] as? [String])?.count == 1)
    #expect(!run.text.contains("e0e1e2"))
  }

  @Test func `what is allowed but hardly meant is a warning`() {
    let office = "e0e1e2e3e4e5e6e7e8e9eaebecedeeef0000000000000000000000000000000100000001"
    let zero = String(repeating: "0", count: 72)
    func warnings(_ changes: (String, String)..., makesState: Bool = true) -> String {
      let folder = Folder()
      let run = withExtendedLifetime(folder) {
        Program.run("check", gateway(folder, changes, makesState: makesState))
      }
      #expect(run.code == 0, "\(run.error)")
      return run.text.components(separatedBy: "\nwarnings\n").last ?? ""
    }
    #expect(warnings((office, zero)).contains("tunnel office: a key is all zero"))
    #expect(warnings(("aes-256-gcm\n", "aes-256-gmac\n")).contains("tunnel office: AES-GMAC-256 hides nothing"))
    #expect(warnings(("  key: 000102030405060708090a0b0c0d0e0f\n", "")).contains("the hash key is all zero"))
    #expect(warnings(("padTo: 256", "padTo: 1319")).contains("no packet fits into a path of 1400"))
    #expect(warnings(makesState: false).contains("make it with `mkdir -m 700`"))
    #expect(
      warnings(("source: 10.1.66.0/24", "destination: 0.0.0.0/0"), ("protocol: tcp", "protocol: udp")).contains(
        "policy 5 never counts: policy 3 fits everything that it fits"))
    let sha = (
      "cipher: aes-256-gcm\n", "cipher: aes-128-cbc\n    integrity: hmac-sha1-96\n"
    )
    #expect(warnings(sha).contains("tunnel office: HMAC-SHA1 is for old peers alone"))
    #expect(!warnings().contains("never counts"))
  }

  @Test func `check says whose member the example is, and what is wrong with its papers`() throws {
    let run = Program.run("check", Program.root + "/examples/member.yaml")
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(run.text.contains("\ncluster north\n  unit 1, by /etc/hauberk/unit-1.pem and /etc/hauberk/unit-1.key\n"))
    let folder = Folder()
    let example = try String(contentsOfFile: Program.root + "/examples/member.yaml", encoding: .utf8)
    let text = example.replacingOccurrences(of: "/etc/hauberk/unit-1.pem", with: folder.path("absent.pem"))
    let path = folder.write("member.yaml", Array(text.utf8))
    let warnings = try #require(Program.run("check", path, "--json").json?["warnings"] as? [String])
    #expect(warnings.contains("cluster: cannot read \(folder.path("absent.pem")): No such file or directory"))
  }

  @Test func `a wrong configuration is a list of errors, and code 6`() {
    let folder = Folder()
    let path = gateway(folder, [("esn: true", "esn: maybe"), ("units: 8", "unts: 8")])
    for command in ["check", "keys"] {
      let run = Program.run(command, path)
      #expect(run.code == 6 && run.output.isEmpty)
      #expect(run.error.contains("tunnels[1].esn: found 'maybe', expected true or false"))
      #expect(run.error.contains("groups[0].unts: unknown field 'unts': did you mean 'units'?"))
      #expect(!run.error.contains("e0e1e2"))
    }
    RefusalTests.refused(["check"], code: 2)
    RefusalTests.refused(["keys", "a", "b"], code: 2)
    RefusalTests.refused(["chekc", "a"], code: 2)
    #expect(RefusalTests.refused(["keys", folder.path("none")], code: 6).contains("No such file"))
  }

  @Test func `keys begin once, and what lost its record is refused for good`() throws {
    let folder = Folder()
    let path = gateway(folder)
    #expect(states(Program.run("keys", path, "--json")) == ["not begun", "peer", "not begun", "peer", "not begun"])
    #expect(Program.run("keys", path).text.contains("3 keys are not begun"))
    let names = { (try? FileManager.default.contentsOfDirectory(atPath: folder.path("state")).sorted()) ?? [] }
    #expect(names().isEmpty, "looking leaves nothing behind")

    let begun = Program.run("keys", path, "--begin")
    #expect(begun.code == 0 && begun.text.contains("begun now; 0 nonces given out, 72 057 594 037 927 936 left"))
    #expect(!begun.text.contains("e0e1e2"))
    #expect(names().count == 5)
    let again = Program.run("keys", path, "--begin", "--json")
    #expect(again.code == 0 && states(again) == ["begun", "peer", "begun", "peer", "begun"])
    #expect((again.json?["keys"] as? [[String: Any]])?[0]["incarnation"] as? Int == 1, "asking is no start")
    #expect(!Program.run("check", path).text.contains("no nonce state"))

    let fingerprint = try #require((again.json?["keys"] as? [[String: Any]])?[0]["fingerprint"] as? String)
    unlink(folder.path("state/\(fingerprint).nonces"))
    for words in [["keys", path, "--begin"], ["keys", path]] {
      let run = Program.run(words)
      #expect(run.code == 6 && run.text.contains("refused: key \(fingerprint) was begun in"))
      #expect(run.text.contains("rekey"))
    }
    #expect(Program.run("check", path).text.contains("tunnel office: key \(fingerprint) was begun"))
  }

  @Test func `another unit's number or a missing directory is no beginning`() {
    let folder = Folder()
    let path = gateway(folder)
    #expect(Program.run("keys", path, "--begin").code == 0)
    let moved = folder.write(
      "moved.yaml",
      Array(
        String(decoding: folder.read("gateway.yaml"), as: UTF8.self)
          .replacingOccurrences(of: "number: 0", with: "number: 1").utf8))
    let run = Program.run("keys", moved, "--begin")
    #expect(run.code == 6 && run.text.contains("was used by unit 0 of 256"))
    let other = Folder()
    let sentence = RefusalTests.refused(["keys", gateway(other, makesState: false), "--begin"], code: 6)
    #expect(sentence.contains("mkdir -m 700"))
  }

  @Test func `help and a full disk`() {
    for command in ["check", "keys"] {
      #expect(Program.run("help", command).text.contains("Usage: hauberk \(command) CONFIG"))
      #expect(Program.run(command, "--help").text.contains("Usage: hauberk \(command) CONFIG"))
      #expect(Program.run([command, example], output: "/dev/full").code == (command == "check" ? 4 : 6))
    }
  }
}

import Foundation
import Testing

/// Signed configurations, as an operator makes them.
@Suite struct SignCommandTests {
  private let folder = Folder()

  private func openssl(_ words: String...) -> Bool { Program.tool("openssl", words) == 0 }

  @Test func `what is signed is taken by who trusts the key, and by nobody else`() throws {
    guard Program.tool("openssl", "version") == 0 else {
      print("no openssl here: signatures are not made with it")
      return
    }
    let config = folder.write("gateway.yaml", Array("cluster:\n  addresses: [203.0.113.1]\n".utf8))
    for name in ["ours", "theirs"] {
      #expect(openssl("genpkey", "-algorithm", "ed25519", "-out", folder.path(name)))
      #expect(openssl("pkey", "-in", folder.path(name), "-pubout", "-out", folder.path(name + ".pem")))
    }
    let trust = folder.path("ours.pem")
    func check(_ trust: String) -> Run { Program.run("check", config, "--json", "--trust", trust) }
    let unsigned = check(trust)
    #expect(unsigned.code == 10 && unsigned.isOneSentence && unsigned.error.contains("hauberk sign"))
    #expect(Program.run("check", config).code == 0)
    let signed = Program.run("sign", config, "--key", folder.path("ours"))
    #expect(signed.code == 0 && signed.text == config + ".sig\n")
    let right = check(trust)
    #expect(right.code == 0 && (right.json?["signer"] as? String)?.count == 16)
    // And OpenSSL finds it right, as we find OpenSSL's.
    let verify = ["-verify", "-pubin", "-inkey", trust, "-rawin", "-in", config, "-sigfile", config + ".sig"]
    #expect(Program.tool("openssl", ["pkeyutl"] + verify) == 0)
    let other = check(folder.path("theirs.pem"))
    #expect(other.code == 10 && other.isOneSentence && other.error.contains("somebody else's key"))
    let make = ["-sign", "-inkey", folder.path("theirs"), "-rawin", "-in", config, "-out", config + ".sig"]
    #expect(Program.tool("openssl", ["pkeyutl"] + make) == 0)
    #expect(check(folder.path("theirs.pem")).code == 0 && check(trust).code == 10)
    #expect(Program.run("run", config, "--trust", trust).code == 10)
    _ = folder.write("gateway.yaml", Array("cluster:\n  addresses: [203.0.113.2]\n".utf8))
    #expect(check(folder.path("theirs.pem")).code == 10)
  }

  @Test func `what cannot be signed is said with a remedy`() {
    let config = folder.write("gateway.yaml", Array("cluster: {}\n".utf8))
    for (words, code) in [
      (["sign"], 2), (["sign", config], 2), (["sign", config, "--key", config], 6),
      (["sign", config, "--key", folder.path("absent")], 6), (["sign", folder.path("absent"), "--key", config], 3),
      (["check", config, "--trust", config], 10), (["check", config, "--trust", folder.path("absent")], 10),
    ] {
      let run = Program.run(words)
      #expect(Int(run.code) == code && run.isOneSentence && run.output.isEmpty, "\(words): \(run.error)")
    }
  }
}

import Foundation
import PacketMaking
import Testing

/// Two gateways by configuration: clear captures become ESP, and ESP becomes clear.
@Suite struct GatewayCommandTests {
  /// A configuration, and a state directory of its own.
  private static func gateway(_ folder: Folder, _ name: String, number: Int, isNear: Bool, _ more: String = "")
    -> String
  {
    let state = folder.path("state-\(name)")
    try! FileManager.default.createDirectory(
      atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let ends = isNear ? ["203.0.113.1", "203.0.113.2"] : ["203.0.113.2", "203.0.113.1"]
    let spis = isNear ? ["0x1001", "0x2001"] : ["0x2001", "0x1001"]
    let keys = ["000102030405060708090a0b0c0d0e0fcafebabe", "101112131415161718191a1b1c1d1e1fcafebabf"]
    let text = """
      unit: {number: \(number), stateDirectory: \(state)}
      cluster: {addresses: [\(ends[0])]}
      tunnels:
        - name: pair
          address: \(ends[0])
          peer: \(ends[1])
          inboundSPI: \(spis[0])
          outboundSPI: \(spis[1])
          cipher: aes-128-gcm
          inboundKey: \(isNear ? keys[0] : keys[1])
          outboundKey: \(isNear ? keys[1] : keys[0])
          keysBorn: 2026-11-21
          local: [0.0.0.0/0, "::/0"]
          remote: [0.0.0.0/0, "::/0"]
          \(more)
      """
    return folder.write("\(name).yaml", Array(text.utf8))
  }

  @Test(arguments: ["1", "2"])
  func `clear, ESP, clear: the same packets in the same order`(_ workers: String) throws {
    let folder = Folder()
    let near = Self.gateway(folder, "near", number: 0, isNear: true)
    let far = Self.gateway(folder, "far", number: 1, isNear: false)
    // Nothing is sent before the record of its nonces has begun.
    let refused = Program.run("replay", "--config", near)
    #expect(refused.code == 6 && refused.isOneSentence && refused.error.contains("keys --begin"))
    for configuration in [near, far] { #expect(Program.run("keys", configuration, "--begin").code == 0) }

    let input = folder.write("in.pcap", pcapFile(Samples.flows(500)))
    let sealed = Program.run(
      "replay", input, "--config", near, "--workers", workers, "--json", "--out", folder.path("esp.pcap"), "--keylog",
      folder.path("keys"))
    #expect(sealed.code == 0 && sealed.count("packets", "out") == 500 && sealed.drops == [:])
    let audit = Program.run("audit", folder.path("esp.pcap"), "--config", near)
    #expect(audit.code == 0 && audit.text.contains("500"))
    let opened = Program.run(
      "replay", folder.path("esp.pcap"), "--config", far, "--workers", workers, "--json", "--out",
      folder.path("clear.pcap"))
    #expect(opened.code == 0 && opened.count("packets", "out") == 500)
    #expect(try #require(pcapRecords(folder.read("clear.pcap"))) == Samples.flows(500))
    let associations = try #require(opened.json?["securityAssociations"] as? [[String: Any]])
    #expect(associations.contains { $0["direction"] as? String == "in" && $0["packets"] as? Int == 500 })

    // What an analyser gets, and nobody else.
    #expect(String(decoding: folder.read("keys"), as: UTF8.self).contains("AES-GCM with 16 octet ICV"))
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path("keys"))[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test(arguments: ["1", "2"])
  func `after its seconds nothing is sealed, for any number of workers`(_ workers: String) throws {
    let folder = Folder()
    let near = Self.gateway(folder, "near", number: 0, isNear: true, "lifetime: {seconds: {soft: 3, hard: 5}}")
    #expect(Program.run("check", near).text.contains("5 seconds, told at 3"))
    #expect(Program.run("keys", near, "--begin").code == 0)
    // A hundred packets in every second.
    var records = Samples.flows(1000)
    for index in records.indices { records[index].seconds += UInt32(index / 100) }
    let run = Program.run(
      "replay", folder.write("in.pcap", pcapFile(records)), "--config", near, "--workers", workers, "--json", "--out",
      folder.path("esp.pcap"))
    #expect(run.count("packets", "out") == 500 && run.drops == ["lifetimeOver": 500])
    let sent = try #require(pcapRecords(folder.read("esp.pcap")))
    #expect(sent.map(\.seconds) == records[..<500].map(\.seconds))
    let associations = try #require(run.json?["securityAssociations"] as? [[String: Any]])
    #expect(associations.contains { $0["isEnding"] as? Bool == true && $0["packets"] as? Int == 500 })
  }

  @Test func `twenty starts use no nonce twice, and lost state is refused`() throws {
    let folder = Folder()
    let near = Self.gateway(folder, "near", number: 0, isNear: true)
    #expect(Program.run("keys", near, "--begin").code == 0)
    let input = folder.write("in.pcap", pcapFile(Samples.flows(20)))
    var all: [Record] = []
    for _ in 0..<20 {
      #expect(Program.run("replay", input, "--config", near, "--out", folder.path("esp.pcap")).code == 0)
      all += try #require(pcapRecords(folder.read("esp.pcap")))
    }
    let together = folder.write("all.pcap", pcapFile(all))
    let audit = Program.run("audit", together, "--config", near, "--json")
    #expect(audit.code == 0 && all.count == 400)
    // The same capture twice in one file is what a mirror makes; one changed octet is what must never be.
    var changed = all
    changed[7].octets[90] ^= 1
    let bad = folder.write("bad.pcap", pcapFile(all + changed))
    #expect(Program.run("audit", bad).code == 1)
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path("state-near"))
    where file.hasSuffix(".nonces") {
      try FileManager.default.removeItem(atPath: folder.path("state-near/\(file)"))
    }
    let refused = Program.run("replay", input, "--config", near)
    #expect(refused.code == 6 && refused.isOneSentence && refused.error.contains("rekey"))
  }

  @Test func `a story goes through ESP`() throws {
    let folder = Folder()
    let near = Self.gateway(folder, "near", number: 0, isNear: true)
    #expect(Program.run("keys", near, "--begin").code == 0)
    let input = folder.write("in.pcap", pcapFile(Samples.flows(3)))
    let story = Program.run("replay", input, "--config", near, "--trace", "1").text
    for words in ["tunnel 'pair' takes it", "seal", "sequence number 1", "ESP SPI 0x2001, sequence 1"] {
      #expect(story.contains(words), "\(words) is missing from:\n\(story)")
    }
  }
}

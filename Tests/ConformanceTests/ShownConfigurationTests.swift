import Foundation
import PacketMaking
import Testing

/// What `hauberk check` shows is what is configured.
@Suite struct ShownConfigurationTests {
  /// A number, a text, true, false or nothing, as JSON has it.
  private func shown(_ value: Any?) -> String {
    guard let value, !(value is NSNull) else { return "null" }
    return (value as? [Any])?.map { shown($0) }.joined(separator: " ") ?? "\(value)"
  }

  /// Every field away from its default, then every field left out.
  private static func configuration(_ state: String) -> [UInt8] {
    let text = """
      unit: {number: 3, stateDirectory: \(state)}
      cluster: {addresses: [192.0.2.1, "2001:db8::1"]}
      tunnels:
        - name: four
          address: 192.0.2.1
          peer: 198.51.100.1
          inboundSPI: 0x1005
          outboundSPI: 0x2005
          cipher: aes-256-cbc
          integrity: hmac-sha512
          inboundKey: \(String(repeating: "a1", count: 96))
          outboundKey: \(String(repeating: "b2", count: 96))
          keysBorn: 2026-11-21
          mode: tunnel
          esn: true
          window: 131072
          udp: {localPort: 4501, peerPort: 4502}
          dscp: 46
          dontFragment: set
          ecn: compatibility
          hopLimit: copy
          pathMTU: 1480
          padTo: 512
          lifetime: {packets: {soft: 70, hard: 80}, bytes: {soft: 7000, hard: 9000}, seconds: {soft: 600, hard: 700}}
          local: [10.1.0.0/16]
          remote: [10.2.0.0/16]
        - name: six
          address: 2001:db8::1
          peer: 2001:db8:ffff::7
          inboundSPI: 0x1006
          outboundSPI: 0x2006
          cipher: aes-128-gcm
          icv: 8
          inboundKey: \(String(repeating: "c3", count: 20))
          outboundKey: \(String(repeating: "d4", count: 20))
          keysBorn: 2026-11-21
          flowLabel: copy
          hopLimit: 17
          local: [2001:db8:a::/48]
          remote: [2001:db8:b::/48]
        - name: plain
          address: 192.0.2.1
          peer: 198.51.100.2
          inboundSPI: 0x1007
          outboundSPI: 0x2007
          cipher: chacha20-poly1305
          inboundKey: \(String(repeating: "e5", count: 36))
          outboundKey: \(String(repeating: "f6", count: 36))
          keysBorn: 2026-11-21
          mode: transport
          local: [192.0.2.1/32]
          remote: [198.51.100.2/32]
      """
    return Array(text.utf8)
  }

  private static let expected: [[String: String]] = [
    [
      "name": "four", "address": "192.0.2.1", "peer": "198.51.100.1", "inboundSPI": "4101", "outboundSPI": "8197",
      "workSet": "5", "suite": "AES-CBC-256 with HMAC-SHA2-512-256", "mode": "tunnel", "esn": "1",
      "window": "131072", "udp": "1", "udpPorts": "4501 4502", "dscp": "46", "dontFragment": "set",
      "ecn": "compatibility", "hopLimit": "copy", "pathMTU": "1480", "padTo": "512",
    ],
    [
      "name": "six", "address": "2001:db8::1", "peer": "2001:db8:ffff::7", "suite": "AES-GCM-8-128", "esn": "0",
      "window": "1024", "udp": "0", "udpPorts": "null", "dscp": "copy", "flowLabel": "copy", "dontFragment": "null",
      "ecn": "normal", "hopLimit": "17", "pathMTU": "0", "padTo": "0", "innerMTU": "null", "packets": "null",
    ],
    [
      "name": "plain", "suite": "ChaCha20-Poly1305", "mode": "transport", "dontFragment": "copy", "hopLimit": "64",
      "flowLabel": "null",
    ],
  ]

  @Test func `row 50: check shows what is configured, whatever it is`() throws {
    let folder = Folder()
    let state = folder.path("state")
    let path = folder.write("all.yaml", Self.configuration(state))
    let run = Program.run("check", path, "--json")
    #expect(run.code == 0, "\(run.error)")
    #expect(shown(run.json?["unit"]) == "3" && shown(run.json?["stateDirectory"]) == state)
    #expect(shown(run.json?["clusterAddresses"]) == "192.0.2.1 2001:db8::1")
    let tunnels = try #require(run.json?["tunnels"] as? [[String: Any]])
    for (tunnel, fields) in zip(tunnels, Self.expected) {
      for (field, value) in fields {
        let words = shown(tunnel[field]).replacingOccurrences(of: "true", with: "1")
          .replacingOccurrences(of: "false", with: "0")
        #expect(words == value, "\(fields["name"]!), \(field)")
      }
    }
    for (limit, soft, hard) in [("packets", 70, 80), ("bytes", 7000, 9000), ("seconds", 600, 700)] {
      let shown = try #require(tunnels[0][limit] as? [String: Int])
      #expect(shown == ["soft": soft, "hard": hard], "\(limit)")
    }
    let rules = try #require(run.json?["policies"] as? [[String: Any]])
    #expect(rules.map { shown($0["source"]) } == ["10.1.0.0/16", "2001:db8:a::/48", "192.0.2.1/32"])
    #expect(rules.map { shown($0["destination"]) } == ["10.2.0.0/16", "2001:db8:b::/48", "198.51.100.2/32"])
    for secret in ["a1a1", "b2b2", "c3c3", "d4d4", "e5e5", "f6f6"] { #expect(!run.text.contains(secret)) }
    let words = Program.run("check", path).text
    for line in [
      "outer header: DSCP 46, ECN hidden from the path, hop limit copied, DF set; padded to 512",
      "outer header: DSCP copied, ECN carried through, hop limit 17, flow label copied",
      "in UDP from port 4501 to 4502, 64-bit sequence numbers", "replay window 131072",
    ] { #expect(words.contains(line), "\(line)") }
  }
}

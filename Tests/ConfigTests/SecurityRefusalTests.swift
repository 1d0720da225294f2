import Config
import Contract
import Testing

@Suite("What could not protect is refused where it stands")
struct SecurityRefusalTests {
  @Test(
    "Each field of ESP, by its range",
    arguments: [
      ("mode", "host", "expected tunnel or transport"), ("esn", "1", "expected true or false"),
      ("window", "1000", "expected a power of two from 64 to 131072"),
      ("window", "32", "expected an integer from 64 to 131072"), ("udp", "4500", "expected a mapping"),
      ("udp", "{localPort: 0}", "expected an integer from 1 to 65535"),
      ("dscp", "64", "expected copy or an integer from 0 to 63"),
      ("dontFragment", "keep", "expected copy, set or clear"),
      ("ecn", "off", "expected normal or compatibility"),
      ("hopLimit", "0", "expected copy or an integer from 1 to 255"),
      ("flowLabel", "0x100000", "expected copy or an integer from 0 to 1048575"),
      ("pathMTU", "575", "expected 0 or an integer from 576 to 65535"), ("padTo", "65536", "integer from 0 to 65535"),
      ("lifetime", "{packets: 4294967296}", "integer from 1 to 4294967295, or {soft, hard}"),
      ("lifetime", "{bytes: 0}", "expected an integer from 1 to"),
      ("lifetime", "{seconds: {soft: 9, hard: 9}}", "found 9, expected less than 9, the value of hard"),
      ("lifetime", "{seconds: {soft: 9}}", "lifetime.seconds.hard: found no such field"),
      ("lifetime", "{packet: 9}", "did you mean 'packets'?"), ("windw", "64", "did you mean 'window'?"),
      ("inboundkey", "64", "unknown field"), ("icv", "10", "expected 16, 12 or 8"),
      ("name", "\"a\\eb\"", "a name of up to 40 characters"),
      ("cipher", "aes-gcm", "expected aes-128-gcm, aes-192-gcm"),
      ("integrity", "md5", "expected hmac-sha1-96, hmac-sha256, hmac-sha384 or hmac-sha512"),
      ("keysBorn", "", "tunnels[0].keysBorn: found no such field"),
      ("address", "", "tunnels[0].address: found no such field, expected an IPv4 or IPv6 address"),
      ("cipher", "", "tunnels[0].cipher: found no such field"),
      ("inboundKey", "", "tunnels[0].inboundKey: found no such field, expected 40 hexadecimal digits"),
      ("address", "192.0.2.7", "found '192.0.2.7', expected one of cluster.addresses: 192.0.2.1, 2001:db8::1"),
      ("address", "\"2001:db8::1\"", "found '2001:db8::1', expected an IPv4 address, as the peer has one"),
      ("flowLabel", "copy", "an IPv4 outer header has no flow label"),
      ("local", "[10.1.0.0/16, \"2001:db8::/32\"]", "expected an IPv6 prefix in 'remote' as well"),
      ("remote", "[]", "expected an IPv4 prefix in 'remote' as well"),
    ])
  func fields(_ name: String, _ value: String, _ message: String) {
    let found = refusals(tunnel([name: value]))
    #expect(found.contains { $0.hasPrefix("f:3:") && $0.contains(message) }, "\(found)")
    // Nothing else is said than this, and for a range nothing more.
    #expect(found.count <= 2, "\(found)")
  }

  @Test("An IPv6 outer header asks for more of the path, and has no mark against fragments")
  func overIPv6() {
    let six = ["peer": "\"2001:db8::9\"", "address": "\"2001:db8::1\""]
    #expect(
      complaint(tunnel(six.merging(["pathMTU": "1279"]) { $1 })).hasSuffix("0 or an integer from 1280 to 65535"))
    #expect(complaint(tunnel(six.merging(["dontFragment": "set"]) { $1 })).contains("an IPv6 outer header has no such"))
  }

  @Test(
    "A suite that is none is refused with the reason",
    arguments: [
      ("aes-128-cbc", "", "", "tunnels[0].cipher: this cipher is refused without integrity, expected 'integrity'"),
      ("null", "", "", "tunnels[0].cipher: this cipher is refused without integrity"),
      (
        "aes-128-gcm", "hmac-sha256", "", "tunnels[0].integrity: this cipher sees to integrity itself and takes no HMAC"
      ),
      ("chacha20-poly1305", "", "8", "tunnels[0].icv: this cipher has no tags of that length"),
      ("aes-128-cbc", "hmac-sha384", "16", "tunnels[0].icv: this cipher has no tags of that length"),
    ])
  func suites(_ cipher: String, _ integrity: String, _ length: String, _ message: String) {
    let found = complaint(tunnel(["cipher": cipher, "integrity": integrity, "icv": length]))
    #expect(found.hasPrefix(message), "\(found)")
  }

  @Test(
    "A key of the wrong length: how much is expected and how much was given, and no digit",
    arguments: [
      digits(19), digits(21), String(digits(20).dropLast()), String(digits(20).dropLast()) + "g", "[\(digits(20))]",
      "0x\(digits(19))", "{\(digits(20)): 1}", "\"\"",
    ])
  func keys(_ key: String) {
    for (text, name) in [(tunnel(["inboundKey": key]), "inboundKey"), (tunnel(["outboundKey": key]), "outboundKey")] {
      let found = refusals(text).joined(separator: "\n")
      #expect(found.contains("tunnels[0].\(name): found "))
      #expect(
        found.contains("expected 40 hexadecimal digits, 20 octets for AES-GCM-16-128: a key of 16, a salt of 4"))
      #expect(!found.contains("cbcbc"))
      if !key.contains(where: { "[{\"".contains($0) }) { #expect(found.contains("a text of \(key.utf8.count) bytes")) }
    }
  }

  @Test("A key without a suite, doubled or with a tag is not repeated either")
  func misplacedKeys() {
    for text in [
      tunnel(["cipher": "x", "inboundKey": digits(3) + "g"]), tunnel(["inboundKey": "!t " + digits(20)]),
      tunnel(["inboundKey": digits(20) + ", inboundKey: " + digits(20, "d")]), group(["key": "&a " + digits(68)]),
      tunnel(["inboundKey": digits(20), "outboundKey": digits(20)]),
    ] {
      let found = refusals(text)
      #expect(!found.isEmpty && found.allSatisfy { !$0.contains("cbcb") }, "\(found)")
    }
  }

  @Test("A key stands in one place: two senders under one counter would repeat nonces")
  func repeatedKeys() {
    #expect(
      complaint(tunnel(["outboundKey": digits(20)]))
        == "tunnels[0].outboundKey: found the key of tunnels[0].inboundKey again, expected every key once")
  }

  @Test("Counters need to know whose they are and where they have been")
  func counters() {
    func without(_ unit: String) -> String {
      let found = refusals(unit + "\n" + tunnel().split(separator: "\n").dropFirst().joined(separator: "\n"))
      return found.joined()
    }
    #expect(without("").contains("f:3:"))
    #expect(
      without("").hasSuffix(
        "tunnels[0].cipher: AES-GCM-16-128 must never repeat a nonce, expected 'unit.number' and 'unit.stateDirectory'"
          + " as well"))
    #expect(without("unit: {number: 0}").contains("expected 'unit.stateDirectory' as well"))
    #expect(without("unit: {stateDirectory: /s}").contains("expected 'unit.number' as well"))
    let cbc = [
      "cipher": "aes-128-cbc", "integrity": "hmac-sha256", "inboundKey": digits(48), "outboundKey": digits(48, "d"),
      "keysBorn": "",
    ]
    #expect(refusals(tunnel(cbc).split(separator: "\n").dropFirst().joined(separator: "\n")) == [])
  }

  @Test("A tunnel that no traffic can reach is a mistake")
  func unreachable() {
    let lonely = ["local": "", "remote": "", "name": "x"]
    let message = "tunnels[0]: no traffic can reach it, expected 'local' and 'remote', or a policy that names it"
    #expect(complaint(tunnel(lonely)) == message)
    #expect(complaint(tunnel(lonely) + "policies: [{action: bypass}]\n") == message)
    #expect(refusals(tunnel(lonely) + "policies: [{action: protect, tunnel: x}]\n") == [])
  }

  @Test(
    "What many senders cannot have is refused",
    arguments: [
      ("esn", "true", "groups[0].esn: ESN is not used on multi-sender SAs (RFC 9838), expected false"),
      (
        "lifetime", "{packets: 2147483649}",
        "found 2147483649 packets, expected at most 2147483648 on a multi-sender SA"
      ),
      (
        "cipher", "aes-256-cbc", "AES-CBC-256 with HMAC-SHA2-256-128 has no counter that tells senders apart (RFC 6054)"
      ),
      ("mode", "transport", "groups[0].mode: found 'transport', expected tunnel"),
      ("units", "1", "groups[0].units: found 1, expected more than 1, the value of unit.number"),
      ("units", "257", "expected an integer from 1 to 256"), ("units", "", "groups[0].units: found no such field"),
      ("maxSenders", "0", "expected an integer from 1 to 256"), ("key", "", "groups[0].key: found no such field"),
      ("keysBorn", "", "groups[0].keysBorn: found no such field"),
      (
        "sites", "[{gateway: \"2001:db8::2\", networks: [10.3.0.0/16]}]",
        "sites[0].gateway: found '2001:db8::2', expected"
      ),
      ("sites", "[{gateway: 198.51.100.2, networks: []}]", "sites[0].networks: found 0 items"),
      ("sites", "[{networks: [10.3.0.0/16]}]", "sites[0].gateway: found no such field"),
      ("site", "[]", "did you mean 'sites'?"),
    ])
  func groups(_ name: String, _ value: String, _ message: String) {
    let found = refusals(group([name: value]))
    #expect(found.contains { $0.hasPrefix("f:3:") && $0.contains(message) }, "\(found)")
  }

  @Test("One name is one tunnel or group")
  func names() {
    let text = tunnel(["name": "x"]) + group(["name": "x"]).split(separator: "\n")[2] + "\n"
    #expect(complaint(text) == "groups[0]: found the name 'x' of tunnels[0] again, expected every name once")
  }

  @Test(
    "Each field of a policy",
    arguments: [
      ("{}", "policies[0].action: found no such field"), ("{action: allow}", "expected bypass, discard or protect"),
      ("{action: protect}", "policies[0].tunnel: found no such field"),
      ("{action: bypass, tunnel: office}", "only a policy that protects names a tunnel"),
      (
        "{action: protect, tunnel: ofice}",
        "found 'ofice', which no tunnel and no group is called: did you mean 'office'"
      ),
      ("{action: protect, tunnel: xyz}", "found 'xyz', which no tunnel and no group is called"),
      ("{action: bypass, source: 10.0.0.0/33}", "expected a prefix such as"),
      (
        "{action: bypass, source: 10.0.0.0/8, destination: \"::/0\"}",
        "found '::/0', expected an IPv4 prefix, as the source"
      ),
      ("{action: bypass, protocol: tpc}", "found 'tpc', expected tcp, udp"),
      ("{action: bypass, protocol: 256}", "or a number from 0 to 255"),
      ("{action: bypass, sourcePorts: 5}", "only TCP, UDP and SCTP have ports"),
      ("{action: bypass, protocol: icmp, destinationPorts: 5}", "only TCP, UDP and SCTP have ports"),
      ("{action: bypass, protocol: tcp, sourcePorts: 9-8}", "expected a port from 0 to 65535, or a range such as"),
      ("{action: bypass, protocol: tcp, sourcePorts: 65536}", "expected a port from 0 to 65535"),
      ("{action: bypass, sorce: 10.0.0.0/8}", "did you mean 'source'?"),
    ])
  func policies(_ policy: String, _ message: String) {
    let found = refusals(tunnel(["name": "office"]) + "policies: [\(policy)]\n")
    #expect(found.count == 1 && found[0].hasPrefix("f:4:") && found[0].contains(message), "\(found)")
  }

  @Test("A policy cannot send into what has no keys")
  func unprotected() {
    let plain =
      head + "tunnels: [{name: t, inboundSPI: 256, outboundSPI: 256, peer: 192.0.2.9}]\ngroups: [{name: g, spi: 257}]\n"
    #expect(
      complaint(plain + "policies: [{action: protect, tunnel: t}]\n").contains("found 't', which has no keys"))
    #expect(
      complaint(plain + "policies: [{action: protect, tunnel: g}]\n").contains("found 'g', which has no sites"))
  }

  @Test("The table of policies has limits")
  func limits() {
    let list = (0...200).map {
      "{action: bypass, source: \"2001:db8::\($0)/\($0 % 101)\", destination: \"::/\($0 / 101)\"}"
    }
    let most = list.prefix(200).joined(separator: ",\n ")
    #expect(refusals("policies: [\(most)]\n") == [])
    #expect(
      complaint("policies: [\(list.joined(separator: ",\n "))]\n")
        == "policies: found 201 combinations of prefix lengths, expected at most 200")
    func many(_ count: Int) -> String {
      "[" + (0..<count).map { "10.\($0 / 256).\($0 % 256).0/24" }.joined(separator: ", ") + "]"
    }
    #expect(
      complaint(tunnel(["local": many(1025), "remote": many(1024)]))
        == "tunnels: found 1049600 pairs of prefixes, expected at most 1048576 in policies, tunnels and groups")
  }
}

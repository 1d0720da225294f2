import Config
import Contract
import Glibc
import Testing
import Wire

func settings(_ text: String) throws(ConfigurationErrors) -> Configuration {
  try Configuration(YAMLDocument(text, file: "f"))
}

/// What is wrong with a configuration, one line per error.
func refusals(_ text: String) -> [String] {
  do {
    _ = try settings(text)
    return []
  } catch {
    return error.errors.map(\.description)
  }
}

/// Digits, of which no test expects to see any again.
func digits(_ octets: Int, _ first: Character = "a") -> String {
  String(first) + String(repeating: "bc", count: octets).dropLast()
}

let head = "unit: {number: 1, stateDirectory: /state}\ncluster: {addresses: [192.0.2.1, \"2001:db8::1\"]}\n"

/// A tunnel with its fields; what is given replaces or adds, an empty text removes. On line 3.
func tunnel(_ changes: [String: String] = [:]) -> String {
  var fields = [
    "inboundSPI": "0x1000", "outboundSPI": "0x2000", "peer": "198.51.100.1", "address": "192.0.2.1",
    "cipher": "aes-128-gcm", "inboundKey": digits(20), "outboundKey": digits(20, "f"), "keysBorn": "1000",
    "local": "[10.1.0.0/16]", "remote": "[10.2.0.0/16]",
  ]
  fields.merge(changes) { $1 }
  let list = fields.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
  return head + "tunnels: [{\(list.joined(separator: ", "))}]\n"
}

func group(_ changes: [String: String] = [:]) -> String {
  var fields = [
    "spi": "0x3000", "address": "192.0.2.1", "cipher": "aes-256-ctr", "integrity": "hmac-sha256", "key": digits(68),
    "keysBorn": "1000", "units": "4", "local": "[10.1.0.0/16]",
    "sites": "[{gateway: 198.51.100.2, networks: [10.3.0.0/16]}]",
  ]
  fields.merge(changes) { $1 }
  let list = fields.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
  return head + "groups: [{\(list.joined(separator: ", "))}]\n"
}

/// The one complaint, from its field on.
func complaint(_ text: String) -> String {
  let found = refusals(text)
  guard found.count == 1, let one = found.first else { return "\(found)" }
  return one.split(separator: " ", maxSplits: 1).last.map(String.init) ?? one
}

@Suite("What protects packets, as a configuration says it")
struct SecurityTests {
  private func security(_ changes: [String: String]) throws -> TunnelSecurity {
    try #require(settings(tunnel(changes)).classify.tunnels[0].security)
  }

  @Test("A tunnel with little said has the defaults of the contract")
  func defaults() throws {
    let security = try security([:])
    let suite = try CipherSuite(.aesGCM, keyBits: 128)
    let expected = ESPDescription(suite)
    #expect(security.esp.suite == suite && security.esp.mode == .tunnel && !security.esp.isExtended)
    #expect(security.esp.window == expected.window && security.esp.encapsulation == nil)
    #expect(security.esp.dscp == expected.dscp && security.esp.dontFragment == expected.dontFragment)
    #expect(security.esp.ecn == expected.ecn && security.esp.hopLimit == expected.hopLimit)
    #expect(security.esp.flowLabel == expected.flowLabel && security.esp.pathMTU == 0 && security.esp.paddedLength == 0)
    #expect(security.esp.packets == nil && security.esp.bytes == nil && security.esp.seconds == nil)
    #expect(security.address == IPAddress("192.0.2.1") && security.inboundKey.born == 1000)
    let first = unsafe security.inboundKey.material.withOctets { unsafe Array($0.prefix(2)) }
    #expect(first == [0xab, 0xcb] && security.outboundKey.material.count == 20)
  }

  @Test("Every field arrives where it belongs")
  func fields() throws {
    let esp = try security([
      "mode": "transport", "esn": "true", "window": "131072", "udp": "{localPort: 1, peerPort: 65535}", "dscp": "46",
      "dontFragment": "set", "ecn": "compatibility", "hopLimit": "copy", "pathMTU": "576", "padTo": "1400",
      "lifetime": "{packets: 100, bytes: {soft: 7, hard: 9}, seconds: 1}",
    ]).esp
    #expect(esp.mode == .transport && esp.isExtended && esp.window == 131_072)
    #expect(esp.encapsulation == ESPDescription.Encapsulation(localPort: 1, peerPort: 65535))
    #expect(esp.dscp == .set(46) && esp.dontFragment == .set && esp.ecn == .compatibility && esp.hopLimit == .copy)
    #expect(esp.pathMTU == 576 && esp.paddedLength == 1400)
    #expect(esp.packets == ESPDescription.Limit(soft: 90, hard: 100))
    #expect(esp.bytes == ESPDescription.Limit(soft: 7, hard: 9))
    #expect(esp.seconds == ESPDescription.Limit(soft: 0, hard: 1))
    let six = try security([
      "peer": "\"2001:db8::9\"", "address": "\"2001:db8::1\"", "flowLabel": "0xfffff", "udp": "{}", "pathMTU": "1280",
      "hopLimit": "255",
    ]).esp
    #expect(
      six.flowLabel == .set(0xfffff) && six.encapsulation == ESPDescription.Encapsulation() && six.pathMTU == 1280)
    #expect(six.hopLimit == .set(255))
  }

  @Test(
    "Every suite has a name",
    arguments: [
      ("aes-128-gcm", "", "8", 20), ("aes-192-gcm", "", "12", 28), ("aes-256-gcm", "", "16", 36),
      ("chacha20-poly1305", "", "", 36), ("aes-128-gmac", "", "", 20), ("aes-256-gmac", "", "", 36),
      ("aes-128-cbc", "hmac-sha1-96", "", 36), ("aes-256-cbc", "hmac-sha512", "", 96),
      ("aes-192-ctr", "hmac-sha384", "", 76), ("null", "hmac-sha256", "", 32), ("'null'", "hmac-sha256", "16", 32),
    ])
  func suites(_ cipher: String, _ integrity: String, _ length: String, _ octets: Int) throws {
    let security = try security([
      "cipher": cipher, "integrity": integrity, "icv": length, "inboundKey": digits(octets),
      "outboundKey": digits(octets, "0"),
    ])
    #expect(security.esp.suite.materialBytes == octets)
    if !length.isEmpty { #expect(security.esp.suite.tagBytes == Int(length)) }
  }

  @Test("When keys were made: seconds, a day, a moment")
  func born() throws {
    for (text, seconds) in [
      ("0", 0), ("1795219200", 1_795_219_200), ("2026-11-21", 1_795_219_200), ("2000-02-29", 951_782_400),
      ("\"2026-11-21T23:59:59Z\"", 1_795_305_599), ("9999-12-31", 253_402_214_400),
    ] as [(String, UInt64)] { #expect(try security(["keysBorn": text]).outboundKey.born == seconds) }
    for text in [
      "1969-12-31", "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "21.11.2026", "now", "-1",
      "2026-11-21T24:00:00Z", "2026-11-21 12:00:00Z", "99999999999999",
    ] { #expect(complaint(tunnel(["keysBorn": text])).hasSuffix("or 2026-11-21T12:00:00Z")) }
  }

  @Test("Groups, their sites and their limit")
  func groups() throws {
    let found = try #require(settings(group(["maxSenders": "256", "name": "all"])).classify.groups.first)
    let security = try #require(found.security)
    #expect(found.name == "all" && found.spi == 0x3000 && security.units == 4 && security.maxSenders == 256)
    #expect(security.sites.map(\.gateway) == [IPAddress("198.51.100.2")] && security.local.count == 1)
    #expect(security.esp.packets?.hard == 1 << 31 && security.esp.suite.cipher == .aesCTR)
    #expect(security.key.material.count == 68 && security.key.born == 1000)
  }

  @Test("The unit and the engine")
  func unit() throws {
    let found = try settings("unit: {number: 255, stateDirectory: /a b}\nengine: ipsec-mb\n")
    #expect(found.unitNumber == 255 && found.stateDirectory == "/a b" && found.engine == "ipsec-mb")
    #expect(found.classify.accept == nil)
    #expect(try settings("engine: auto\n").engine == nil)
    #expect(complaint("engine: fast\n") == "engine: found 'fast', expected auto, ipsec-mb or openssl")
    #expect(complaint("unit: {number: 256}\n") == "unit.number: found '256', expected an integer from 0 to 255")
    #expect(complaint("unit: {stateDirectory: state}\n").hasSuffix("found 'state', expected an absolute path"))
    #expect(complaint("unit: {groups: [33:33:00:00:00:01]}\n").contains("unit.groups: group addresses are given"))
  }

  @Test("Policies arrive in their order, with both families where none is named")
  func policies() throws {
    let text =
      tunnel(["name": "a b"]) + """
        policies:
          - {action: bypass, protocol: 89}
          - {action: discard, source: 10.0.0.0/8}
          - {action: protect, tunnel: a b, destination: "2001:db8::/32"}
          - {action: bypass, source: 10.1.0.0/16, destination: 10.9.0.0/16, protocol: tcp, sourcePorts: 1-2,
             destinationPorts: 80}

        """
    let found = try settings(text).classify.policies
    #expect(
      found.map { "\($0.source) \($0.destination)" } == [
        "0.0.0.0/0 0.0.0.0/0", "::/0 ::/0", "10.0.0.0/8 0.0.0.0/0", "::/0 2001:db8::/32", "10.1.0.0/16 10.9.0.0/16",
      ])
    #expect(found.map(\.action) == [.bypass, .bypass, .discard, .protect("a b"), .bypass])
    #expect(found.map(\.protocolNumber) == [89, 89, nil, nil, 6])
    #expect(found[4].sourcePorts == 1...2 && found[4].destinationPorts == 80...80 && found[3].sourcePorts == nil)
  }
}

@Suite("The examples are right")
struct ExampleTests {
  private func load(_ name: String) throws -> Configuration {
    let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return try Configuration.load("/\(path)/examples/\(name)")
  }

  @Test("What a replay needs")
  func replay() throws {
    let classify = try load("replay.yaml").classify
    #expect(classify.tunnels.count == 1 && classify.groups.count == 1 && !classify.hasSecurity)
  }

  @Test("A gateway on two devices")
  func live() throws {
    let found = try load("live.yaml")
    let gateway = try #require(found.gateway)
    #expect(gateway.ports.map(\.device) == ["eth1", "eth2"] && gateway.interfaces.count == 2)
    #expect(gateway.routes.count == 1 && gateway.workers == 1 && found.classify.tunnels.map(\.name) == ["office"])
    #expect(found.operation == OperationSection())
  }

  @Test("A gateway with tunnels over both families, a group and policies")
  func gateway() throws {
    let found = try load("gateway.yaml")
    #expect(found.classify.hasSecurity && found.stateDirectory == "/var/lib/hauberk/nonces" && found.unitNumber == 0)
    #expect(found.classify.tunnels.map(\.name) == ["office", "site"])
    let suites = found.classify.tunnels.compactMap { $0.security?.esp.suite.description }
    #expect(suites == ["AES-GCM-16-256", "ChaCha20-Poly1305"])
    #expect(found.classify.groups.map { $0.security?.sites.count } == [2])
    #expect(found.classify.policies.count == 5)
  }
}

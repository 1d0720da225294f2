import Config
import Contract
import Testing
import Wire

/// The part of a configuration that makes a gateway a member.
@Suite struct MembershipSectionTests {
  private static let example: String = {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/member.yaml"
    let octets = (try? FileOctets.read(path, atMost: 1 << 20)) ?? []
    return String(decoding: octets, as: UTF8.self)
  }()

  /// The example with changes, each of something that is there once.
  private func changed(_ changes: [(String, String)]) -> String {
    changes.reduce(Self.example) { text, change in
      let parts = text.split(separator: change.0, omittingEmptySubsequences: false)
      precondition(parts.count == 2, "\(change.0) is there \(parts.count - 1) times")
      return parts.joined(separator: change.1)
    }
  }

  private func read(_ changes: (String, String)...) throws(ConfigurationErrors) -> Configuration {
    try Configuration(YAMLDocument(changed(changes), file: "f"))
  }

  /// Each with its field, and without its place.
  private func errors(_ changes: (String, String)...) -> [String] {
    do {
      _ = try Configuration(YAMLDocument(changed(changes), file: "f"))
      return []
    } catch { return error.errors.map { "\($0.field): \($0.message)" } }
  }

  @Test func `what members have to agree on is written the same by every version`() throws {
    let policy = "policies:\n  - {action: discard, source: 10.9.0.0/16, protocol: udp, destinationPorts: 53-54}\n"
    let one = try read(("policies:\n", policy))
    #expect(
      one.agreement == """
        hash keyed 1020304050607:8090a0b0c0d0e0f
        address 10.1.0.254
        address 10.2.0.254
        policy discard 10.9.0.0/16 0.0.0.0/0 17 any 53-54
        policy bypass 0.0.0.0/0 0.0.0.0/0 any any any
        policy bypass ::/0 ::/0 any any any
        unit 1 10.1.0.1 10.2.0.1
        unit 2 10.1.0.2 10.2.0.2
        unit 3 10.1.0.3 10.2.0.3
        pace normal
        balance sets
        delivery multicast
        to 03:00:00:00:00:01
        """)
    // Their own numbers and names of devices are theirs.
    #expect(try read(("policies:\n", policy), ("device: inside", "device: eth7")).agreement == one.agreement)
    let others = [("03-00-00-00-00-01", "03-00-00-00-00-02"), ("pace: normal", "pace: fast"), ("53-54", "53-55")]
    for (old, new) in others {
      let other = try Configuration(
        YAMLDocument(changed([("policies:\n", policy), (old, new)]), file: "f"))
      #expect(other.agreement != one.agreement, "\(new)")
    }
  }

  @Test func `the example is a member, and its links have the shared addresses`() throws {
    let configuration = try read()
    let membership = try #require(configuration.membership), gateway = try #require(configuration.gateway)
    #expect(membership.name == "north" && membership.pace == .normal && configuration.unitNumber == 1)
    #expect(membership.units.map(\.number) == [1, 2, 3])
    #expect(membership.units.map(\.inside) == ["10.1.0.1", "10.1.0.2", "10.1.0.3"].map { IPAddress($0)! })
    #expect(membership.units.map(\.outside) == ["10.2.0.1", "10.2.0.2", "10.2.0.3"].map { IPAddress($0)! })
    #expect(
      membership.authority == "/etc/hauberk/authority.pem" && membership.revocations == "/etc/hauberk/revoked.pem")
    #expect(membership.certificate == "/etc/hauberk/unit-1.pem" && membership.key == "/etc/hauberk/unit-1.key")
    #expect(gateway.interfaces.map(\.shared) == [[IPAddress("10.1.0.254")!], [IPAddress("10.2.0.254")!]])
    #expect(gateway.interfaces.map(\.sharedMAC) == Array(repeating: MACAddress("03:00:00:00:00:01"), count: 2))
    // Its own MAC addresses are its devices'.
    let accept = try #require(configuration.classify.accept)
    #expect(accept.unitMAC == .zero && accept.clusterMulticastMAC == MACAddress("03:00:00:00:00:01"))
    #expect(configuration.stateDirectory == "/var/lib/hauberk")
  }

  @Test func `what may be left out or be otherwise`() throws {
    #expect(try read(("  revocations: /etc/hauberk/revoked.pem\n", "")).membership?.revocations == nil)
    #expect(try read(("  pace: normal\n", "")).membership?.pace == .normal)
    #expect(try read(("pace: normal", "pace: fast")).membership?.pace == .fast)
    #expect(try read().membership?.balance == .sets)
    #expect(try read(("pace: normal", "balance: sets")).membership?.balance == .sets)
    #expect(try read(("pace: normal", "balance: packets")).membership?.balance == .packets)
    let unicast = try read(("multicastMAC: 03-00-00-00-00-01", "unicastMAC: 02-00-00-00-00-01"))
    #expect(unicast.gateway?.interfaces[1].sharedMAC == MACAddress("02:00:00:00:00:01"))
    #expect(unicast.classify.accept?.clusterUnicastMAC == MACAddress("02:00:00:00:00:01"))
    #expect(try read().membership?.delivery == .multicast && unicast.membership?.delivery == .unicast)
    #expect(try read(("  multicastMAC:", "  delivery: multicast\n  multicastMAC:")).membership?.delivery == .multicast)
    let master = try read(("  multicastMAC: 03-00-00-00-00-01\n", "  delivery: master\n"))
    #expect(master.membership?.delivery == .master && master.gateway?.interfaces.map(\.sharedMAC) == [nil, nil])
    let accept = try #require(master.classify.accept)
    #expect(accept.clusterMulticastMAC == nil && accept.clusterUnicastMAC == nil)
    let alone = try read(
      ("    - {number: 2, inside: 10.1.0.2, outside: 10.2.0.2}\n", ""),
      ("    - {number: 3, inside: 10.1.0.3, outside: 10.2.0.3}\n", ""))
    #expect(alone.membership?.units.count == 1)
    let withMAC = try read(("  number: 1\n", "  number: 1\n  mac: 02-00-00-00-00-07\n"))
    #expect(withMAC.classify.accept?.unitMAC == MACAddress("02:00:00:00:00:07") && withMAC.membership != nil)
  }

  @Test func `shared addresses go to the links that they are on, and one that is on none to none`() throws {
    let configuration = try read(
      ("[10.1.0.254, 10.2.0.254]", "[10.1.0.254, 10.1.7.254, \"2001:db8::fe\", 203.0.113.1]"),
      (
        "    addresses: [10.1.0.1/24]",
        "    addresses: [10.1.0.1/24, \"2001:db8::1/64\"]\n    vlans: [{id: 7, addresses: [10.1.7.1/24]}]"
      ))
    let shared = configuration.gateway?.interfaces.map { $0.shared.map(\.description) }
    #expect(shared == [["10.1.0.254", "2001:db8::fe"], ["10.1.7.254"], []])
  }

  @Test(arguments: [
    ("  name: north\n", "", "cluster.units: units are members by their certificates, expected 'name' as well"),
    (
      "  authority: /etc/hauberk/authority.pem\n", "",
      "cluster.units: units are members by their certificates, expected 'authority' as well"
    ),
    ("number: 3", "number: 2", "cluster.units: found unit 2 twice, expected each once"),
    ("inside: 10.1.0.3", "inside: 10.1.0.2", "cluster.units: found the address 10.1.0.2 twice, expected each once"),
    ("inside: 10.1.0.3", "inside: 10.2.0.3", "cluster.units: found the address 10.2.0.3 twice, expected each once"),
    ("  certificate: /etc/hauberk/unit-1.pem\n", "", "cluster: units are given, expected 'unit.certificate' as well"),
    ("  key: /etc/hauberk/unit-1.key\n", "", "cluster: units are given, expected 'unit.key' as well"),
    ("  number: 1\n", "", "cluster: units are given, expected 'unit.number' as well"),
    ("  stateDirectory: /var/lib/hauberk\n", "", "cluster: units are given, expected 'unit.stateDirectory' as well"),
    ("  addresses: [10.1.0.254, 10.2.0.254]\n", "", "cluster: units are given, expected 'cluster.addresses' as well"),
    ("  number: 1\n", "  number: 4\n", "cluster: 'unit.number' is 4, expected one of 'cluster.units'"),
    (
      "  multicastMAC: 03-00-00-00-00-01\n", "",
      "cluster: expected either 'multicastMAC' or 'unicastMAC', to which all members' frames are sent, or 'delivery: master' "
        + "(C22)"
    ),
    (
      "  multicastMAC:", "  unicastMAC: 02-00-00-00-00-01\n  multicastMAC:",
      "cluster: expected either 'multicastMAC' or 'unicastMAC', to which all members' frames are sent, or 'delivery: master' "
        + "(C22)"
    ),
    (
      "  multicastMAC:", "  delivery: master\n  multicastMAC:",
      "cluster: delivery is master, expected neither 'multicastMAC' nor 'unicastMAC': frames go to the master's own MAC "
        + "address (C22)"
    ),
    (
      "  multicastMAC:", "  delivery: unicast\n  multicastMAC:",
      "cluster: delivery is unicast, expected 'unicastMAC', and no 'multicastMAC' (C22)"
    ),
    (
      "  multicastMAC: 03-00-00-00-00-01\n", "  delivery: multicast\n",
      "cluster: delivery is multicast, expected 'multicastMAC', and no 'unicastMAC' (C22)"
    ),
    (
      "  multicastMAC:", "  delivery: both\n  multicastMAC:",
      "cluster.delivery: found 'both', expected multicast, unicast or master"
    ),
    (
      "03-00-00-00-00-01", "01-00-5e-00-00-01",
      "cluster.multicastMAC: found '01-00-5e-00-00-01', expected a group MAC address that begins with 03"
    ),
    (
      "[10.1.0.1/24]", "[10.1.0.9/24]",
      "cluster: unit 1 has 10.1.0.1, expected it under 'ports.inside.addresses' as well"
    ),
    (
      "[10.2.0.1/24]", "[10.2.0.9/24]",
      "cluster: unit 1 has 10.2.0.1, expected it under 'ports.outside.addresses' as well"
    ),
    (
      "[10.1.0.1/24]", "[10.1.0.1/24, 10.1.0.254/24]",
      "cluster: found 10.1.0.254 under 'addresses' and under 'ports', expected an address of this unit's own there"
    ),
    (
      "10.2.0.254]", "10.2.0.254, 10.1.0.3]",
      "cluster: found 10.1.0.3 under 'addresses', expected no address of unit 3's own there"
    ),
    ("pace: normal", "balance: even", "cluster.balance: found 'even', expected sets or packets"),
    ("pace: normal", "pace: slow", "cluster.pace: found 'slow', expected normal or fast"),
    (
      "/etc/hauberk/revoked.pem", "revoked.pem", "cluster.revocations: found 'revoked.pem', expected an absolute path"
    ),
    ("/etc/hauberk/unit-1.key", "unit-1.key", "unit.key: found 'unit-1.key', expected an absolute path"),
    ("number: 3", "number: 64", "cluster.units[2].number: found '64', expected an integer from 0 to 63"),
    (
      "inside: 10.1.0.3", "inside: \"2001:db8::3\"",
      "cluster.units: found addresses of both families inside, expected one: units ask each other by them"
    ),
    (
      "inside: 10.1.0.3", "inside: \"ff02::1\"",
      "cluster.units[2].inside: found the quoted text 'ff02::1', expected the address of a host"
    ),
    (", outside: 10.2.0.3", "", "cluster.units[2].outside: found no such field, expected the address of a host"),
    ("number: 1\n", "number: one\n", "unit.number: found 'one', expected an integer from 0 to 255"),
    (
      "device: inside", "device: in/side", "ports.inside.device: found 'in/side', expected the name of a network device"
    ),
    (
      "[10.1.0.254, 10.2.0.254]", "[10.1.0.254, 10.2.0]",
      "cluster.addresses[1]: found '10.2.0', expected an IPv4 or IPv6 address"
    ),
  ]) func `what cannot be is refused in one sentence`(_ old: String, _ new: String, _ sentence: String) {
    // And in no other: a field that is there and wrong is not said to be missing.
    #expect(errors((old, new)) == [sentence])
  }

  @Test func `units may have IPv6 addresses on one side or both, beside IPv4 for others`() throws {
    let configuration = try read(
      ("inside: 10.1.0.1", "inside: \"2001:db8::1\""), ("inside: 10.1.0.2", "inside: \"2001:db8::2\""),
      ("inside: 10.1.0.3", "inside: \"fe80::3\""), ("[10.1.0.1/24]", "[10.1.0.1/24, \"2001:db8::1/64\"]"))
    #expect(
      configuration.membership?.units.map(\.inside)
        == ["2001:db8::1", "2001:db8::2", "fe80::3"].map { IPAddress($0)! })
    #expect(configuration.gateway?.interfaces[0].shared == [IPAddress("10.1.0.254")!])
    #expect(
      errors(
        ("inside: 10.1.0.1", "inside: \"2001:db8::1\""), ("inside: 10.1.0.2", "inside: \"2001:db8::2\""),
        ("inside: 10.1.0.3", "inside: \"2001:db8::3\"")) == [
          "cluster: unit 1 has 2001:db8::1, expected it under 'ports.inside.addresses' as well"
        ])
  }

  @Test func `an SA between two peers may be a member's, and so may the example's`() throws {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/member-ipsec.yaml"
    let text = String(decoding: try FileOctets.read(path, atMost: 1 << 20), as: UTF8.self)
    let configuration = try Configuration(YAMLDocument(text, file: "f"))
    #expect(configuration.membership?.units.map(\.number) == [1, 2])
    #expect(configuration.classify.tunnels.map(\.name) == ["office"])
    #expect(configuration.classify.tunnels[0].security?.address == IPAddress("192.0.2.1"))
    // Nonces are each member's own: a number and a record belong to every counter mode.
    #expect(configuration.classify.groups.first?.security?.units == 4 && configuration.stateDirectory != nil)
  }

  @Test func `every member has sender ids in a group, or none is right`() {
    let group = """
      groups:
        - {name: g, spi: 0x10000, address: 10.2.0.254, cipher: aes-128-gcm, keysBorn: 2026-11-21, units: 3,
           key: "\(String(repeating: "0a", count: 20))", local: [10.1.0.0/24], sites: []}
      policies:
      """
    #expect(
      errors(("policies:", group)) == [
        "groups[0].units: found 3, expected more than 3, the highest number in cluster.units"
      ])
    #expect(errors(("policies:", group.replacing("units: 3", with: "units: 4"))) == [])
    #expect(
      errors(("policies:", group.replacing("units: 3", with: "units: 1"))) == [
        "groups[0].units: found 1, expected more than 1, the value of unit.number"
      ])
  }

  @Test func `all that is missing is said at once`() {
    #expect(
      errors(
        ("  certificate: /etc/hauberk/unit-1.pem\n", ""), ("  key: /etc/hauberk/unit-1.key\n", ""),
        ("  stateDirectory: /var/lib/hauberk\n", "")) == [
          "cluster: units are given, expected 'unit.stateDirectory', 'unit.certificate', 'unit.key' as well"
        ])
    #expect(
      errors(("  name: north\n", ""), ("  authority: /etc/hauberk/authority.pem\n", "")) == [
        "cluster.units: units are members by their certificates, expected 'name' and 'authority' as well"
      ])
  }

  @Test(arguments: ["name: north", "pace: fast", "balance: packets", "authority: /a", "revocations: /r"])
  func `without units nothing of a member has a meaning`(_ field: String) {
    let name = String(field.prefix { $0 != ":" })
    let sentence =
      "cluster.\(name): only members of a cluster have it, expected 'units' as well: those that may be members"
    for units in ["", "  units: []\n"] {
      do {
        _ = try Configuration(YAMLDocument("cluster:\n  addresses: [192.0.2.1]\n  \(field)\n\(units)", file: "f"))
        Issue.record("taken")
      } catch {
        #expect(error.errors.map { "\($0.field): \($0.message)" } == [sentence])
      }
    }
  }

  @Test(arguments: ["certificate", "key"]) func `nor have its papers`(_ field: String) {
    for cluster in ["", "cluster: {addresses: [192.0.2.1]}\n"] {
      do {
        _ = try Configuration(YAMLDocument("unit: {number: 1, \(field): /a}\n\(cluster)", file: "f"))
        Issue.record("taken")
      } catch {
        let sentence = "unit: found '\(field)', expected 'cluster.units' as well: those that may be members"
        #expect(error.errors.map { "\($0.field): \($0.message)" } == [sentence])
      }
    }
  }

  @Test func `a member without ports is none`() throws {
    let text = Self.example
    let start = try #require(text.firstRange(of: "ports:")).lowerBound
    let end = try #require(text.firstRange(of: "# Clear forwarding")).lowerBound
    do {
      _ = try Configuration(YAMLDocument(String(text[..<start] + text[end...]), file: "f"))
      Issue.record("taken")
    } catch {
      #expect(error.errors.map(\.message) == ["units are given, expected 'ports' as well"])
    }
  }

  @Test func `as many units as there may be, and one more`() throws {
    func units(_ count: Int) -> String {
      (1...count).map { "    - {number: \($0 % 64), inside: 10.1.0.\($0), outside: 10.2.0.\($0)}\n" }.joined()
    }
    let lines = Self.example.split(separator: "\n").filter { $0.hasPrefix("    - {") }.map { $0 + "\n" }.joined()
    #expect(try read((lines, units(64))).membership?.units.count == 64)
    #expect(errors((lines, units(65))) == ["cluster.units: found 65 items, expected from 0 to 64"])
  }
}

@testable import CLI
import Config
import Testing

/// What `hauberk check` says of a member.
@Suite struct CheckMembershipTests {
  private func configuration(_ changes: (String, String)...) throws -> Configuration {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/member.yaml"
    let text = String(decoding: try FileOctets.read(path, atMost: 1 << 20), as: UTF8.self)
    let changed = changes.reduce(text) { text, change in
      text.split(separator: change.0, omittingEmptySubsequences: false).joined(separator: change.1)
    }
    return try Configuration(YAMLDocument(changed, file: "member.yaml"))
  }

  @Test func `the example says whose member it is, and of what`() throws {
    let text = CheckReport("member.yaml", try configuration(), found: []).text
    #expect(
      text.hasPrefix(
        """
        member.yaml is right.

        unit      number 1, nonce state in /var/lib/hauberk, accepts frames to its devices' addresses, the cluster and its groups
        cluster   10.1.0.254, 10.2.0.254; keyed hash
        ciphers   the fastest engine that is here

        cluster north
          unit 1, by /etc/hauberk/unit-1.pem and /etc/hauberk/unit-1.key
          others are believed by /etc/hauberk/authority.pem, but for those in /etc/hauberk/revoked.pem
          pace normal: a dead member's work is another's within 200 ms
          work is shared out by sets: each member has as many
          shared inside: 10.1.0.254
          shared outside: 10.2.0.254
          frames for them go to 03:00:00:00:00:01, a group
          unit  inside    outside
             1  10.1.0.1  10.2.0.1  this one
             2  10.1.0.2  10.2.0.2
             3  10.1.0.3  10.2.0.3

        workers   1,
        """), "\(text)")
    #expect(!text.contains("00:00:00:00:00:00") && !text.contains("warnings"))
  }

  @Test func `what becomes of SAs is said where there are some`() throws {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/member-ipsec.yaml"
    let text = String(decoding: try FileOctets.read(path, atMost: 1 << 20), as: UTF8.self)
    let report = CheckReport("f", try Configuration(YAMLDocument(text, file: "f")), found: []).text
    let tunnels = "tunnels move with their numbers; those that a dead member had are refused until they have new keys"
    let groups = "groups go on sealing; senders in a dead member's sets are refused until the group has a new key"
    #expect(
      report.contains("  \(tunnels)\n  \(groups)\n") && report.contains("tunnel office") && !report.contains("warn"))
    #expect(!CheckReport("f", try configuration(), found: []).text.contains("new key"))
  }

  @Test func `what is otherwise is said otherwise`() throws {
    let changed = try configuration(
      ("pace: normal", "pace: fast\n  balance: packets"), ("  revocations: /etc/hauberk/revoked.pem\n", ""),
      ("multicastMAC: 03-00-00-00-00-01", "unicastMAC: 02-00-00-00-00-01"),
      ("[10.1.0.254, 10.2.0.254]", "[10.1.0.254, 10.7.0.254, 203.0.113.1]"),
      ("[10.1.0.1/24]", "[10.1.0.1/24]\n    vlans: [{id: 7, addresses: [10.7.0.1/24]}]"))
    let text = CheckReport("member.yaml", changed, found: []).text
    for line in [
      "  others are believed by /etc/hauberk/authority.pem; nothing says whose certificates are revoked",
      "  pace fast: a dead member's work is another's within 40 ms",
      "  work is shared out by packets per second, as a mean over ten seconds: each member carries as many",
      "  shared inside: 10.1.0.254, 10.7.0.254 in VLAN 7",
      "  shared outside: none",
      "  shared, and on no link of this unit, so routers have to know the way: 203.0.113.1",
      "  frames for them go to 02:00:00:00:00:01, which all members take for their own",
    ] { #expect(text.contains(line + "\n"), "\(line)") }
    let json = CheckReport("member.yaml", changed, found: []).json["cluster"]
    #expect(
      json?["shared"]?.line == #"{"inside":["10.1.0.254","10.7.0.254"],"outside":[],"elsewhere":["203.0.113.1"]}"#)
    #expect(json?["revocations"]?.line == "null" && json?["promiseMilliseconds"]?.line == "40")
    #expect(json?["mac"]?.line == #""02:00:00:00:00:01""# && json?["pace"]?.line == #""fast""#)
    #expect(json?["balance"]?.line == #""packets""#)
  }

  @Test func `where the master forwards, frames go to its own address`() throws {
    let changed = try configuration(("multicastMAC: 03-00-00-00-00-01", "delivery: master"))
    let report = CheckReport("member.yaml", changed, found: [])
    #expect(
      report.text.contains("  frames for them go to the master's own MAC address, and it forwards what is others'\n"))
    #expect(report.json["cluster"]?["mac"]?.line == "null" && report.json["cluster"]?["delivery"]?.line == #""master""#)
  }

  @Test func `the same as JSON`() throws {
    let json = CheckReport("member.yaml", try configuration(), found: ["a file"]).json
    #expect(
      json["cluster"]?.line
        == #"{"name":"north","unit":1,"units":[{"number":1,"inside":"10.1.0.1","outside":"10.2.0.1"},"#
        + #"{"number":2,"inside":"10.1.0.2","outside":"10.2.0.2"},{"number":3,"inside":"10.1.0.3","outside":"10.2.0.3"}],"#
        + #""shared":{"inside":["10.1.0.254"],"outside":["10.2.0.254"],"elsewhere":[]},"delivery":"multicast","#
        + #""mac":"03:00:00:00:00:01","#
        + #""pace":"normal","balance":"sets","promiseMilliseconds":200,"authority":"/etc/hauberk/authority.pem","#
        + #""revocations":"/etc/hauberk/revoked.pem","certificate":"/etc/hauberk/unit-1.pem","#
        + #""key":"/etc/hauberk/unit-1.key"}"#)
    #expect(json["unitMAC"]?.line == "null" && json["warnings"]?.line == #"["a file"]"#)
  }

  @Test func `a gateway alone is no member, and names its own address`() throws {
    let text = """
      unit: {number: 1, mac: 02-00-00-00-00-07}
      cluster: {addresses: [192.0.2.1], multicastMAC: 03-00-00-00-00-01, key: 000102030405060708090a0b0c0d0e0f}
      """
    let report = CheckReport("f", try Configuration(YAMLDocument(text, file: "f")), found: [])
    #expect(report.json["cluster"]?.line == "null" && report.json["unitMAC"]?.line == #""02:00:00:00:00:07""#)
    #expect(report.text.contains("accepts frames to 02:00:00:00:00:07, the cluster and its groups\n"))
    #expect(!report.text.contains("\ncluster \n") && !report.text.contains("pace"))
  }
}

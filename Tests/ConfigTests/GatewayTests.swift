import Config
import Contract
import Testing
import Wire

/// The part of a configuration that makes a gateway live.
@Suite struct GatewayTests {
  private static let ports = """
    ports:
      inside:
        device: in
        addresses: [10.1.0.1/16, "2001:db8:a::1/48"]
        vlans:
          - id: 100
            addresses: [10.1.100.1/24]
            mtu: 1400
      outside: { device: out, method: xdp, mac: 02:00:5e:00:53:01, mtu: 9000 }

    """

  private func gateway(_ text: String) throws(ConfigurationErrors) -> GatewayDescription? {
    try Configuration(YAMLDocument(text, file: "f")).gateway
  }

  private func errors(_ text: String) -> String {
    do {
      _ = try gateway(text)
      return ""
    } catch { return "\(error)" }
  }

  @Test func `ports, their VLANs and routes arrive where they belong`() throws {
    let gateway = try #require(
      try gateway(
        Self.ports + """
          routes:
            - { to: 0.0.0.0/0, via: 10.1.0.254 }
            - { to: 10.66.0.0/16, unreachable: true }
          workers: 3
          polling: busy
          """))
    #expect(gateway.ports.map(\.device) == ["in", "out"] && gateway.ports.map(\.side) == [.inside, .outside])
    #expect(gateway.ports[0].method == nil && gateway.ports[1].method == .xdp)
    #expect(gateway.ports[1].mac == MACAddress("02:00:5e:00:53:01"))
    #expect(gateway.interfaces.map(\.vlan) == [nil, 100, nil])
    #expect(gateway.interfaces.map(\.mtu) == [1500, 1400, 9000])
    #expect(gateway.interfaces[0].addresses.map(\.address) == ["10.1.0.1", "2001:db8:a::1"].map { IPAddress($0) })
    #expect(gateway.interfaces[1].addresses[0].network == IPPrefix("10.1.100.0/24"))
    #expect(gateway.routes.map(\.gateway) == [IPAddress("10.1.0.254"), nil])
    #expect(gateway.workers == 3 && gateway.polling == .busy && gateway.segmentLimit == .none)
  }

  @Test(arguments: [
    ("auto", SegmentLimit.automatic), ("off", .none), ("536", .octets(536)), ("1360", .octets(1360)),
    ("65495", .octets(65495)),
  ])
  func `the limit of TCP's segments`(_ text: String, _ limit: SegmentLimit) throws {
    #expect(try gateway(Self.ports + "clampMSS: \(text)\n")?.segmentLimit == limit)
  }

  @Test(arguments: ["535", "65496", "yes", "-1", "[]"])
  func `what is no limit is refused with what would be`(_ text: String) {
    let errors = errors(Self.ports + "clampMSS: \(text)\n")
    #expect(errors.contains("f:10:") && errors.contains("auto, off or a number of octets from 536 to 65495"))
  }

  @Test(arguments: [
    ("outside: { device: in }", "found the device 'in' again"),
    ("outside: { device: out, addresses: [10.1.0.1/24] }", "found the address 10.1.0.1 twice"),
    ("outside: { device: a/b }", "the name of a network device"),
    ("outside: { device: out, mtu: 1279 }", "an integer from 1280 to 9200"),
    ("outside: { device: out, mac: 03:00:00:00:00:01 }", "a unicast MAC address"),
    ("outsid: { device: out }", "outside"),
  ])
  func `ports that cannot be are refused in words`(_ outside: String, _ words: String) {
    let errors = errors("ports:\n  inside: { device: in, addresses: [10.1.0.1/16] }\n  \(outside)\n")
    #expect(errors.contains(words), "\(errors)")
  }

  @Test func `routes without ports lead nowhere`() {
    #expect(errors("routes: [{ to: 0.0.0.0/0, via: 10.1.0.254 }]\n").contains("expected 'ports' as well"))
  }
}

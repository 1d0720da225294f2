import Config
import Contract
import Testing
import Wire

private func configuration(_ text: String) throws(ConfigurationErrors) -> ClassifyDescription {
  try Configuration(YAMLDocument(text, file: "f")).classify
}

private let key = "00112233445566778899aabbccddeeff"

@Suite("A configuration says what classification needs")
struct ConfigurationTests {
  private let whole = """
    unit:
      mac: 02:00:5e:00:53:01
      groups: [33:33:00:00:00:01, 01-00-5E-00-00-01]
    cluster:
      addresses: [203.0.113.1, "2001:db8::1"]
      hash: compat
      key: \(key)
      unicastMAC: 02:00:5e:00:53:99
      multicastMAC: 03:00:5e:00:53:99
    tunnels:
      - inboundSPI: 0x1000
        outboundSPI: 256
        peer: 198.51.100.7
        local: [192.0.2.0/24, "2001:db8:a::/48"]
        remote: [198.51.100.0/24]
      - inboundSPI: 4294967295
        outboundSPI: 0x2001
        peer: 2001:db8::7
    groups:
      - spi: 0x3000
        senderIDBits: 12
      - spi: 0x3001

    """

  @Test("Every field arrives where it belongs")
  func unitAndCluster() throws {
    let classify = try configuration(whole)
    let accept = try #require(classify.accept)
    #expect(accept.unitMAC == MACAddress("02:00:5e:00:53:01"))
    #expect(accept.groups == [MACAddress(0x3333_0000_0001), MACAddress(0x0100_5e00_0001)])
    #expect(accept.clusterUnicastMAC == MACAddress("02:00:5e:00:53:99"))
    #expect(accept.clusterMulticastMAC == MACAddress("03:00:5e:00:53:99"))
    #expect(classify.clusterAddresses == ["203.0.113.1", "2001:db8::1"].map { IPAddress($0) })
    #expect(classify.hash == .compat)
    #expect(classify.key == WorkSetKey(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff))
  }

  @Test("Tunnels and groups arrive in their order")
  func associations() throws {
    let classify = try configuration(whole)
    #expect(classify.tunnels.map(\.inboundSPI) == [0x1000, .max])
    #expect(classify.tunnels.map(\.outboundSPI) == [256, 0x2001])
    #expect(classify.tunnels.map(\.peer) == ["198.51.100.7", "2001:db8::7"].map { IPAddress($0) })
    #expect(
      classify.tunnels.map { $0.local.map(\.description) } == [["192.0.2.0/24", "2001:db8:a::/48"], []])
    #expect(classify.tunnels.map { $0.remote.map(\.description) } == [["198.51.100.0/24"], []])
    #expect(classify.groups.map(\.spi) == [0x3000, 0x3001])
    #expect(classify.groups.map(\.senderIDBits) == [12, 8])
  }

  @Test("An empty file is a whole configuration: the keyed hash, every frame accepted, nothing to end")
  func empty() throws {
    let classify = try configuration("")
    #expect(classify.accept == nil)
    #expect(classify.hash == .keyed)
    #expect(classify.key == .zero)
    #expect(classify.clusterAddresses.isEmpty && classify.tunnels.isEmpty && classify.groups.isEmpty)
  }

  @Test("Packet memory, which the file may size or leave alone")
  func memory() throws {
    let document = try YAMLDocument("memory: {frames: 4096, frameBytes: 16384}\n", file: "f")
    let (sized, left) = (try Configuration(document), try Configuration(YAMLDocument("", file: "f")))
    #expect(sized.frames == 4096)
    #expect(sized.frameBytes == 16384)
    #expect(left.frames == nil)
    #expect(left.frameBytes == nil)
  }

  @Test("Every number of bits that RFC 6054 knows", arguments: [8, 12, 16])
  func senderIDBits(_ bits: Int) throws {
    let text = "cluster: {addresses: [192.0.2.1]}\ngroups: [{spi: 256, senderIDBits: \(bits)}]\n"
    let groups = try configuration(text).groups
    #expect(groups.map(\.senderIDBits) == [bits])
  }
}

@Suite("A configuration that contradicts itself is refused at its line and column")
struct ConfigurationRefusalTests {
  private let cluster = "cluster: {addresses: [192.0.2.1]}\n"

  @Test("A unit has a unicast MAC address")
  func unitMAC() {
    #expect(
      refusals("unit: {mac: 01:00:5e:00:53:01}\n") == [
        "f:1:13: unit.mac: found '01:00:5e:00:53:01', expected a unicast MAC address"
      ])
    #expect(
      refusals("unit:\n  mac: 02:00:5e:00:53\n") == [
        "f:2:8: unit.mac: found '02:00:5e:00:53', expected a MAC address"
      ])
  }

  @Test("The groups of a unit are group addresses, 64 at most")
  func groups() {
    #expect(
      refusals("unit: {mac: 02:00:5e:00:53:01, groups: [02:00:5e:00:53:02]}\n") == [
        "f:1:41: unit.groups[0]: found '02:00:5e:00:53:02', expected a group MAC address"
      ])
    func many(_ count: Int) -> String {
      let list = [String](repeating: "33:33:00:00:00:01", count: count).joined(separator: ", ")
      return "unit: {mac: 02:00:5e:00:53:01, groups: [\(list)]}\n"
    }
    #expect(refusals(many(64)) == [])
    #expect(refusals(many(65)) == ["f:1:40: unit.groups: found 65 items, expected from 0 to 64"])
  }

  @Test("The cluster's MAC addresses: a unicast one, and a group one that begins with 03")
  func clusterMACs() {
    let unit = "unit: {mac: 02:00:5e:00:53:01}\n"
    #expect(
      refusals(unit + "cluster: {unicastMAC: 03:00:5e:00:53:01}\n") == [
        "f:2:23: cluster.unicastMAC: found '03:00:5e:00:53:01', expected a unicast MAC address"
      ])
    for mac in ["01:00:5e:00:53:01", "33:33:00:00:00:01", "02:00:5e:00:53:01", "ff:ff:ff:ff:ff:ff"] {
      #expect(
        refusals(unit + "cluster: {multicastMAC: \(mac)}\n") == [
          "f:2:25: cluster.multicastMAC: found '\(mac)', expected a group MAC address that begins with 03"
        ])
    }
  }

  @Test("Cluster MAC addresses without a unit lack the address that completes them")
  func clusterMACsAlone() {
    let message = "MAC addresses are given, but no 'unit.mac' of its own that completes them"
    #expect(refusals("cluster: {unicastMAC: 02:00:5e:00:53:01}\n") == ["f:1:10: cluster: \(message)"])
    #expect(refusals("cluster: {multicastMAC: 03:00:5e:00:53:01}\n") == ["f:1:10: cluster: \(message)"])
  }

  @Test("Addresses and the hash")
  func clusterFields() {
    #expect(
      refusals("cluster:\n  addresses: [192.0.2.1, 192.0.2]\n  hash: fast\n") == [
        "f:2:26: cluster.addresses[1]: found '192.0.2', expected an IPv4 or IPv6 address",
        "f:3:9: cluster.hash: found 'fast', expected keyed or compat",
      ])
    let many = (0...64).map { "192.0.2.\($0)" }.joined(separator: ", ")
    #expect(
      refusals("cluster: {addresses: [\(many)]}\n") == [
        "f:1:22: cluster.addresses: found 65 items, expected from 0 to 64"
      ])
  }

  @Test(
    "A wrong key is refused, and no part of it is repeated",
    arguments: [
      "\(key)0", "0x\(key.dropLast(2))", "\(key.dropLast())g", String(repeating: "5", count: 5000),
      "\(key) x",
    ])
  func keys(_ wrong: String) {
    let found = refusals("cluster: {key: \"\(wrong)\"}\n")
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("f:1:16: cluster.key: found ") == true)
    #expect(found.first?.contains("expected 32 hexadecimal digits") == true)
    #expect(found.first?.contains(wrong.prefix(6)) == false)
    #expect(found.first?.contains(wrong.suffix(6)) == false)
  }

  @Test("A key in the wrong place or of the wrong kind is not repeated either")
  func misplacedKeys() {
    for text in [
      "cluster: {key: [\(key)]}\n", "cluster: {key: {\(key): 1}}\n", "cluster: {key: &a \(key)}\n",
      "cluster: {key: !t \(key)}\n", "cluster: {key: \(key), key: \(key)}\n", "cluster: {key: \"\(key)}\n",
    ] {
      let found = refusals(text)
      #expect(!found.isEmpty)
      #expect(found.allSatisfy { !$0.contains(key.prefix(8)) }, "\(found)")
    }
  }

  @Test("A tunnel needs both SPIs and its peer")
  func tunnels() {
    #expect(
      refusals(cluster + "tunnels: [{}]\n") == [
        "f:2:11: tunnels[0].inboundSPI: found no such field, expected an integer from 256 to 4294967295",
        "f:2:11: tunnels[0].outboundSPI: found no such field, expected an integer from 256 to 4294967295",
        "f:2:11: tunnels[0].peer: found no such field, expected an IPv4 or IPv6 address",
      ])
    #expect(
      refusals(
        cluster + "tunnels:\n  - {inboundSPI: 255, outboundSPI: 4294967296, peer: x, local: [192.0.2.0/33]}\n"
      )
        == [
          "f:3:18: tunnels[0].inboundSPI: found '255', expected an integer from 256 to 4294967295",
          "f:3:36: tunnels[0].outboundSPI: found '4294967296', expected an integer from 256 to 4294967295",
          "f:3:54: tunnels[0].peer: found 'x', expected an IPv4 or IPv6 address",
          "f:3:65: tunnels[0].local[0]: found '192.0.2.0/33', expected a prefix such as 192.0.2.0/24",
        ])
  }

  @Test("A group has an SPI and 8, 12 or 16 bits of sender id")
  func groupSections() {
    #expect(
      refusals(
        cluster + "groups:\n  - spi: 0\n  - {spi: 256, senderIDBits: 9}\n  - {spi: 257, senderIDBits: 17}\n")
        == [
          "f:3:10: groups[0].spi: found '0', expected an integer from 256 to 4294967295",
          "f:4:30: groups[1].senderIDBits: found '9', expected 8, 12 or 16",
          "f:5:30: groups[2].senderIDBits: found '17', expected an integer from 8 to 16",
        ])
  }

  @Test("One SPI names one association, among tunnels, among groups and between them")
  func repeatedSPIs() {
    let tunnel = "{inboundSPI: 0x1000, outboundSPI: 0x2000, peer: 192.0.2.9}"
    #expect(
      refusals(cluster + "tunnels: [\(tunnel), \(tunnel)]\n") == [
        "f:2:10: tunnels: found inbound SPI 0x1000 twice, expected each once"
      ])
    #expect(
      refusals(cluster + "groups: [{spi: 300}, {spi: 300}]\n") == [
        "f:2:9: groups: found SPI 0x12c twice, expected each once"
      ])
    #expect(
      refusals(cluster + "tunnels: [\(tunnel)]\ngroups: [{spi: 0x1000}]\n") == [
        "f:3:9: groups: found SPI 0x1000 twice, expected each once"
      ])
    #expect(
      refusals(cluster + "tunnels: [\(tunnel)]\ngroups: [{spi: 0x2000}]\n") == [],
      "outbound SPIs are the peer's")
  }

  @Test("Associations end at a cluster address, so there has to be one")
  func noClusterAddress() {
    let message = "security associations end at a cluster address, expected 'cluster.addresses' as well"
    let tunnels = "tunnels: [{inboundSPI: 256, outboundSPI: 256, peer: 192.0.2.9}]\n"
    #expect(refusals(tunnels) == ["f:1:10: tunnels: \(message)"])
    #expect(refusals("groups: [{spi: 256}]\n") == ["f:1:9: groups: \(message)"])
  }

  @Test("Frames come by magazines of 64, and not by the handful")
  func memory() {
    let frames = "expected an integer from 1024 to 1048576"
    #expect(refusals("memory: {frames: 1023}\n") == ["f:1:18: memory.frames: found '1023', \(frames)"])
    #expect(refusals("memory: {frames: 1048577}\n") == ["f:1:18: memory.frames: found '1048577', \(frames)"])
    #expect(
      refusals("memory:\n  frames: 1025\n  frameBytes: 511\n") == [
        "f:2:11: memory.frames: found '1025', expected a multiple of 64 from 1024 to 1048576",
        "f:3:15: memory.frameBytes: found '511', expected an integer from 512 to 16384",
      ])
    #expect(refusals("memory: {frames: 1024, frameBytes: 512}\n") == [])
    #expect(refusals("memory: {frames: 196608, frameBytes: 16384}\n") == [])
    #expect(
      refusals("memory: {frames: 196672, frameBytes: 16384}\n") == [
        "f:1:18: memory.frames: found 3073 MiB of frames, expected at most 3072 MiB"
      ])
  }

  @Test("A misspelt field is an error at every level")
  func misspelt() {
    #expect(
      refusals("clutser: {}\nunit: {mac: 02:00:5e:00:53:01, group: []}\n") == [
        "f:1:1: clutser: unknown field 'clutser': did you mean 'cluster'?",
        "f:2:32: unit.group: unknown field 'group': did you mean 'groups'?",
      ])
  }
}

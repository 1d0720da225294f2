import Foundation
import PacketMaking
import Testing

private let workers = ["1", "2"]
private let absence = Comment(rawValue: PeerCapture.absence)

/// ESP that others sealed, opened with their keys. What comes out was checksummed by its sender before it was sealed.
@Suite(.enabled(if: PeerCapture.isHere, absence)) struct PeerCaptureTests {
  private static let secgw = PeerCapture(name: "secgw-dpdk22.11-aes128gcm16-raw.pcap")

  private static func secgwGateway() throws -> PeerGateway {
    let all = try PeerCapture.associations("secgw-dpdk22.11-aes128gcm16-raw.sas.json")
    return PeerGateway(
      address: try #require(all[0].dst), peer: try #require(all[0].src), inbound: all[0], outbound: all[1],
      local: "10.22.0.0/16", remote: "10.11.0.0/16")
  }

  @Test(arguments: workers)
  func `DPDK's ipsec-secgw: AES-128-GCM in plain ESP`(_ workers: String) throws {
    let opened = try Self.secgwGateway().open(Self.secgw, workers: workers)
    #expect(opened.drops == [:] && opened.consumed == 0 && opened.counted == 70 && opened.sequence == 70)
    #expect(opened.count("echo request") == 60 && opened.count("echo reply") == 10)
    #expect(opened.isSound && opened.packets.allSatisfy { $0.source == "10.11.0.1" && $0.destination == "10.22.0.1" })
    #expect(opened.packets.map(\.octets.count).reduce(0, +) == 30_200)
  }

  @Test(arguments: workers)
  func `the same again is replayed, and another key opens nothing`(_ workers: String) throws {
    var gateway = try Self.secgwGateway()
    let twice = try gateway.open(Self.secgw, workers: workers, loops: 2)
    #expect(twice.counted == 70 && twice.drops == ["replayed": 70] && twice.window == ["replayed": 70])
    gateway.inbound.key = "8" + gateway.inbound.key.dropFirst()
    let none = try gateway.open(Self.secgw, workers: workers)
    #expect(none.counted == 0 && none.drops == ["integrity": 70] && none.sequence == 0 && none.packets.isEmpty)
  }

  @Test(arguments: workers)
  func `strongSwan: AES-128-GCM in UDP, at both ends`(_ workers: String) throws {
    let capture = PeerCapture(name: "strongswan-5.9.8-aes128gcm16-udpencap.pcap")
    let all = try PeerCapture.associations("strongswan-5.9.8-aes128gcm16-udpencap.sas.json")
    for (near, far) in [(all[0], all[1]), (all[1], all[0])] {
      let isFirst = near.spi == all[0].spi
      let networks = isFirst ? ["10.71.0.0/16", "10.72.0.0/16"] : ["10.72.0.0/16", "10.71.0.0/16"]
      var gateway = PeerGateway(
        address: try #require(near.dst), peer: try #require(near.src), inbound: near, outbound: far,
        local: networks[0], remote: networks[1])
      gateway.more.append("udp: {localPort: 4500, peerPort: 4500}")
      let opened = try gateway.open(capture, workers: workers)
      // What goes the other way is in the capture, too: no traffic of ours.
      #expect(opened.drops == ["noPolicy": isFirst ? 156 : 20] && opened.consumed == 0)
      #expect(opened.counted == (isFirst ? 20 : 156) && opened.sequence == opened.counted)
      #expect(opened.count("echo reply") == (isFirst ? 20 : 0))
      #expect(opened.count("echo request") == (isFirst ? 0 : 20) && opened.count("UDP") == (isFirst ? 0 : 136))
      #expect(opened.packets.count == opened.counted && opened.isSound)
    }
  }

  @Test(arguments: workers)
  func `Wireshark's sample: AES-128-CBC with HMAC-SHA1-96, at both ends`(_ workers: String) throws {
    // "IPv4", source, destination, SPI, cipher, its key, integrity, its key
    let rows = try PeerCapture.lines("ws-esp-bug-12671.keys.txt").map { line in
      line.split(separator: ",").map { String($0.filter { $0 != "\"" }) }
    }
    func material(_ row: [String]) -> String { String(row[5].dropFirst(2) + row[7].dropFirst(2)) }
    for (near, far) in [(rows[0], rows[1]), (rows[1], rows[0])] {
      let isFirst = near[1] == "192.168.0.1"
      let networks = isFirst ? ["10.1.1.0/24", "10.1.0.0/24"] : ["10.1.0.0/24", "10.1.1.0/24"]
      var gateway = PeerGateway(
        address: near[2], peer: near[1], inbound: PeerCapture.SA(spi: near[3], key: material(near)),
        outbound: PeerCapture.SA(spi: far[3], key: material(far)), local: networks[0], remote: networks[1])
      gateway.cipher = "aes-128-cbc"
      gateway.more.append("integrity: hmac-sha1-96")
      let opened = try gateway.open(PeerCapture(name: "ws-esp-bug-12671.pcapng.gz"), workers: workers)
      #expect(opened.drops == ["noPolicy": 3] && opened.counted == 3 && opened.sequence == 3)
      #expect(opened.count(isFirst ? "echo reply" : "echo request") == 3 && opened.packets.count == 3)
      #expect(opened.isSound)
    }
  }

  /// Vita pads with zeros. RFC 4303 section 2.4: who sends MUST pad with 1, 2, 3; who opens SHOULD look. So it is
  /// authentic, moves the window, and goes no further, under a name of its own.
  @Test(arguments: workers)
  func `Vita, with 64-bit sequence numbers: authentic, and refused for its padding`(_ workers: String) throws {
    let sa = try #require(try PeerCapture.associations("vita-selftest.sas.json").first)
    func gateway(peer: String) -> PeerGateway {
      PeerGateway(
        address: "203.0.113.1", peer: peer, inbound: sa, outbound: nil, local: "192.168.10.0/24",
        remote: "192.168.10.0/24")
    }
    let into = try gateway(peer: "203.0.0.1").open(
      PeerCapture(name: "vita-selftest-public-in.pcap"), workers: workers)
    // Two packets for the gateway in clear; SPI 0; number 1 again; five that are authentic, among them next header 42
    // and a TTL of 0; a first fragment of 76 octets, which is no multiple of 8, and a last one that waits for its first.
    #expect(
      into.drops == ["noPolicy": 2, "unknownSPI": 1, "replayed": 1, "badPadding": 5, "fragmentMalformed": 1])
    #expect(
      into.consumed == 1 && into.unfinished == 1 && into.counted == 0 && into.sequence == 7 && into.packets.isEmpty)
    #expect(into.window == ["replayed": 1, "malformed": 5])

    let out = try gateway(peer: "203.0.113.1").open(
      PeerCapture(name: "vita-selftest-public-out.pcap"), workers: workers)
    #expect(out.drops == ["noPolicy": 2, "badPadding": 3] && out.sequence == 103 && out.packets.isEmpty)
  }

  @Test func `a key of 3DES is refused with a sentence`() throws {
    // SPI@destination cipher:key
    let line = try #require(try PeerCapture.lines("tcpdump-02-sunrise-sunset-esp.keys.txt").first)
    let words = line.split(whereSeparator: { " @:".contains($0) }).map(String.init)
    #expect(words.count == 4 && words[2] == "3des-cbc-hmac96")
    var gateway = PeerGateway(
      address: words[1], peer: "192.1.2.23",
      inbound: PeerCapture.SA(spi: words[0], key: String(words[3].dropFirst(2))), outbound: nil, local: "10.1.0.0/16",
      remote: "10.2.0.0/16")
    gateway.cipher = "3des-cbc"
    gateway.more.append("integrity: hmac-sha1-96")
    let folder = Folder()
    let capture = PeerCapture(name: "tcpdump-02-sunrise-sunset-esp.pcap")
    let run = Program.run("replay", capture.path, "--config", gateway.write(to: folder))
    #expect(run.code == 6 && run.isOneSentence && run.output.isEmpty)
    #expect(run.error.contains("cipher: found '3des-cbc', expected aes-128-gcm"))
  }
}

import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Which of our addresses speaks")
struct SourceTests {
  private func path(_ interfaces: [InterfaceDescription]) -> SlowPath {
    SlowPath(interfaces, inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, seed: 1)
  }

  private func asked(_ path: SlowPath, _ target: String, on interface: Int) -> [UInt8]? {
    var path = path
    let packet = target.contains(":") ? ipv6(.udp, to: target) : ipv4(.udp, to: target)
    let frame = path.receive(from(packet), interface: interface, cause: .noNeighbour, now: 0).frames.first
    return frame.map { Array(target.contains(":") ? $0[22..<38] : $0[28..<32]) }
  }

  /// From whom somebody hears that his packet's hop limit is over.
  private func answered(_ path: SlowPath, _ source: String, on interface: Int) -> [UInt8]? {
    var path = path
    let packet = source.contains(":") ? ipv6(.udp, from: source) : ipv4(.udp, from: source)
    let frame = path.receive(from(packet), interface: interface, cause: .hopLimit, now: 0).frames.first
    return frame.map { Array(source.contains(":") ? $0[22..<38] : $0[26..<30]) }
  }

  @Test("One of the interface itself, though another has the same network")
  func sameNetwork() {
    let path = path([interface(.inside, nil, ["192.0.2.254/24"]), interface(.outside, nil, ["192.0.2.253/24"])])
    #expect(asked(path, "192.0.2.1", on: 0) == address("192.0.2.254"))
    #expect(asked(path, "192.0.2.1", on: 1) == address("192.0.2.253"))
  }

  @Test("Of several the one of his network, else the first")
  func several() {
    let path = path([
      interface(.inside, nil, ["10.0.0.1/24", "192.0.2.254/24"]), interface(.outside, nil, ["10.9.0.1/24"]),
    ])
    #expect(asked(path, "192.0.2.1", on: 0) == address("192.0.2.254"))
    #expect(answered(path, "192.0.2.1", on: 0) == address("192.0.2.254"))
    #expect(answered(path, "8.8.8.8", on: 0) == address("10.0.0.1"))
    #expect(answered(path, "8.8.8.8", on: 1) == address("10.9.0.1"))
  }

  @Test("A link-local address speaks to its own kind, and nobody else to it")
  func linkLocal() {
    let path = path([
      interface(.inside, nil, ["fe80::1/64", "2001:db8::fe/64"]), interface(.outside, nil, ["fe80::2/64"]),
    ])
    // What is configured is not joined by one that is made.
    #expect(path.snapshot(now: 0).ownAddresses.count == 3)
    #expect(asked(path, "fe80::9", on: 0) == address("fe80::1"))
    #expect(asked(path, "fe80::9", on: 1) == address("fe80::2"))
    #expect(asked(path, "2001:db8::9", on: 0) == address("2001:db8::fe"))
    #expect(answered(path, "2001:db8:9::9", on: 0) == address("2001:db8::fe"))
    // No other address on this side: one of the other's.
    #expect(answered(path, "2001:db8:9::9", on: 1) == address("2001:db8::fe"))
    #expect(answered(path, "fe80::9", on: 1) == address("fe80::2"))
  }

  @Test("An address that somebody else has does not speak")
  func taken() {
    var path = path([interface(.inside, nil, ["192.0.2.254/24", "192.0.2.253/24"])])
    let claim = ethernet(.arp, arp(2, sender: "192.0.2.254", target: "192.0.2.254"))
    _ = path.receive(claim, interface: 0, cause: .notIP, now: 0)
    #expect(asked(path, "192.0.2.1", on: 0) == address("192.0.2.253"))
  }

  @Test("No two of our IPv4 packets in a row have one identification")
  func identification() {
    var gateway = Gateway()
    let frames = (0..<10).flatMap { _ in gateway.receive(from(ipv4(.udp, from: "10.0.0.1")), .hopLimit) }.frames
    #expect(Set(frames.map { Array($0[18..<20]) }).count == 10)
  }
}

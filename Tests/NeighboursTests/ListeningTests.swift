import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("Switches hear whose IPv6 groups we are in (MLDv2)")
struct ListeningTests {
  /// The report in a frame: the groups, each of which hears everybody. Nil of anything else.
  private func groups(_ frame: [UInt8], from source: String = Gateway.insideLinkLocal) -> Set<String>? {
    guard frame.count >= 70, Array(frame[0..<6]) == [0x33, 0x33, 0, 0, 0, 0x16], frame[12] == 0x86, frame[13] == 0xdd
    else { return nil }
    let packet = Array(frame[14...])
    // Hop-by-hop options, one hop, to all who listen to reports, with a router alert.
    guard packet[6] == 0, packet[7] == 1, Array(packet[40..<48]) == [58, 0, 5, 2, 0, 0, 1, 0],
      Array(packet[8..<24]) == address(source), Array(packet[24..<40]) == address("ff02::16")
    else { return nil }
    let message = Array(packet[48...])
    let length = UInt32(message.count)
    let pseudo = Array(packet[8..<40]) + (0..<4).reversed().map { UInt8(length >> (8 * $0) & 0xff) } + [0, 0, 0, 58]
    guard message[0] == 143, message[1] == 0, checksum(pseudo + message) == 0,
      Int(packet[4]) << 8 | Int(packet[5]) == packet.count - 40
    else { return nil }
    let count = Int(message[6]) << 8 | Int(message[7])
    guard message.count == 8 + 20 * count else { return nil }
    return Set(
      (0..<count).compactMap { number -> String? in
        let record = Array(message[(8 + 20 * number)..<(28 + 20 * number)])
        guard Array(record[0..<4]) == [2, 0, 0, 0] else { return nil }
        return record[4...].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      })
  }

  private func hex(_ group: String) -> String {
    address(group).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func reports(_ gateway: inout Gateway, seconds: Double) -> [(after: Double, frame: [UInt8], interface: Int)] {
    gateway.timeline(seconds: seconds).compactMap { moment in
      guard case .send(let frame, let interface) = moment.directive, frame.count > 62, frame[12] == 0x86,
        frame[20] == 0, frame[62] == 143
      else { return nil }
      return (moment.after, frame, interface)
    }
  }

  @Test("At a start twice, on each link that has IPv6, with all groups in which we are asked for")
  func start() throws {
    var gateway = Gateway(isSettled: false)
    let all = reports(&gateway, seconds: 20)
    #expect(all.map(\.interface).sorted() == [0, 0, 1, 1])
    let inside = all.filter { $0.interface == Gateway.inside }
    for report in inside {
      #expect(groups(report.frame) == [hex("ff02::1:ff00:fe"), hex("ff02::1:ff00:5301")])
    }
    try #require(inside.count == 2)
    #expect((0..<1).contains(inside[0].after) && abs(inside[1].after - inside[0].after - 1) < 0.001)
  }

  @Test("Who asks is answered within the time that he gives, and once for all who ask meanwhile")
  func asked() throws {
    var gateway = Gateway()
    for _ in 0..<5 {
      #expect(gateway.receive(listenerQuery(), .forUs).isEmpty)
    }
    let all = reports(&gateway, seconds: 20)
    try #require(all.count == 1)
    #expect(all[0].interface == Gateway.inside && all[0].after <= 0.501)
    #expect(groups(all[0].frame) == [hex("ff02::1:ff00:fe"), hex("ff02::1:ff00:5301")])
  }

  @Test("Who asks again and again, and will not wait, is answered four times a second")
  func flood() {
    var gateway = Gateway()
    var count = 0
    for _ in 0..<2000 {
      _ = gateway.receive(listenerQuery(milliseconds: 0), .forUs)
      count += reports(&gateway, seconds: 0.001).count
    }
    #expect((7...9).contains(count))
  }

  @Test("Whoever is not on the link, or is nobody, asks in vain; so does a message with an octet changed")
  func strangers() {
    var gateway = Gateway()
    #expect(gateway.silentFate(listenerQuery(hops: 64), .forUs) == .farSender)
    #expect(gateway.silentFate(listenerQuery(from: "2001:db8::5"), .forUs) == .farSender)
    #expect(gateway.silentFate(listenerQuery(from: "::"), .forUs) == .farSender)
    var bad = listenerQuery()
    bad[bad.count - 1] ^= 1
    #expect(gateway.silentFate(bad, .forUs) == .checksum)
    #expect(reports(&gateway, seconds: 20).isEmpty)
  }

  @Test("A link that is back hears it anew, and so does one with other addresses after a reload")
  func again() {
    var gateway = Gateway()
    gateway.path.linkCameUp(.outside, now: gateway.now)
    #expect(reports(&gateway, seconds: 20).map(\.interface) == [Gateway.outside, Gateway.outside])
    func reload(_ inside: [String]) {
      _ = gateway.path.replaceInterfaces(
        [
          interface(.inside, nil, inside), interface(.outside, nil, ["198.51.100.254/24", "2001:db8:b::fe/64"]),
          interface(.outside, 7, ["203.0.113.254/24"]),
        ], inside: MACAddress(Gateway.insideMAC)!, outside: MACAddress(Gateway.outsideMAC)!, now: gateway.now)
    }
    reload(["192.0.2.254/24", "2001:db8::fe/64"])
    #expect(reports(&gateway, seconds: 20).isEmpty)
    reload(["192.0.2.254/24", "2001:db8::fd/64"])
    let all = reports(&gateway, seconds: 20)
    #expect(all.map(\.interface) == [Gateway.inside, Gateway.inside])
    #expect(all.first.flatMap { groups($0.frame) } == [hex("ff02::1:ff00:fd"), hex("ff02::1:ff00:5301")])
  }

  @Test("More groups than a frame takes are said in several")
  func many() {
    let addresses = (1...150).map { "2001:db8::\(String($0, radix: 16))/64" }
    var path = SlowPath(
      [interface(.inside, nil, addresses)], inside: MACAddress(Gateway.insideMAC)!,
      outside: MACAddress(Gateway.outsideMAC)!, seed: 7)
    var frames: [[UInt8]] = []
    var now = 1000 * Gateway.second
    while frames.isEmpty, let next = path.nextTimer, next <= 1002 * Gateway.second {
      now = max(now, next)
      frames += path.tick(now: now).frames.filter { $0.count > 62 && $0[20] == 0 && $0[62] == 143 }
    }
    #expect(frames.count == 3 && frames.allSatisfy { $0.count <= 1294 })
    #expect(frames.compactMap { groups($0) }.reduce(into: Set()) { $0.formUnion($1) }.count == 151)
  }
}

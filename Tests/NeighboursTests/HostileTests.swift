import Contract
import ControlKit
import Neighbours
import PacketMaking
import Testing
import Wire

/// The same numbers in every run.
private struct Chance: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
}

/// Frames that a gateway meets, some of them with a fault.
private struct Traffic {
  var chance: Chance
  private let plain: [[UInt8]]

  init(seed: UInt64) {
    chance = Chance(state: seed)
    let alice = Host.aliceMAC
    plain = [
      ethernet(.arp, to: "ff:ff:ff:ff:ff:ff", arp(target: Gateway.inside4)),
      ethernet(.arp, to: Gateway.insideMAC, arp(2, target: Gateway.inside4, targetMAC: Gateway.insideMAC)),
      ethernet(.arp, to: "ff:ff:ff:ff:ff:ff", arp(target: Host.alice)),
      ethernet(.arp, to: "ff:ff:ff:ff:ff:ff", arp(sender: Gateway.inside4, target: Gateway.inside4)),
      ethernet(.vlan, to: Gateway.outsideMAC, vlan(7, .arp, arp(sender: "203.0.113.9", target: Gateway.tagged4))),
      from(
        alice,
        discovery(135, target: Gateway.inside6, from: Host.alice6, to: Gateway.inside6, options: linkOption(1, alice))),
      from(
        alice,
        discovery(
          136, target: Host.alice6, from: Host.alice6, to: Gateway.inside6, flags: 0x60, options: linkOption(2, alice))),
      from(alice, discovery(135, target: Gateway.inside6, from: "::", to: "ff02::1:ff00:fe")),
      from(alice, ipv4(.icmp, to: Gateway.inside4, icmp(type: 8, text("hello")))),
      from(alice, icmp6([128, 0, 0, 0, 0, 0, 0, 1] + text("hello"), from: Host.alice6, to: Gateway.inside6)),
      from(ipv4(.udp, udp(text("hello")))), from(ipv6(.udp, udp(text("hello")))),
      from(ipv4(.icmp, icmpError(quoting: ipv4(.udp)))), from(ipv6(.icmpv6, [1, 0, 0, 0, 0, 0, 0, 0])),
      from(ipv4(.udp, options: [1, 1, 1, 1], fragmentOffset: 3, [1, 2])),
      from(ipv6(.hopByHop, extensionHeader(.fragment, fragment(.udp, offset: 3, more: true, udp())))),
      from(ipv4(.tcp, to: Gateway.inside4, tcp())), from(ipv6(.sctp, to: Gateway.inside6, [1, 2, 3])),
      from(ipv4(.udp, udp([UInt8](repeating: 7, count: 1400)))), listenerQuery(), listenerQuery(milliseconds: 0),
    ]
  }

  mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &chance) }

  mutating func frame() -> [UInt8] {
    if below(20) == 0 { return (0..<below(120)).map { _ in UInt8.random(in: 0...255, using: &chance) } }
    var frame = plain[below(plain.count)]
    // Senders and destinations by the thousand, so that tables fill.
    if below(3) == 0 { frame[frame.count - 1] = UInt8(below(256)) }
    for _ in 0..<[0, 0, 0, 1, 1, 2, 8][below(7)] { frame[below(frame.count)] = UInt8(below(256)) }
    if below(10) == 0 { frame.removeLast(below(frame.count)) }
    if below(20) == 0 { frame += [UInt8](repeating: 0xcc, count: below(50)) }
    repair(&frame)
    return frame
  }

  /// Most faults are to be met behind the checksum, not at it.
  private mutating func repair(_ frame: inout [UInt8]) {
    guard frame.count >= 34, frame[12] == 8, frame[13] == 0, frame[14] == 0x45, below(4) != 0 else { return }
    frame[24] = 0
    frame[25] = 0
    frame.replaceSubrange(24..<26, with: big(checksum(Array(frame[14..<34]))))
  }

  mutating func nextHop() -> IPAddress? {
    switch below(8) {
    case 0: nil
    case 4, 5: IPAddress(Host.alice)
    case 6, 7: IPAddress(Host.alice6)
    case 1: .v4(IPv4Address(0xc000_0200 | UInt32(below(256))))
    case 2: .v6(IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(below(3000))))
    default: below(2) == 0 ? .v4(IPv4Address(UInt32.random(in: 0 ... .max, using: &chance))) : IPAddress("fe80::9")
    }
  }
}

/// What may leave, whatever came.
private struct Watch {
  let limits: SlowPathLimits
  var table: [String: MACAddress] = [:]
  var problems: [String] = []
  var kinds: [String: Int] = [:]

  static let ours = Set(
    [
      Gateway.inside4, Gateway.outside4, Gateway.tagged4, Gateway.inside6, Gateway.outside6, Gateway.insideLinkLocal,
      "fe80::200:5eff:fe00:5302", "::",
    ].map(address))

  /// A packet of the dataplane's from one of our addresses: sealed, most likely. Here it would look like an answer.
  static func isOurs(_ frame: [UInt8]) -> Bool {
    for tags in 0...4 {
      let packet = frame.dropFirst(14 + 4 * tags)
      if ours.contains(Array(packet.dropFirst(12).prefix(4))) { return true }
      if ours.contains(Array(packet.dropFirst(8).prefix(16))) { return true }
    }
    return false
  }

  mutating func look(_ directives: [Directive], most: Int) {
    if directives.count > most { problems.append("\(directives.count) directives") }
    for directive in directives {
      switch directive {
      case .send(let frame, let interface): lookAtFrame(frame, interface)
      case .route(let packet), .forward(let packet): lookAtPacket(packet, isToGroup: false)
      case .neighbour(let interface, let address, let mac):
        if mac.isGroup || mac == .zero || !address.isHost { problems.append("a neighbour \(address) at \(mac)") }
        table["\(interface) \(address)"] = mac
      case .forget(let interface, let address):
        if table.removeValue(forKey: "\(interface) \(address)") == nil {
          problems.append("forgotten twice: \(address)")
        }
      case .event: kinds["event", default: 0] += 1
      }
    }
  }

  private mutating func lookAtFrame(_ frame: [UInt8], _ interface: Int) {
    guard frame.count >= 60, frame.count <= 1518 else { return problems.append("a frame of \(frame.count)") }
    let ours = address(interface == Gateway.inside ? Gateway.insideMAC : Gateway.outsideMAC)
    if Array(frame[6..<12]) != ours { problems.append("not from our MAC address") }
    let tag = interface == Gateway.tagged ? 4 : 0
    if tag == 4, frame[12..<16] != [0x81, 0, 0, 7] { problems.append("no tag") }
    let isToGroup = frame[0] & 1 != 0
    switch (frame[12 + tag], frame[13 + tag]) {
    case (0x08, 0x06): kinds["arp", default: 0] += 1
    case (0x08, 0x00), (0x86, 0xdd): lookAtPacket(Array(frame[(14 + tag)...]), isToGroup: isToGroup)
    default: problems.append("a frame of another type")
    }
  }

  /// Packets of others pass; what is ours is ICMP, sound, and answers nothing that is not to be answered.
  private mutating func lookAtPacket(_ packet: [UInt8], isToGroup: Bool) {
    let isIPv6 = packet[0] >> 4 == 6
    let source = Array(isIPv6 ? packet[8..<24] : packet[12..<16])
    guard Self.ours.contains(source) else { return kinds["passed on", default: 0] += 1 }
    let length = Int(isIPv6 ? packet[4] : packet[2]) << 8 | Int(isIPv6 ? packet[5] : packet[3])
    let header = isIPv6 ? 40 : 20
    let message = Array(packet[header..<(isIPv6 ? 40 + length : length)])
    if isIPv6, packet[6] == 0, packet.count > 48, packet[40] == 58 {
      kinds["behind options \(packet[48])", default: 0] += 1
      if checksum(Array(packet[8..<40]) + big(UInt32(length - 8)) + big(UInt32(58)) + packet[48..<(40 + length)]) != 0 {
        problems.append("a report with a wrong checksum")
      }
      return
    }
    guard packet[isIPv6 ? 6 : 9] == (isIPv6 ? 58 : 1) else { return kinds["passed on", default: 0] += 1 }
    let pseudo = isIPv6 ? Array(packet[8..<40]) + big(UInt32(length)) + big(UInt32(58)) : []
    if checksum(pseudo + message) != 0 { problems.append("a wrong checksum") }
    let type = message[0]
    kinds["\(isIPv6 ? 6 : 4) \(type) \(message[1])", default: 0] += 1
    let isDiscovery = isIPv6 && (type == 135 || type == 136)
    if isToGroup, !isDiscovery { problems.append("ICMP to a group") }
    guard isIPv6 ? type < 128 : type == 3 || type == 11 else { return }
    if (isIPv6 ? 40 + length : length) > (isIPv6 ? 1280 : 576) { problems.append("a long error") }
    let quoted = Array(message[8...])
    if !isIPv6, quoted.count > 20, quoted[9] == 1, quoted[0] == 0x45, [3, 4, 5, 11, 12].contains(quoted[20]) {
      problems.append("an error about an error")
    }
    if !isIPv6, (UInt16(quoted[6]) << 8 | UInt16(quoted[7])) & 0x1fff != 0 { problems.append("about a fragment") }
    if isIPv6, quoted.count > 40, quoted[6] == 58, quoted[40] < 128 { problems.append("an error about an error") }
  }
}

@Suite("Whatever comes")
struct HostileTests {
  @Test(
    "100 000 frames with faults: within the limits, in balance, and nothing leaves that must not",
    arguments: [1, 2] as [UInt64])
  func hostile(_ seed: UInt64) {
    var limits = SlowPathLimits()
    limits.neighbours = 40
    limits.held = 30
    limits.questions = Rate(500, burst: 50)
    limits.errors = Rate(100, burst: 20)
    limits.icmp = Rate(100, burst: 20)
    var gateway = Gateway(limits: limits, seed: seed, isSettled: false)
    var traffic = Traffic(seed: seed)
    var watch = Watch(limits: limits)
    for round in 0..<50_000 {
      let cause = Punt.allCases[traffic.below(Punt.allCases.count)]
      let interface = traffic.below(40) == 0 ? traffic.below(9) - 3 : [0, 0, 0, 1, 2][traffic.below(5)]
      let frame = traffic.frame()
      if cause == .noNeighbour, Watch.isOurs(frame) { continue }
      let directives = gateway.path.receive(
        frame, interface: interface, cause: cause, nextHop: traffic.nextHop(),
        mtu: traffic.below(3000) - 100, isOpened: traffic.below(8) == 0, now: gateway.now)
      watch.look(directives, most: limits.mostDirectivesPerReceive)
      // Floods, and quiet times in which timers run out.
      gateway.now += UInt64(traffic.below(round / 5000 % 2 == 0 ? 20_000_000 : 50_000))
      if traffic.below(4) == 0 { watch.look(gateway.path.tick(now: gateway.now), most: limits.mostDirectivesPerTick) }
      guard round % 500 == 0 else { continue }
      let snapshot = gateway.snapshot
      #expect(snapshot.isBalanced && snapshot.neighbours.count <= 40 && snapshot.held <= 30)
      #expect(snapshot.held == snapshot.neighbours.map(\.held).reduce(0, +))
      let known = snapshot.neighbours.filter(\.isInstalled).compactMap { one in
        one.mac.map { ("\(one.interface) \(one.address)", $0) }
      }
      #expect(Dictionary(uniqueKeysWithValues: known) == watch.table)
    }
    #expect(watch.problems.isEmpty, "\(watch.problems.prefix(5))")
    // The traffic reaches what it is to reach.
    for kind in [
      "arp", "event", "passed on", "4 0 0", "6 129 0", "6 135 0", "6 136 0", "4 3 1", "4 3 4", "4 11 0", "6 1 3",
      "behind options 143",
    ] {
      #expect(watch.kinds[kind] ?? 0 > 0, "\(kind)")
    }
    let reached = Fate.allCases.filter { gateway.snapshot[$0] > 0 }
    #expect(reached.count > 25, "\(reached)")
  }
}

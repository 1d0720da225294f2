import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

/// Our gateway, at a time that the test makes pass: one leg inside, one outside, one in a VLAN outside.
struct Gateway {
  static let inside = 0
  static let outside = 1
  static let tagged = 2

  static let insideMAC = "00:00:5e:00:53:01"
  static let outsideMAC = "00:00:5e:00:53:02"
  static let inside4 = "192.0.2.254"
  static let inside6 = "2001:db8::fe"
  static let outside4 = "198.51.100.254"
  static let outside6 = "2001:db8:b::fe"
  static let tagged4 = "203.0.113.254"
  /// Made of the MAC addresses.
  static let insideLinkLocal = "fe80::200:5eff:fe00:5301"

  /// Through which packets from elsewhere come.
  static let router = "00:00:5e:00:53:77"

  static let second: UInt64 = 1_000_000_000

  var path: SlowPath
  var now: UInt64

  init(limits: SlowPathLimits = SlowPathLimits(), seed: UInt64 = 7, isSettled: Bool = true) {
    path = SlowPath(
      [
        interface(.inside, nil, ["192.0.2.254/24", "2001:db8::fe/64"]),
        interface(.outside, nil, ["198.51.100.254/24", "2001:db8:b::fe/64"]),
        interface(.outside, 7, ["203.0.113.254/24"]),
      ],
      inside: MACAddress(Self.insideMAC)!, outside: MACAddress(Self.outsideMAC)!, limits: limits, seed: seed)
    now = 1000 * Self.second
    if isSettled { _ = pass(seconds: 20) }
  }

  /// What a packet makes it do.
  mutating func receive(
    _ frame: [UInt8], _ cause: Punt, on interface: Int = inside, nextHop: String? = nil, mtu: Int = 0,
    isOpened: Bool = false, isPassedOn: Bool = false
  ) -> [Directive] {
    path.receive(
      frame, interface: interface, cause: cause, nextHop: nextHop.map { IPAddress($0)! }, mtu: mtu,
      isOpened: isOpened, isPassedOn: isPassedOn, now: now)
  }

  /// What it does by itself while time passes, and when, counted from now.
  mutating func timeline(seconds: Double) -> [(after: Double, directive: Directive)] {
    let (start, end) = (now, now + UInt64(seconds * Double(Self.second)))
    var all: [(Double, Directive)] = []
    while let next = path.nextTimer, next <= end {
      now = max(now, next)
      let directives = path.tick(now: now)
      all += directives.map { (Double(now - start) / Double(Self.second), $0) }
    }
    now = end
    return all
  }

  mutating func pass(seconds: Double) -> [Directive] { timeline(seconds: seconds).map(\.directive) }

  var snapshot: SlowPathSnapshot { path.snapshot(now: now) }

  /// What it knows of somebody.
  func neighbour(_ address: String, on interface: Int = inside) -> SlowPathSnapshot.Neighbour? {
    snapshot.neighbours.first { $0.interface == interface && $0.address == IPAddress(address)! }
  }

  func state(_ address: String, on interface: Int = inside) -> NeighbourState? {
    neighbour(address, on: interface)?.state
  }

  /// What became of a packet, when that is one thing alone.
  mutating func fate(
    _ frame: [UInt8], _ cause: Punt, on interface: Int = inside, nextHop: String? = nil, mtu: Int = 0,
    isOpened: Bool = false
  ) -> Fate? {
    let before = snapshot
    _ = receive(frame, cause, on: interface, nextHop: nextHop, mtu: mtu, isOpened: isOpened)
    let after = snapshot
    let changed = Fate.allCases.filter { after[$0] != before[$0] }
    return changed.count == 1 ? changed[0] : nil
  }

  /// The same of one that nothing is to be done about.
  mutating func silentFate(
    _ frame: [UInt8], _ cause: Punt, on interface: Int = inside, nextHop: String? = nil, mtu: Int = 0,
    isOpened: Bool = false
  ) -> Fate? {
    var twin = self
    let directives = twin.receive(frame, cause, on: interface, nextHop: nextHop, mtu: mtu, isOpened: isOpened)
    let fate = fate(frame, cause, on: interface, nextHop: nextHop, mtu: mtu, isOpened: isOpened)
    return directives.isEmpty ? fate : nil
  }
}

func interface(_ side: Side, _ vlan: UInt16?, _ addresses: [String]) -> InterfaceDescription {
  InterfaceDescription(
    side: side, vlan: vlan,
    addresses: addresses.map {
      InterfaceAddress(IPAddress(String($0.prefix { $0 != "/" }))!, network: IPPrefix($0)!)
    })
}

extension Directive {
  var frame: [UInt8]? { if case .send(let frame, _) = self { frame } else { nil } }
  var event: SlowPathEvent? { if case .event(let event) = self { event } else { nil } }
}

extension [Directive] {
  var frames: [[UInt8]] { compactMap(\.frame) }
  var events: [SlowPathEvent] { compactMap(\.event) }

  /// All that is sent, and over which interfaces.
  func sent(on interface: Int) -> [[UInt8]] {
    compactMap { if case .send(let frame, interface) = $0 { frame } else { nil } }
  }
}

/// Frames that are shorter than Ethernet's least are filled up with zeros.
func padded(_ frame: [UInt8]) -> [UInt8] { frame + [UInt8](repeating: 0, count: max(0, 60 - frame.count)) }

/// A neighbour solicitation or advertisement with its checksum, from the IPv6 header on.
func discovery(
  _ type: UInt8, target: String, from source: String, to destination: String, flags: UInt8 = 0,
  options: [UInt8] = [], hopLimit: UInt8 = 255, code: UInt8 = 0
) -> [UInt8] {
  icmp6(
    [type, code, 0, 0, flags, 0, 0, 0] + address(target) + options, from: source, to: destination, hopLimit: hopLimit)
}

/// The option that carries a MAC address: 1 is the source's, 2 the target's.
func linkOption(_ kind: UInt8, _ mac: String) -> [UInt8] { [kind, 1] + address(mac) }

/// An ICMPv6 message whose checksum is put in.
func icmp6(_ message: [UInt8], from source: String, to destination: String, hopLimit: UInt8 = 64) -> [UInt8] {
  var message = message
  let pseudo = address(source) + address(destination) + big(UInt32(message.count)) + big(UInt32(58))
  message.replaceSubrange(2..<4, with: big(checksum(pseudo + message)))
  return ipv6(.icmpv6, from: source, to: destination, hopLimit: hopLimit, message)
}

/// Whether we listen to groups, somebody asks who waits for so long: with the header that makes routers look.
func listenerQuery(milliseconds: UInt16 = 500, from source: String = "fe80::77", hops: UInt8 = 1) -> [UInt8] {
  let all = "ff02::1"
  let query = icmp6(
    [130, 0, 0, 0] + big(milliseconds) + [UInt8](repeating: 0, count: 18) + [2, 125, 0, 0], from: source, to: all)
  return from(
    Gateway.router, to: "33:33:00:00:00:01",
    ipv6(.hopByHop, from: source, to: all, hopLimit: hops, [58, 0, 5, 2, 0, 0, 1, 0] + query.dropFirst(40)))
}

/// A MAC address that no other test host has.
func mac(_ number: UInt8) -> String { "00:00:5e:00:53:" + (number < 16 ? "0" : "") + String(number, radix: 16) }

/// A packet in a frame, by whichever version it says it is.
func from(_ mac: String, to destination: String, _ packet: [UInt8]) -> [UInt8] {
  ethernet(packet[0] >> 4 == 6 ? .ipv6 : .ipv4, to: destination, from: mac, packet)
}

func from(_ mac: String, _ packet: [UInt8]) -> [UInt8] { from(mac, to: Gateway.insideMAC, packet) }
func from(to destination: String, _ packet: [UInt8]) -> [UInt8] { from(Gateway.router, to: destination, packet) }
func from(_ packet: [UInt8]) -> [UInt8] { from(Gateway.router, packet) }

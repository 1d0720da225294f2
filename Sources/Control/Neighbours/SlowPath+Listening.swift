import ControlKit
import Wire

/// When a link is to hear whose groups we are in.
struct Reports: Sendable {
  private(set) var due: UInt64? = 0
  /// How often unasked: a frame may be lost, so twice (RFC 3810 section 9.1). Nil before the first, for gateways that start
  /// together do not speak together.
  private var left: Int?
  /// Nobody makes us speak more often than that.
  private var notBefore: UInt64 = 0

  private static let unasked = 2
  private static let interval: UInt64 = 1_000_000_000
  private static let least: UInt64 = 250_000_000

  /// Somebody asks, and waits so long: one answer is enough for all who do.
  mutating func ask(by moment: UInt64) { due = min(due ?? .max, max(moment, notBefore)) }

  /// Whether it is said now.
  mutating func speak(now: UInt64, _ jitter: inout Jitter) -> Bool {
    guard let left else {
      self.left = Self.unasked
      due = now + jitter.between(0, Self.interval)
      return false
    }
    self.left = max(0, left - 1)
    due = left > 1 ? now + Self.interval : nil
    notBefore = now + Self.least
    return true
  }
}

/// Neighbours ask for our IPv6 addresses by groups. A switch that snoops, and hears somebody ask who listens, passes what is
/// for a group to those alone who have said that they are in it: so we say it (MLDv2, RFC 3810).
extension SlowPath {
  static let listenerQuery: UInt8 = 130
  static let listenerReport: UInt8 = 143
  private static let allRouters = IPv6Address(high: 0xff02 << 48, low: 0x16)
  /// So many fit the least of all links.
  private static let mostGroups = 60
  /// Our groups hear everybody: all but nobody.
  private static let isExclude: UInt8 = 2
  /// A header that makes routers look at what is not for them (RFC 2711), and two octets of padding.
  private static let routerAlert: [UInt8] = [IPProtocol.icmpv6, 0, 5, 2, 0, 0, 1, 0]

  /// Who asks is on the link, by a link-local address; anybody else would make us speak.
  mutating func receiveListenerQuery(_ packet: ReceivedPacket, _ arrival: Arrival) -> Fate {
    guard packet.hopLimit == 1, arrival.sender != nil, packet.source.v6?.isLinkLocal == true else { return .farSender }
    // RFC 2710 section 3.6, RFC 3810 section 5.1: milliseconds, and from 32768 on a mantissa with an exponent.
    guard packet.transport.count >= 24 else { return .malformed }
    let code = UInt64(packet.transport.uint16(at: 4))
    let most = code < 0x8000 ? code : (code & 0xfff | 0x1000) << (code >> 12 & 7 + 3)
    reports[arrival.interface].ask(by: now + reportJitter.between(0, most * 1_000_000 + 1))
    return .noted
  }

  var nextReport: (moment: UInt64, interface: Int)? {
    reports.indices.compactMap { number in reports[number].due.map { ($0, number) } }.min { $0.0 < $1.0 }
  }

  mutating func report(_ interface: Int) {
    guard reports[interface].speak(now: now, &reportJitter) else { return }
    let groups = own.groups(interface)
    for first in stride(from: 0, to: groups.count, by: Self.mostGroups) {
      report(Array(groups[first..<min(first + Self.mostGroups, groups.count)]), interface)
    }
  }

  private mutating func report(_ groups: [IPv6Address], _ interface: Int) {
    let length = 8 + 20 * groups.count, head = IPv6View.length + Self.routerAlert.count
    // RFC 3590: from nowhere, as long as there is no address to speak from.
    let source = sourceAddress(to: .v6(IPv6Address(high: 0xfe80 << 48, low: 1)), interface)?.v6 ?? .zero
    let header = IPv6Header(
      from: source, to: Self.allRouters, 0, payloadLength: Self.routerAlert.count + length, hopLimit: 1)
    let frame = interfaces[interface].frame(
      to: MACAddress(group: Self.allRouters), EtherType.ipv6, length: head + length
    ) { bytes in
      header.write(to: bytes)
      for (place, octet) in Self.routerAlert.enumerated() { bytes.set(octet, at: IPv6View.length + place) }
      let message = bytes.dropFirst(head)
      for (number, group) in groups.enumerated() {
        message.set(Self.isExclude, at: 8 + 20 * number)
        message.set(group, at: 8 + 20 * number + 4)
      }
      ICMPHeader(type: Self.listenerReport, rest: UInt32(groups.count)).write(
        to: message,
        pseudo: InternetChecksum.pseudo(from: source, to: Self.allRouters, IPProtocol.icmpv6, length: length))
    }
    send(.listenerReport, frame, interface)
  }
}

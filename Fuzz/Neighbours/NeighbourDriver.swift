import Contract
import FuzzKit
import Neighbours
import Wire

/// Any frames for any causes at any times. Each has an octet of what it is, one of time, one of its length in fours.
@main
enum NeighbourDriver {
  static func main() {
    fuzz { data, size in
      guard let data else { return }
      var input = FuzzInput(data, size)
      var limits = SlowPathLimits()
      limits.neighbours = 4
      limits.held = 6
      var path = SlowPath(
        [
          interface(.inside, nil, ["192.0.2.254/24", "2001:db8::fe/64"]),
          interface(.outside, nil, ["198.51.100.254/24"]), interface(.outside, 7, ["203.0.113.254/24"]),
        ], inside: MACAddress(0x5e00_5301), outside: MACAddress(0x5e00_5302), limits: limits, seed: 1)
      var watch = Watch()
      var now: UInt64 = 1_000_000_000
      while !input.isEmpty {
        let what = input.byte()
        // A byte of quarters of a second: a few frames take a neighbour through his life.
        now += UInt64(input.byte()) * 250_000_000
        watch.look(path.tick(now: now), most: limits.mostDirectivesPerTick)
        var frame = input.octets(4 * input.byte())
        if what & 0x40 != 0 { repair(&frame) }
        let cause = Punt(rawValue: UInt8(what & 7)) ?? .forUs
        let hop: IPAddress? = what & 0x80 == 0 ? nil : .v4(IPv4Address(0xc000_0200 | UInt32(input.byte())))
        watch.look(
          path.receive(
            frame, interface: what >> 3 & 3, cause: cause, nextHop: hop, mtu: 1000, isOpened: what & 0x20 != 0, now: now
          ),
          most: limits.mostDirectivesPerReceive)
        check(path.snapshot(now: now), watch, limits)
      }
      // Silence: whoever is asked now does not answer, and nobody waits for ever.
      let end = now + 200_000_000_000
      while let next = path.nextTimer, next < end {
        now = max(now, next)
        watch.look(path.tick(now: now), most: limits.mostDirectivesPerTick)
      }
      let last = path.snapshot(now: end)
      check(last, watch, limits)
      precondition(last.held == 0 && last.neighbours.isEmpty, "somebody is left")
    }
  }

  private static func interface(_ side: Side, _ vlan: UInt16?, _ addresses: [String]) -> InterfaceDescription {
    InterfaceDescription(
      side: side, vlan: vlan,
      addresses: addresses.map { text in
        guard let network = IPPrefix(text) else { preconditionFailure("no network: \(text)") }
        return InterfaceAddress(network.address, network: network)
      })
  }

  private static func check(_ snapshot: SlowPathSnapshot, _ watch: Watch, _ limits: SlowPathLimits) {
    precondition(snapshot.isBalanced, "a packet without a fate")
    precondition(snapshot.neighbours.count <= limits.neighbours && snapshot.held <= limits.held, "over the limits")
    precondition(snapshot.held == snapshot.neighbours.reduce(0) { $0 + $1.held }, "packets that nobody holds")
    let known = snapshot.neighbours.filter(\.isInstalled)
    precondition(known.count == watch.table.count, "the dataplane knows others")
    for one in known { precondition(watch.table[Key(one.interface, one.address)] == one.mac, "another MAC address") }
  }

  /// Checksums, so that most inputs are about something else.
  private static func repair(_ frame: inout [UInt8]) {
    guard frame.count > 54 else { return }
    frame.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      let packet = WritableBytes(base, count: buffer.count).dropFirst(EthernetView.length)
      if let header = IPv4View(packet.bytes) {
        packet.set(0 as UInt16, at: 10)
        packet.set(
          InternetChecksum.fold(InternetChecksum.sum(packet.bytes.prefix(header.headerLength))), at: 10)
        guard header.protocolNumber == IPProtocol.icmp, header.payload.count >= 8 else { return }
        repair(packet.dropFirst(header.headerLength), header.payload.count, 0)
      } else if let header = IPv6View(packet.bytes), header.nextHeader == IPProtocol.icmpv6, header.payload.count >= 8 {
        let pseudo = InternetChecksum.pseudo(
          from: header.source, to: header.destination, IPProtocol.icmpv6, length: header.payload.count)
        repair(packet.dropFirst(IPv6View.length), header.payload.count, pseudo)
      }
    }
  }

  private static func repair(_ message: WritableBytes, _ length: Int, _ pseudo: UInt64) {
    message.set(0 as UInt16, at: 2)
    message.set(InternetChecksum.fold(InternetChecksum.sum(message.bytes.prefix(length), pseudo)), at: 2)
  }
}

private struct Key: Hashable {
  let interface: Int
  let address: IPAddress
  init(_ interface: Int, _ address: IPAddress) { (self.interface, self.address) = (interface, address) }
}

/// The dataplane, as far as directives make it.
private struct Watch {
  var table: [Key: MACAddress] = [:]

  mutating func look(_ directives: [Directive], most: Int) {
    precondition(directives.count <= most, "too many directives")
    for directive in directives {
      switch directive {
      case .send(let frame, let interface):
        precondition((60...1518).contains(frame.count) && (0...2).contains(interface), "no frame")
        precondition(frame[6] & 1 == 0 && frame[11] == (interface == 0 ? 1 : 2), "not from us")
      case .route(let packet), .forward(let packet): precondition(packet.count >= 28, "no packet")
      case .neighbour(let interface, let address, let mac):
        precondition(!mac.isGroup && mac != .zero && address.isHost, "no neighbour")
        table[Key(interface, address)] = mac
      case .forget(let interface, let address):
        precondition(table.removeValue(forKey: Key(interface, address)) != nil, "forgotten twice")
      case .event: break
      }
    }
  }
}

// Layers nest as they do on the wire, and every layer says what is inside it:
//
//     ethernet(.vlan, vlan(7, .ipv4, ipv4(.udp, udp(from: 53, to: 4000, text("hello")))))
//
// Nothing is inferred, so a test can just as well lie: `ethernet(.ipv6, ipv4(.udp, udp()))`.

package func ethernet(
  _ type: EtherNumber, to destination: String = Host.bobMAC, from source: String = Host.aliceMAC,
  _ payload: [UInt8] = []
) -> [UInt8] {
  address(destination) + address(source) + big(type.value) + payload
}

/// What stands between two types: the control information, then the type of what follows.
package func vlan(
  _ identifier: UInt16, priority: UInt16 = 0, _ type: EtherNumber, _ payload: [UInt8] = []
) -> [UInt8] {
  big(priority << 13 | identifier) + big(type.value) + payload
}

/// `count` tags in a row behind one Ethernet header.
package func tagged(_ count: Int, _ type: EtherNumber, _ payload: [UInt8] = []) -> [UInt8] {
  var type = type
  var inside = payload
  for tag in 0..<count {
    inside = vlan(UInt16(100 + tag), type, inside)
    type = .vlan
  }
  return ethernet(type, inside)
}

package func arp(
  _ operation: UInt16 = 1, sender: String = Host.alice, senderMAC: String = Host.aliceMAC,
  target: String = Host.bob, targetMAC: String = "00:00:00:00:00:00"
) -> [UInt8] {
  big(UInt16(1)) + big(UInt16(0x0800)) + [6, 4] + big(operation)
    + address(senderMAC) + address(sender) + address(targetMAC) + address(target)
}

/// BSD and OpenBSD loopback: a family of four octets, in the order that the given function makes.
package func loopback(
  family: UInt32, _ order: (UInt32) -> [UInt8] = { big($0) }, _ payload: [UInt8] = []
) -> [UInt8] {
  order(family) + payload
}

/// PPP (RFC 1661, RFC 1662): with or without address and control, the protocol in two octets or in one.
package func ppp(
  _ proto: UInt16, addressAndControl: Bool = true, compressed: Bool = false, _ payload: [UInt8] = []
) -> [UInt8] {
  (addressAndControl ? [0xff, 0x03] : []) + (compressed ? [UInt8(proto)] : big(proto)) + payload
}

/// Linux cooked capture, version 1: 16 octets, the type last.
package func cooked(_ type: EtherNumber, _ payload: [UInt8] = []) -> [UInt8] {
  big(UInt16(4)) + big(UInt16(1)) + big(UInt16(6)) + address(Host.aliceMAC) + [0, 0] + big(type.value)
    + payload
}

/// Linux cooked capture, version 2: 20 octets, the type first.
package func cooked2(_ type: EtherNumber, _ payload: [UInt8] = []) -> [UInt8] {
  big(type.value) + [0, 0] + big(UInt32(3)) + big(UInt16(1)) + [4, 6] + address(Host.aliceMAC) + [0, 0]
    + payload
}

import Contract
import ControlKit
import Wire

/// One of our interfaces: what we are on that link.
struct LocalInterface: Sendable {
  let side: Side
  let vlan: UInt16?
  let mac: MACAddress
  let mtu: Int
  /// The link-local address is made where there is IPv6, and one of its own is not configured.
  let addresses: [InterfaceAddress]
  /// The cluster's, and the MAC address that goes with them.
  let shared: [IPAddress]
  let sharedMAC: MACAddress

  init(_ description: InterfaceDescription, mac: MACAddress) {
    side = description.side
    vlan = description.vlan
    self.mac = mac
    mtu = description.mtu
    shared = description.shared
    sharedMAC = description.sharedMAC ?? mac
    var addresses = description.addresses
    let own6 = addresses.compactMap { $0.address.v6 }
    let linkLocal = IPv6Address(linkLocal: mac)
    if !own6.isEmpty, !own6.contains(where: \.isLinkLocal), let network = IPPrefix(.v6(linkLocal), length: 64) {
      addresses.append(InterfaceAddress(.v6(linkLocal), network: network))
    }
    self.addresses = addresses
  }

  func isOnLink(_ address: IPAddress) -> Bool { addresses.contains { $0.network.contains(address) } }
  func isBroadcast(_ address: IPAddress) -> Bool { addresses.contains { $0.network.isBroadcast(address) } }

  /// A whole frame whose payload the closure writes. What is shorter than Ethernet's least is filled up.
  func frame(to mac: MACAddress, _ type: UInt16, length: Int, _ write: (WritableBytes) -> Void) -> [UInt8] {
    let header = EthernetHeader(to: mac, from: self.mac, vlan: vlan, type: type)
    return makeOctets(header.length + length, atLeast: 60) { bytes in
      header.write(to: bytes)
      write(bytes.dropFirst(header.length))
    }
  }

  /// The same for a packet that is there already.
  func frame(to mac: MACAddress, packet: [UInt8]) -> [UInt8] {
    let type = packet.first.map { $0 >> 4 == 6 } == true ? EtherType.ipv6 : EtherType.ipv4
    return frame(to: mac, type, length: packet.count) { out in withBytes(packet) { out.copy($0, at: 0) } }
  }
}

/// So many octets of zero, of which the closure writes the first `count`.
func makeOctets(_ count: Int, atLeast least: Int = 0, _ write: (WritableBytes) -> Void) -> [UInt8] {
  var octets = [UInt8](repeating: 0, count: max(count, least))
  unsafe octets.withUnsafeMutableBytes { buffer in
    if let base = buffer.baseAddress { write(unsafe WritableBytes(base, count: count)) }
  }
  return octets
}

/// An array's octets as the views take them.
func withBytes<Result>(_ octets: [UInt8], _ body: (Bytes) -> Result) -> Result {
  unsafe octets.withUnsafeBytes { body(unsafe Bytes($0)) }
}

extension Bytes {
  var array: [UInt8] { makeOctets(count) { $0.copy(self, at: 0) } }
}

extension IPAddress {
  var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
  var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }

  /// What sorts addresses: all of IPv4, then all of IPv6.
  var order: (UInt64, UInt64, UInt64) {
    switch self {
    case .v4(let address): (0, 0, UInt64(address.value))
    case .v6(let address): (1, address.high, address.low)
    }
  }

  /// Whose allowance an answer takes: a host with IPv6 has a whole network of addresses to choose from.
  var sourceKey: UInt64 {
    switch self {
    case .v4(let address): UInt64(address.value)
    case .v6(let address): address.isLinkLocal ? address.low : mix(address.high)
    }
  }
}

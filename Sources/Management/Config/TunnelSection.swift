import Contract
import Wire

/// One of `tunnels`.
enum TunnelSection {
  static func read(_ reader: inout FieldReader, _ around: Surroundings) -> TunnelDescription? {
    let name = reader.field("name", .name, default: "")
    let inbound = reader.field("inboundSPI", .spi)
    let outbound = reader.field("outboundSPI", .spi)
    let peer = reader.field("peer", .address)
    let local = reader.field("local", .list(of: .prefix), default: [])
    let remote = reader.field("remote", .list(of: .prefix), default: [])
    let isSecured = (ESPSection.fields + ["inboundKey", "outboundKey"]).contains { reader.contains($0) }
    let security = security(&reader, around, peer: peer, isWanted: isSecured)
    if isSecured { refuseLonePrefixes(local, remote, reader) }
    guard let inbound, let outbound, let peer, isSecured == (security != nil) else { return nil }
    var tunnel = TunnelDescription(
      name: name, inboundSPI: inbound, outboundSPI: outbound, peer: peer, local: local, remote: remote)
    tunnel.security = security
    return tunnel
  }

  /// Nil where none is wanted, and after an error.
  private static func security(
    _ reader: inout FieldReader, _ around: Surroundings, peer: IPAddress?, isWanted: Bool
  ) -> TunnelSecurity? {
    let address = around.address(&reader, peer: peer, isWanted: isWanted)
    let esp = ESPSection.read(&reader, isIPv6: peer?.isIPv6, isWanted: isWanted)
    let inbound = KeyFields.key("inboundKey", esp?.suite, &reader, isWanted: isWanted)
    let outbound = KeyFields.key("outboundKey", esp?.suite, &reader, isWanted: isWanted)
    let born = KeyFields.born(esp?.suite, &reader)
    guard let esp else { return nil }
    around.refuseCounters(esp.suite, reader)
    if let inbound { around.enter(inbound, "inboundKey", reader) }
    if let outbound { around.enter(outbound, "outboundKey", reader) }
    guard let address, let inbound, let outbound, esp.suite.isCounterMode == false || born != nil else { return nil }
    return TunnelSecurity(
      esp, address: address, inboundKey: KeyDescription(inbound, born: born ?? 0),
      outboundKey: KeyDescription(outbound, born: born ?? 0))
  }

  /// A prefix without one of its family at the other end is a network that nobody can reach.
  private static func refuseLonePrefixes(
    _ local: [IPPrefix], _ remote: [IPPrefix], _ reader: borrowing FieldReader
  ) {
    for (name, mine, other, theirs) in [("local", local, "remote", remote), ("remote", remote, "local", local)] {
      for prefix in mine where !theirs.contains(where: { $0.address.isIPv6 == prefix.address.isIPv6 }) {
        reader.reject(
          name, "found '\(prefix)', expected an \(prefix.address.isIPv6 ? "IPv6" : "IPv4") prefix in '\(other)' as well"
        )
        break
      }
    }
  }
}

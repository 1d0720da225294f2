internal import Glibc

/// The addresses that tests use: those set aside for documentation (RFC 5737, RFC 3849, RFC 7042).
package enum Host {
  package static let alice = "192.0.2.1"
  package static let bob = "198.51.100.2"
  /// The cluster's own address, where tunnels end.
  package static let cluster = "203.0.113.1"

  package static let alice6 = "2001:db8::a"
  package static let bob6 = "2001:db8:b::b"
  package static let cluster6 = "2001:db8:c::1"

  package static let aliceMAC = "00:00:5e:00:53:0a"
  package static let bobMAC = "00:00:5e:00:53:0b"
}

/// The octets of an address as written: IPv4, IPv6 or MAC.
package func address(_ text: String) -> [UInt8] {
  let octets = text.split(separator: ":").compactMap { $0.count == 2 ? UInt8($0, radix: 16) : nil }
  if octets.count == 6, text.utf8.count == 17 { return octets }
  var v4 = in_addr()
  if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
  var v6 = in6_addr()
  if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
  preconditionFailure("no address: \(text)")
}

// Numbers are written out here and not taken from Wire: a test that borrows the numbers of what it tests
// would agree with a wrong one.

/// What a link header or a tag calls the packet behind it. Any number will do: `0x88b5`.
package struct EtherNumber: ExpressibleByIntegerLiteral, Sendable {
  package var value: UInt16
  package init(integerLiteral value: UInt16) { self.value = value }
  package init(_ value: UInt16) { self.value = value }

  package static let ipv4: EtherNumber = 0x0800
  package static let arp: EtherNumber = 0x0806
  package static let clusterControl: EtherNumber = 0x88b5
  package static let vlan: EtherNumber = 0x8100
  package static let ipv6: EtherNumber = 0x86dd
  package static let serviceVLAN: EtherNumber = 0x88a8
  package static let oldServiceVLAN: EtherNumber = 0x9100
}

/// What an IP header or an extension header calls the layer behind it. Any number will do: `253`.
package struct NextHeader: ExpressibleByIntegerLiteral, Hashable, Sendable {
  package var value: UInt8
  package init(integerLiteral value: UInt8) { self.value = value }
  package init(_ value: UInt8) { self.value = value }

  package static let hopByHop: NextHeader = 0
  package static let icmp: NextHeader = 1
  package static let ipv4: NextHeader = 4
  package static let tcp: NextHeader = 6
  package static let udp: NextHeader = 17
  package static let ipv6: NextHeader = 41
  package static let routing: NextHeader = 43
  package static let fragment: NextHeader = 44
  package static let gre: NextHeader = 47
  package static let esp: NextHeader = 50
  package static let ah: NextHeader = 51
  package static let icmpv6: NextHeader = 58
  package static let none: NextHeader = 59
  package static let destinationOptions: NextHeader = 60
  package static let sctp: NextHeader = 132
  package static let mobility: NextHeader = 135
  package static let hip: NextHeader = 139
  package static let shim6: NextHeader = 140
}

/// The octets of a number in network byte order.
package func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

/// The octets of a number in the other order, as a little-endian machine writes it into a capture.
package func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { big(number).reversed() }

/// The octets of a text.
package func text(_ string: String) -> [UInt8] { Array(string.utf8) }

/// Octets from hexadecimal digits; blanks between them are for the eye.
package func hex(_ digits: String) -> [UInt8] {
  let digits = digits.filter { !$0.isWhitespace }
  precondition(digits.count.isMultiple(of: 2), "an odd number of hexadecimal digits")
  var octets: [UInt8] = []
  var rest = digits[...]
  while !rest.isEmpty {
    guard let octet = UInt8(rest.prefix(2), radix: 16) else {
      preconditionFailure("not hexadecimal: \(digits)")
    }
    octets.append(octet)
    rest = rest.dropFirst(2)
  }
  return octets
}

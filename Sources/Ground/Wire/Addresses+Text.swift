internal import Glibc

extension MACAddress: CustomStringConvertible {
  /// Six pairs of hexadecimal digits between colons or hyphens.
  public init?(_ text: String) {
    var value: UInt64 = 0
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
    guard parts.count == 6 else { return nil }
    for part in parts {
      guard part.count == 2, part.allSatisfy(\.isHexDigit), let octet = UInt8(part, radix: 16) else { return nil }
      value = value << 8 | UInt64(octet)
    }
    self.init(value)
  }

  public var description: String {
    var text = ""
    for shift in stride(from: UInt64(40), through: 0, by: -8) {
      let octet = String(value >> shift & 0xff, radix: 16)
      text += (text.isEmpty ? "" : ":") + (octet.count == 1 ? "0" : "") + octet
    }
    return text
  }
}

extension IPv4Address: CustomStringConvertible {
  public init?(_ text: String) {
    var address = in_addr()
    // The C function would stop at a NUL, and take what stands before it.
    guard !text.utf8.contains(0), inet_pton(AF_INET, text, &address) == 1 else { return nil }
    self.init(UInt32(bigEndian: address.s_addr))
  }

  public var description: String {
    "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
  }
}

extension IPv6Address: CustomStringConvertible {
  public init?(_ text: String) {
    var address = in6_addr()
    guard !text.utf8.contains(0), inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    self = withUnsafeBytes(of: address) { bytes in
      IPv6Address(
        high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }

  public var description: String {
    var words = (high.bigEndian, low.bigEndian)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      inet_ntop(AF_INET6, &words, text.baseAddress, socklen_t(text.count))
      return String(cString: text.baseAddress!)
    }
  }
}

extension IPAddress: CustomStringConvertible {
  public init?(_ text: String) {
    if let address = IPv4Address(text) {
      self = .v4(address)
    } else if let address = IPv6Address(text) {
      self = .v6(address)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }
}

extension IPPrefix: CustomStringConvertible {
  /// `192.0.2.0/24`; an address alone is the prefix of that one address.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = parts.first.flatMap({ IPAddress(String($0)) }) else { return nil }
    switch (parts.count, address) {
    case (1, .v4): self.init(address, length: 32)
    case (1, .v6): self.init(address, length: 128)
    case (2, _):
      // Written as it is printed: no sign, no leading zero.
      guard let length = Int(parts[1]), String(length) == parts[1] else { return nil }
      self.init(address, length: length)
    default: return nil
    }
  }

  public var description: String { "\(address)/\(length)" }
}

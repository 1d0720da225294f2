package import Wire

/// Which packets a trace is about; what is nil says nothing.
package struct TraceWish: Sendable, Equatable {
  package var from: IPPrefix?
  package var to: IPPrefix?
  package var spi: UInt32?
  /// Of IP, or `arp`.
  package var protocolNumber: Int?

  package init() {}

  package static let arp = 256

  static let protocols: [(name: String, number: UInt8)] = [
    ("icmp", IPProtocol.icmp), ("igmp", IPProtocol.igmp), ("tcp", IPProtocol.tcp), ("udp", IPProtocol.udp),
    ("gre", IPProtocol.gre), ("esp", IPProtocol.esp), ("ah", IPProtocol.ah), ("icmpv6", IPProtocol.icmpv6),
    ("sctp", IPProtocol.sctp),
  ]
  static let words = protocols.map(\.name) + ["arp"]

  static func protocolNumber(_ word: String) -> Int? {
    if word.lowercased() == "arp" { return arp }
    return (protocols.first { $0.name == word.lowercased() }?.number ?? UInt8(word)).map { Int($0) }
  }

  /// Decimal, or hexadecimal behind 0x. None is below 1.
  static func spi(_ word: String) -> UInt32? {
    let isHex = word.lowercased().hasPrefix("0x")
    let digits = isHex ? String(word.dropFirst(2)) : word
    guard digits.allSatisfy(\.isHexDigit), let spi = UInt32(digits, radix: isHex ? 16 : 10), spi > 0 else { return nil }
    return spi
  }

  // What a request carries: the words that were typed would do as well.

  static let names = ["from", "to", "spi", "protocol"]

  var members: [(String, JSON)] {
    var list: [(String, JSON)] = []
    if let from { list.append(("from", .string("\(from)"))) }
    if let to { list.append(("to", .string("\(to)"))) }
    if let spi { list.append(("spi", spi.json)) }
    if let protocolNumber { list.append(("protocol", protocolNumber.json)) }
    return list
  }

  init(json: JSON) throws(JSONMismatch) {
    from = try Self.prefix("from", json)
    to = try Self.prefix("to", json)
    spi = try json["spi"].map { (json) throws(JSONMismatch) in try UInt32(json: json) }
    protocolNumber = try json["protocol"].map { (json) throws(JSONMismatch) in try Int(json: json) }
    guard (protocolNumber ?? 0) <= Self.arp else { throw JSONMismatch("protocol: at most \(Self.arp)") }
  }

  private static func prefix(_ name: String, _ json: JSON) throws(JSONMismatch) -> IPPrefix? {
    guard let member = json[name] else { return nil }
    guard let prefix = IPPrefix(try String(json: member)) else { throw JSONMismatch("\(name): no prefix") }
    return prefix
  }
}

/// `hauberk trace`.
package struct TraceOptions: Sendable {
  package var packets: Int
  package var wish = TraceWish()
  package var seconds: Double?
  package var control: ControlOptions

  package static let options = [
    Option("--count", "N", "how many packets (default 10)"),
    Option("--from", "PREFIX", "those whose source is in PREFIX, such as 10.1.0.0/16 or 2001:db8::1"),
    Option("--to", "PREFIX", "those whose destination is in PREFIX"),
    Option("--spi", "SPI", "those of the ESP SA with this SPI, decimal or 0x and hexadecimal"),
    Option("--protocol", "P", "those of this protocol, by name or number", values: TraceWish.words),
    Option("--seconds", "N", "give up after N seconds (default: wait for the packets)"), ControlOptions.control,
    Option("--json", nil, "one JSON object a packet, each on a line"),
  ]

  package init(_ words: [String]) throws(CommandFailure) {
    let parsed = try ParsedArguments(words, Self.options)
    try parsed.noWords("trace")
    packets = try parsed.integer("--count", in: 1...Request.mostTraced) ?? 10
    wish.from = try Self.prefix("--from", parsed)
    wish.to = try Self.prefix("--to", parsed)
    wish.spi = try Self.value("--spi", parsed, "a number from 1, such as 4096 or 0x1000", TraceWish.spi)
    wish.protocolNumber = try Self.value(
      "--protocol", parsed, "\(TraceWish.words.joined(separator: ", ")), or a number from 0 to 255",
      TraceWish.protocolNumber)
    seconds = try parsed.integer("--seconds", in: 1...86_400).map(Double.init)
    control = try ControlOptions(parsed)
  }

  private static func prefix(_ name: String, _ parsed: ParsedArguments) throws(CommandFailure) -> IPPrefix? {
    try value(name, parsed, "an address or a prefix, such as 10.1.0.0/16") { IPPrefix($0) }
  }

  private static func value<Value>(
    _ name: String, _ parsed: ParsedArguments, _ expected: String, _ read: (String) -> Value?
  ) throws(CommandFailure) -> Value? {
    guard let text = parsed.value(name) else { return nil }
    guard let value = read(text) else {
      throw CommandFailure(.usage, "\(name) takes \(expected), not '\(text)'")
    }
    return value
  }
}

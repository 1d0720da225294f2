/// What a reader of JSON puts up with. Everything beyond is refused before it costs memory.
package struct JSONLimits: Sendable {
  package var bytes = 1 << 20
  package var depth = 16
  package var values = 1 << 16

  package init() {}
}

/// Why octets are no JSON that we take, and where.
package struct JSONFault: Error, CustomStringConvertible, Equatable {
  package let offset: Int
  package let what: String

  package var description: String { "octet \(offset + 1): \(what)" }
}

/// Reads one value, strictly as RFC 8259 has it, with names that come once. Octets may be anybody's.
package struct JSONReader {
  private let octets: [UInt8]
  private let limits: JSONLimits
  private var at = 0
  private var values = 0

  package static func read(_ octets: [UInt8], _ limits: JSONLimits = JSONLimits()) throws(JSONFault) -> JSON {
    guard octets.count <= limits.bytes else {
      throw JSONFault(offset: limits.bytes, what: "longer than \(limits.bytes) octets")
    }
    var reader = JSONReader(octets: octets, limits: limits)
    reader.skipBlanks()
    let value = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.at == octets.count else { throw reader.fault("something behind the value") }
    return value
  }

  private init(octets: [UInt8], limits: JSONLimits) {
    self.octets = octets
    self.limits = limits
  }

  private func fault(_ what: String) -> JSONFault { JSONFault(offset: at, what: what) }
  private var next: UInt8? { at < octets.count ? octets[at] : nil }

  private mutating func skipBlanks() {
    while let octet = next, octet == 0x20 || octet == 0x0a || octet == 0x0d || octet == 0x09 { at += 1 }
  }

  private mutating func value(depth: Int) throws(JSONFault) -> JSON {
    values += 1
    guard values <= limits.values else { throw fault("more than \(limits.values) values") }
    guard let octet = next else { throw fault("the end, where a value should be") }
    switch octet {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("no value begins like this")
    }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONFault) -> JSON {
    guard octets[at...].starts(with: word.utf8) else { throw fault("neither true, false nor null") }
    at += word.utf8.count
    return value
  }

  private mutating func enter(_ depth: Int) throws(JSONFault) {
    guard depth < limits.depth else { throw fault("more than \(limits.depth) levels") }
    at += 1
    skipBlanks()
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSON {
    try enter(depth)
    var members: [(String, JSON)] = []
    var names: Set<String> = []
    if next == UInt8(ascii: "}") {
      at += 1
      return .object([])
    }
    while true {
      guard next == UInt8(ascii: "\"") else { throw fault("no name, where a member should be") }
      let start = at
      let name = try string()
      guard names.insert(name).inserted else { throw JSONFault(offset: start, what: "a name that was there before") }
      skipBlanks()
      guard next == UInt8(ascii: ":") else { throw fault("no colon behind a name") }
      at += 1
      skipBlanks()
      members.append((name, try value(depth: depth + 1)))
      if try isOver(UInt8(ascii: "}")) { return .object(members) }
    }
  }

  private mutating func array(depth: Int) throws(JSONFault) -> JSON {
    try enter(depth)
    var items: [JSON] = []
    if next == UInt8(ascii: "]") {
      at += 1
      return .array([])
    }
    while true {
      items.append(try value(depth: depth + 1))
      if try isOver(UInt8(ascii: "]")) { return .array(items) }
    }
  }

  /// Behind an item: the end, or a comma and another.
  private mutating func isOver(_ closing: UInt8) throws(JSONFault) -> Bool {
    skipBlanks()
    guard let octet = next, octet == closing || octet == UInt8(ascii: ",") else {
      throw fault("neither a comma nor the end behind an item")
    }
    at += 1
    skipBlanks()
    return octet == closing
  }

  private mutating func number() throws(JSONFault) -> JSON {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    let firstDigit = at
    try digits()
    guard at - firstDigit == 1 || octets[firstDigit] != UInt8(ascii: "0") else { throw fault("a zero in front") }
    var isWhole = firstDigit == start
    if next == UInt8(ascii: ".") {
      isWhole = false
      at += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      at += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
      try digits()
    }
    let text = String(decoding: octets[start..<at], as: UTF8.self)
    if isWhole, let number = UInt64(text) { return .integer(number) }
    guard let number = Double(text), number.isFinite else {
      throw JSONFault(offset: start, what: "a number that is too large")
    }
    return .number(number)
  }

  private mutating func digits() throws(JSONFault) {
    let start = at
    while let octet = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) { at += 1 }
    guard at > start else { throw fault("no digit, where one should be") }
  }
}

extension JSONReader {
  private mutating func string() throws(JSONFault) -> String {
    let start = at
    at += 1
    var text: [UInt8] = []
    while let octet = next {
      switch octet {
      case UInt8(ascii: "\""):
        at += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw JSONFault(offset: start, what: "a string that is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        at += 1
        text += try escaped()
      case 0..<0x20: throw fault("a control character in a string")
      default:
        text.append(octet)
        at += 1
      }
    }
    throw JSONFault(offset: start, what: "a string without an end")
  }

  private mutating func escaped() throws(JSONFault) -> [UInt8] {
    guard let letter = next else { throw fault("a string without an end") }
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      guard 0xd800..<0xdc00 ~= unit else { return try utf8(unit) }
      guard octets[at...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
        throw fault("half of a surrogate pair")
      }
      at += 2
      let low = try codeUnit()
      guard 0xdc00..<0xe000 ~= low else { throw fault("half of a surrogate pair") }
      return try utf8(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
    default: throw fault("an escape that JSON does not have")
    }
  }

  private mutating func codeUnit() throws(JSONFault) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let octet = next, let digit = Character(UnicodeScalar(octet)).hexDigitValue else {
        throw fault("fewer than four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      at += 1
    }
    return unit
  }

  private func utf8(_ value: UInt32) throws(JSONFault) -> [UInt8] {
    guard let scalar = UnicodeScalar(value) else { throw fault("half of a surrogate pair") }
    return Array(String(Character(scalar)).utf8)
  }
}

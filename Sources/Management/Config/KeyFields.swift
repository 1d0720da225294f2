import Contract

/// Keys and when they were made.
enum KeyFields {
  static func key(_ name: String, _ suite: CipherSuite?, _ reader: inout FieldReader, isWanted: Bool) -> Secret? {
    let format = FieldFormat<Secret>.keyMaterial(suite)
    return isWanted ? reader.field(name, format) : reader.optional(name, format)
  }

  /// Only counters have a past.
  static func born(_ suite: CipherSuite?, _ reader: inout FieldReader) -> UInt64? {
    suite?.isCounterMode == true ? reader.field("keysBorn", .moment) : reader.optional("keysBorn", .moment)
  }
}

extension FieldFormat where Value == Secret {
  /// Errors say how much was written, and never what.
  static func keyMaterial(_ suite: CipherSuite?) -> FieldFormat {
    guard let suite else { return secret("hexadecimal digits") { Secret(hexadecimal: $0) } }
    let parts = [
      (suite.keyBits / 8, "a key"), (suite.saltBytes, "a salt"), (suite.integrity.keyBytes, "an integrity key"),
    ].filter { $0.0 > 0 }.map { "\($0.1) of \($0.0)" }
    let count = suite.materialBytes
    return secret("\(2 * count) hexadecimal digits, \(count) octets for \(suite): \(parts.joined(separator: ", "))") {
      Secret(hexadecimal: $0).flatMap { $0.count == count ? $0 : nil }
    }
  }
}

extension Secret {
  init?(hexadecimal text: String) {
    guard text.utf8.count % 2 == 0, !text.isEmpty else { return nil }
    var octets: [UInt8] = []
    octets.reserveCapacity(text.utf8.count / 2)
    var high: UInt8?
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = digit - UInt8(ascii: "A") + 10
      default: return nil
      }
      if let first = high { octets.append(first << 4 | value) }
      high = high == nil ? value : nil
    }
    self.init(octets)
  }
}

extension FieldFormat where Value == UInt64 {
  /// `1795219200`, `2026-11-21` or `2026-11-21T12:00:00Z`.
  static var moment: FieldFormat {
    text("seconds of the epoch, or a date such as 2026-11-21 or 2026-11-21T12:00:00Z") { secondsOfEpoch($0) }
  }
}

/// Up to the year 9999; what is before the epoch is a mistake.
private func secondsOfEpoch(_ text: String) -> UInt64? {
  let most: UInt64 = 253_402_300_799
  let scalars = Array(text.utf8)
  if (1...12).contains(scalars.count), scalars.allSatisfy({ (48...57).contains($0) }) {
    return UInt64(text).flatMap { $0 <= most ? $0 : nil }
  }
  guard scalars.count == 10 || scalars.count == 20 else { return nil }
  func number(_ from: Int, _ count: Int) -> Int? {
    scalars[from..<from + count].reduce(0 as Int?) { sum, digit in
      guard let sum, (48...57).contains(digit) else { return nil }
      return 10 * sum + Int(digit - 48)
    }
  }
  guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), scalars[4] == 45, scalars[7] == 45,
    year >= 1970, (1...12).contains(month), (1...days(year, month)).contains(day)
  else { return nil }
  var whole = (1970..<year).reduce(0) { $0 + (isLeap($1) ? 366 : 365) }
  whole += (1..<month).reduce(0) { $0 + days(year, $1) } + day - 1
  guard scalars.count == 20 else { return UInt64(whole * 86400) }
  guard let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), hour < 24, minute < 60,
    second < 60, scalars[10] == UInt8(ascii: "T"), scalars[13] == UInt8(ascii: ":"), scalars[16] == UInt8(ascii: ":"),
    scalars[19] == UInt8(ascii: "Z")
  else { return nil }
  return UInt64(whole * 86400 + hour * 3600 + minute * 60 + second)
}

private func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

private func days(_ year: Int, _ month: Int) -> Int {
  [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
}

/// Numbers and shapes for a person's eye.
package enum Format {
  /// 1234567 as `1 234 567`.
  package static func grouped(_ number: UInt64) -> String {
    let digits = Array(String(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += " " }
      text.append(digit)
    }
    return text
  }

  /// Hexadecimal, with zeros in front.
  package static func hex(_ number: UInt64, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// With `places` digits behind the point.
  package static func fixed(_ number: Double, _ places: Int) -> String {
    guard number.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (abs(number) * scale).rounded()
    guard scaled < 1e18 else { return "\(number)" }
    let digits = String(UInt64(scaled))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + padded }
    return sign + padded.dropLast(places) + "." + padded.suffix(places)
  }

  /// 12 300 000 packets per second as `12.30 M`.
  package static func scaled(_ number: Double) -> String {
    let steps: [(Double, String)] = [(1e9, " G"), (1e6, " M"), (1e3, " k")]
    for (step, suffix) in steps where number >= step { return fixed(number / step, 2) + suffix }
    return fixed(number, number < 10 ? 2 : 0)
  }

  /// 999 as `999 packet/s`, 1500 as `1.50 kpacket/s`.
  package static func scaled(_ number: Double, _ unit: String) -> String {
    let text = scaled(number)
    return text + (text.last?.isLetter == true ? "" : " ") + unit
  }

  package static func percent(_ part: UInt64, of whole: UInt64) -> String {
    whole == 0 ? "-" : fixed(Double(part) / Double(whole) * 100, 1) + " %"
  }

  /// A bar of `width` cells, filled to an eighth of a cell.
  package static func bar(_ share: Double, width: Int) -> String {
    let blocks = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let eighths = Int((min(1, max(0, share)) * Double(width * 8)).rounded())
    return String(repeating: "█", count: eighths / 8) + blocks[eighths % 8]
  }

  package static func seconds(_ seconds: Double) -> String {
    if seconds < 1e-3 { return fixed(seconds * 1e6, 0) + " µs" }
    if seconds < 1 { return fixed(seconds * 1e3, 1) + " ms" }
    return fixed(seconds, 2) + " s"
  }

  /// 93 784 seconds as `1 d 2 h`: the two largest units that are not nothing.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 1, seconds < 1e15 else { return seconds >= 1 ? "-" : "0 s" }
    var rest = UInt64(seconds)
    var parts: [String] = []
    for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")] as [(UInt64, String)] {
      if rest >= unit { parts.append("\(rest / unit) \(name)") }
      rest %= unit
    }
    return parts.prefix(2).joined(separator: " ")
  }

  package static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  package static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

/// A line that somebody types, key by key, while the screen around it changes.
struct LabKeys: Equatable {
  private(set) var text = ""
  /// Lines that were typed, and where among them the arrows are.
  private var past: [String] = []
  private var place = 0
  private var escape = Escape.none

  private enum Escape: Equatable {
    case none, begun, sequence
  }

  enum Outcome: Equatable {
    case line(String)
    /// Ctrl-D on an empty line.
    case end
  }

  static let mostLetters = 200
  private static let mostPast = 100

  /// What is complete after these octets.
  mutating func type(_ octets: some Sequence<UInt8>) -> [Outcome] {
    octets.compactMap { type($0) }
  }

  private mutating func type(_ octet: UInt8) -> Outcome? {
    switch (escape, octet) {
    case (.begun, UInt8(ascii: "[")), (.begun, UInt8(ascii: "O")): escape = .sequence
    case (.sequence, 0x40...0x7e):
      escape = .none
      if octet == UInt8(ascii: "A") { recall(place - 1) }
      if octet == UInt8(ascii: "B") { recall(place + 1) }
    case (.sequence, _): break
    case (_, 0x1b): escape = .begun
    default:
      escape = .none
      return key(octet)
    }
    return nil
  }

  private mutating func key(_ octet: UInt8) -> Outcome? {
    switch octet {
    case 0x0a, 0x0d:
      defer {
        text = ""
        place = past.count
      }
      if !text.isEmpty, past.last != text { past.append(text) }
      if past.count > Self.mostPast { past.removeFirst() }
      return .line(text)
    case 0x04 where text.isEmpty: return .end
    case 0x7f, 0x08: text = String(text.dropLast())
    case 0x15: text = ""
    case 0x17:
      let kept = text.reversed().drop { $0 == " " }.drop { $0 != " " }
      text = String(kept.reversed())
    case 0x20...0x7e where text.count < Self.mostLetters: text.unicodeScalars.append(Unicode.Scalar(octet))
    default: break
    }
    return nil
  }

  private mutating func recall(_ wanted: Int) {
    guard (0...past.count).contains(wanted) else { return }
    place = wanted
    text = wanted == past.count ? "" : past[wanted]
  }
}

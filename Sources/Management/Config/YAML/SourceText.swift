/// The bytes of a file as characters, for the few questions that libyaml leaves open.
///
/// Not a decoder of record: what is not valid text becomes U+FFFD here, and an error in libyaml.
struct SourceText {
  private enum Encoding { case utf8, utf16LittleEndian, utf16BigEndian }

  private let bytes: [UInt8]
  private let encoding: Encoding
  private let markLength: Int

  /// The byte-order mark alone decides, as in libyaml.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xff, 0xfe]) {
      (encoding, markLength) = (.utf16LittleEndian, 2)
    } else if bytes.starts(with: [0xfe, 0xff]) {
      (encoding, markLength) = (.utf16BigEndian, 2)
    } else {
      (encoding, markLength) = (.utf8, bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
    }
  }

  func position(ofByte offset: Int) -> SourcePosition {
    var counter = LineCounter()
    for scalar in text(upTo: offset).unicodeScalars { counter.pass(scalar) }
    return counter.position
  }

  func character(at position: SourcePosition) -> Unicode.Scalar? {
    var counter = LineCounter()
    for scalar in text(upTo: bytes.count).unicodeScalars {
      if counter.position == position { return scalar }
      counter.pass(scalar)
    }
    return nil
  }

  /// The first line that begins with `%`. libyaml compares each directive with all before it, so that a file
  /// of nothing else would take it minutes: none may reach it.
  func firstDirective() -> SourcePosition? {
    guard bytes.contains(UInt8(ascii: "%")) else { return nil }
    var counter = LineCounter()
    for scalar in text(upTo: bytes.count).unicodeScalars {
      if scalar == "%", counter.position.column == 1 { return counter.position }
      counter.pass(scalar)
    }
    return nil
  }

  private func text(upTo end: Int) -> String {
    let content = bytes[min(markLength, bytes.count)..<max(markLength, min(end, bytes.count))]
    switch encoding {
    case .utf8: return String(decoding: content, as: UTF8.self)
    case .utf16LittleEndian: return String(decoding: units(of: content, highFirst: false), as: UTF16.self)
    case .utf16BigEndian: return String(decoding: units(of: content, highFirst: true), as: UTF16.self)
    }
  }

  private func units(of content: ArraySlice<UInt8>, highFirst: Bool) -> [UInt16] {
    stride(from: content.startIndex, to: content.endIndex - 1, by: 2).map { index in
      let (first, second) = (UInt16(content[index]), UInt16(content[index + 1]))
      return highFirst ? first << 8 | second : second << 8 | first
    }
  }
}

/// Counts lines as libyaml does: U+0085, U+2028 and U+2029 end one, and CR LF is one end.
private struct LineCounter {
  private(set) var position = SourcePosition.start
  private var followsCarriageReturn = false

  mutating func pass(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\n" where followsCarriageReturn: break
    case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
      position = SourcePosition(line: position.line + 1, column: 1)
    default: position = SourcePosition(line: position.line, column: position.column + 1)
    }
    followsCarriageReturn = scalar == "\r"
  }
}

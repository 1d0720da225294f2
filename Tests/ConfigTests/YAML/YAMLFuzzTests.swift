import Config
import Testing

@Suite("No bytes bring the reader down")
struct YAMLFuzzTests {
  @Test("Random pieces of YAML end in a value or in errors")
  func pieces() {
    let pieces = [
      "s: ", "b: true", "i: 0x", "l: [[", "m: {", "e: ", "k: 12", "&a ", "*a", "!t ", "---\n", "...\n",
      "%TAG ! b",
      "\n", "  ", "\t", "? ", "- ", "|\n", ">-\n", "'", "\"", "\\u0000", "}", "]", ",", ":", "#", "null",
      "\u{85}", "\u{feff}",
    ].map { Array($0.utf8) }
    var state: UInt64 = 1
    func next(below bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(truncatingIfNeeded: (state >> 33) % UInt64(bound))
    }
    for _ in 0..<5000 {
      var bytes: [UInt8] = next(below: 8) == 0 ? [0xff, 0xfe] : []
      for _ in 0..<next(below: 30) { bytes += pieces[next(below: pieces.count)] }
      if next(below: 4) == 0 { bytes.append(UInt8(next(below: 256))) }
      unsafe bytes.withUnsafeBytes { unsafe fuzzYAML($0) }
    }
  }
}

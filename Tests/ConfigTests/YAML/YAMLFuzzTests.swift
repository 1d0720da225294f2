import Config
import Glibc
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

  @Test("A configuration with any line left out, doubled or cut ends in a value or in errors")
  func configurations() {
    let path = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/examples/gateway.yaml"
    let opened = unsafe fopen(path, "r")
    guard let file = unsafe opened else {
      Issue.record("no example")
      return
    }
    defer { unsafe fclose(file) }
    var octets = [UInt8](repeating: 0, count: 65536)
    let count = unsafe fread(&octets, 1, octets.count, file)
    let lines = octets[..<count].split(separator: 10, omittingEmptySubsequences: false)
      .filter { $0.first { $0 != 32 } != UInt8(ascii: "#") }
    for index in lines.indices {
      var without = lines, doubled = lines, cut = lines
      without.remove(at: index)
      doubled.insert(lines[index], at: index)
      cut[index] = cut[index].dropLast(2)
      for text in [without, doubled, cut] {
        let bytes = Array(text.joined(separator: [10]))
        unsafe bytes.withUnsafeBytes { unsafe fuzzConfiguration($0) }
      }
    }
  }
}

@testable import CLI
import Foundation
import Testing

@Suite struct JSONReaderTests {
  private func read(_ text: String, _ limits: JSONLimits = JSONLimits()) throws(JSONFault) -> JSON {
    try JSONReader.read(Array(text.utf8), limits)
  }

  private func fault(_ octets: [UInt8], _ limits: JSONLimits = JSONLimits()) -> JSONFault? {
    do {
      _ = try JSONReader.read(octets, limits)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    "{}", "[]", "null", "true", "false", "0", "18446744073709551615", "\"\"", "{\"a\":[1,2,{\"b\":null}],\"c\":0.5}",
    "[[[]],{}]", "\"\\u0007 \\\" \\\\ ümlaut 🐎\"", "-1.5", "[\"\\n\",\"\\r\",\"\\t\"]",
  ])
  func `what is written in one line is read and written the same`(_ text: String) throws {
    #expect(try read(text).line == text)
    #expect(try read(read(text).text).line == text)
  }

  @Test func `escapes, blanks and numbers mean what they say`() throws {
    #expect(try read("\"\\u00fc\\ud83d\\udc0e\\/\\b\\f\"").line == "\"ü🐎/\\u0008\\u000c\"")
    #expect(try read(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n").line == "{\"a\":[1,2]}")
    for (text, value) in [("-1", -1.0), ("1e3", 1000), ("0.25", 0.25), ("18446744073709551616", 18446744073709551616)] {
      guard case .number(let number) = try read(text) else {
        Issue.record("\(text) is no number")
        continue
      }
      #expect(number == value)
    }
  }

  @Test(arguments: [
    "", " ", "{", "[", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "[1,]", "[,1]", "[1 2]",
    "1 2", "{} x", "01", "-", "1.", ".5", "1e", "+1", "1e999", "nul", "True", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"",
    "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "'a'", "{\"a\":1,\"a\":2}", "// 1", "NaN",
    "\u{feff}1",
  ])
  func `everything else is refused`(_ text: String) {
    #expect(fault(Array(text.utf8)) != nil)
  }

  @Test func `a string has to be UTF-8`() {
    for octets in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0x80]] as [[UInt8]] {
      #expect(fault([0x22] + octets + [0x22])?.what == "a string that is not UTF-8")
    }
  }

  @Test func `limits hold, and one less passes`() throws {
    var limits = JSONLimits()
    limits.depth = 3
    #expect(fault(Array("[[[1]]]".utf8), limits) == nil)
    #expect(fault(Array("[[[[1]]]]".utf8), limits)?.what == "more than 3 levels")
    limits.values = 3
    #expect(fault(Array("[1,2]".utf8), limits) == nil)
    #expect(fault(Array("[1,2,3]".utf8), limits)?.what == "more than 3 values")
    limits.bytes = 7
    #expect(fault(Array("[1,2]  ".utf8), limits) == nil)
    #expect(fault(Array("[1,2]   ".utf8), limits)?.what == "longer than 7 octets")
    // Not deep in the stack either.
    #expect(fault([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)) != nil)
  }

  @Test func `hostile octets end in a value or a fault`() {
    var random = SystemRandomNumberGenerator()
    let seed = Array(#"{"command":"show","what":["a\u00e9\ud83d\udc0e",-1.5e3,null,true],"x":{"y":[]}}"#.utf8)
    let letters = Array(#"{}[]",:\u0123456789abcdefeE+-.tn "#.utf8) + [0, 0x80, 0xc3, 0xff]
    var taken = 0
    for _ in 0..<20_000 {
      var octets = seed
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let place = Int.random(in: 0..<max(1, octets.count), using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where !octets.isEmpty: octets[place] = letters.randomElement(using: &random)!
        case 1 where !octets.isEmpty: octets.remove(at: place)
        default: octets.insert(letters.randomElement(using: &random)!, at: place)
        }
      }
      // What we take, others take too.
      if let value = try? JSONReader.read(octets) {
        taken += 1
        let theirs = try? JSONSerialization.jsonObject(with: Data(octets), options: .fragmentsAllowed)
        if theirs == nil || (try? JSONReader.read(Array(value.line.utf8)).line) != value.line {
          Issue.record("\(String(decoding: octets, as: UTF8.self))")
        }
      }
    }
    #expect(taken > 1000)
  }
}

import Foundation
import Testing

/// docs/ESP-ROWS.md names a test for each row, and each is there.
@Suite struct RowsTests {
  private static let rows: [(number: Int, tests: [String])] = {
    let text = try! String(contentsOfFile: Program.root + "/docs/ESP-ROWS.md", encoding: .utf8)
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      guard cells.count == 5, let number = Int(cells[1].trimmingCharacters(in: .whitespaces)) else { return nil }
      // Between backquotes, every other piece.
      let pieces = cells[3].split(separator: "`", omittingEmptySubsequences: false)
      return (number, pieces.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) })
    }
  }()

  private static let functions: Set<String> = {
    var names: Set<String> = []
    let tests = Program.root + "/Tests"
    for case let path as String in FileManager.default.enumerator(atPath: tests)! where path.hasSuffix(".swift") {
      let text = (try? String(contentsOfFile: tests + "/" + path, encoding: .utf8)) ?? ""
      for piece in text.components(separatedBy: "func `").dropFirst() {
        names.insert(String(piece.prefix { $0 != "`" }))
      }
    }
    return names
  }()

  /// "rows 1 to 4, 15 and 16: …" says which.
  private func rows(_ name: String) -> Set<Int> {
    var result: Set<Int> = []
    var isRange = false, last = 0
    let head = name.prefix { $0 != ":" }.replacingOccurrences(of: ",", with: "")
    for word in head.split(separator: " ") {
      if let number = Int(word) {
        result.formUnion(isRange ? last...number : number...number)
        last = number
      }
      isRange = word == "to"
    }
    return result
  }

  @Test func `every row has a test that names it`() {
    #expect(Self.rows.map(\.number) == Array(1...50))
    for row in Self.rows {
      #expect(!row.tests.isEmpty, "row \(row.number)")
      for test in row.tests {
        #expect(Self.functions.contains(test), "row \(row.number): there is no test `\(test)`")
        #expect(rows(test).contains(row.number), "row \(row.number): `\(test)` is about others")
      }
    }
  }
}

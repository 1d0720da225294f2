import Foundation
import Testing

/// `hauberk simulate`: the same seed is the same run, and its picture is XML.
@Suite struct SimulateCommandTests {
  @Test func `a seed that holds: code 0, its faults, its outages, the verdict`() throws {
    let run = Program.run("simulate", "--seed", "3", "--members", "3", "--faults", "crash")
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(run.text.hasPrefix("seed 3: 3 members, detection in 20.0 ms, "))
    #expect(run.text.contains("  fault     crash ") && run.text.contains("  outage    "))
    #expect(run.text.hasSuffix("  verdict   every rule held\n"))
    let again = Program.run("simulate", "--seed", "3", "--members", "3", "--faults", "crash")
    #expect(again.text == run.text)
    let json = Program.run("simulate", "--seed", "3", "--members", "3", "--faults", "crash", "--json").json
    #expect(json?["good"] as? Bool == true && json?["members"] as? Int == 3)
    #expect((json?["outages"] as? [Any])?.isEmpty == false)
  }

  @Test func `a picture has a lane for each unit, its faults and its terms, and is XML`() throws {
    let folder = Folder()
    let path = folder.path("run.svg")
    #expect(Program.run("simulate", "--members", "4", "--faults", "crash", "--timeline", path).code == 0)
    let octets = folder.read("run.svg")
    let text = String(decoding: octets, as: UTF8.self)
    for unit in 0..<4 { #expect(text.contains(">unit \(unit)</text>")) }
    #expect(text.contains("<title>crash ") && text.contains("term 1, unit ") && text.contains("master, term "))
    let reader = XMLCheck(octets)
    #expect(reader.isWhole && reader.elements > 40)
    #expect(Program.run("simulate", "--timeline", folder.path("no/such.svg")).code == 4)
  }

  @Test func `many seeds: a line for all, and one each in JSON`() {
    let run = Program.run("simulate", "--seeds", "1-5", "--faults", "stall,crash")
    #expect(run.code == 0 && run.text.hasPrefix("5 runs, ") && run.text.hasSuffix(" steps, 0 failed\n"))
    let lines = Program.run("simulate", "--seeds", "1-5", "--json").lines.dropLast()
    #expect(lines.count == 5 && lines.allSatisfy { $0.hasPrefix("{\"seed\":") && $0.hasSuffix("}") })
  }

  @Test func `a transcript comes first, and only if asked for`() {
    let run = Program.run("simulate", "--faults", "none", "--transcript")
    #expect(run.code == 0 && run.text.contains(" ms 0 ") && run.text.contains("announce\n"))
    #expect(run.lines.count > 200 && Program.run("simulate", "--faults", "none").lines.count < 12)
  }
}

/// Elements that open and close in order, and nothing that XML does not know. Enough for what we write.
private struct XMLCheck {
  var elements = 0
  var isWhole = true

  init(_ octets: [UInt8]) {
    var open: [Substring] = []
    let text = String(decoding: octets, as: UTF8.self)
    for piece in text.split(separator: "<").map({ $0.split(separator: ">", omittingEmptySubsequences: false) }) {
      guard piece.count == 2, let tag = piece.first else {
        isWhole = false
        continue
      }
      let name = tag.drop { $0 == "/" }.prefix { $0.isLetter }
      // Quotes are in pairs, and an ampersand begins an entity.
      if tag.count(where: { $0 == "\"" }) % 2 != 0 || text.contains("& ") { isWhole = false }
      elements += 1
      if tag.hasPrefix("/") {
        if open.popLast() != name { isWhole = false }
      } else if !tag.hasSuffix("/") {
        open.append(name)
      }
    }
    if !open.isEmpty { isWhole = false }
  }
}

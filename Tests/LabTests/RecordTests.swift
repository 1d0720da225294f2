import CLI
import Testing

@testable import Lab

/// What a lab may touch is what its record names, and nothing else.
@Suite struct RecordTests {
  @Test(arguments: [
    LabRecord.Entry.lab(77, born: 5), .namespace("hauberk-lab-hostA"), .process(4_000_000, born: 123_456_789),
  ])
  func `what is written is read`(_ entry: LabRecord.Entry) {
    #expect(LabRecord.Entry(Substring(entry.line)) == entry)
  }

  @Test(arguments: [
    "", "process", "process 12", "process 12 0", "process 1 5", "process 0 5", "process -7 5", "process x 5",
    "process 12 5 6", "namespace", "namespace a b", "folder /", "lab 12",
  ])
  func `what is no entry names nothing`(_ line: String) { #expect(LabRecord.Entry(Substring(line)) == nil) }

  @Test func `names of one lab never are another's`() throws {
    let plan = try LabPlan(options: LabOptions(["--name", "a", "--members", "16"]), key: "00")
    let other = try LabPlan(options: LabOptions(["--name", "ab"]), key: "00")
    let names = plan.places.map(plan.namespace) + other.places.map(other.namespace)
    #expect(Set(names).count == names.count && names.count == 19 + 6)
    #expect(other.places.map(other.namespace).allSatisfy { !$0.hasPrefix(LabPlan.prefix("a")) })
    // A device's name has at most 15 octets.
    #expect(plan.plugs.allSatisfy { LabPlan.port($0.place, $0.side).utf8.count <= 15 })
    #expect(Set(plan.plugs.map { LabPlan.port($0.place, $0.side) }).count == 34)
  }
}

import Contract
import Testing

@Suite("Every discard has a name")
struct DropReasonTests {
  @Test("The names are those that dashboards and scripts know")
  func names() {
    #expect(
      DropReason.allCases.map(\.name) == [
        "none", "frameTooShort", "foreignMAC", "unsupportedEtherType", "tooManyTags", "arp", "ipv4Truncated",
        "ipv4Version", "ipv4HeaderLength", "ipv4TotalLength", "ipv6Truncated", "ipv6Version", "notMine",
        "workSetUnassigned", "workSetPending", "fenced", "holdFull", "holdDoubtful", "otherHalf", "crossingFull",
        "noFrame", "noPolicy",
        "policyDiscard", "clearOutside", "stateLost", "innerTruncated",
        "tooLongToSeal", "tooBigForPath", "linkFamily", "noRoomInFrame", "fragmentInTransport", "sequenceExhausted",
        "lifetimeOver", "noSenderID", "unknownSPI", "espTooShort", "espMisaligned", "espTooDeep", "replayed",
        "outsideWindow",
        "integrity", "noSenderWindow", "badPadding", "innerProtocol", "innerMalformed", "congestionLost",
        "selectorMismatch", "udpTooShort", "reassemblyFull", "fragmentOverlap", "fragmentMalformed",
        "groupFrame", "hopLimitOver", "noRoute", "tooBigForLink", "controlBusy", "portDown", "portFull", "draining",
        "mismatched",
        "dummy", "natKeepalive", "reassembled", "forUs", "noNeighbour", "clusterControl", "passedOn", "held",
        "workedOn",
      ])
  }

  @Test("Each has a meaning of its own, in words")
  func meanings() {
    let meanings = DropReason.allCases.map(\.meaning)
    #expect(Set(meanings).count == meanings.count)
    #expect(meanings.allSatisfy { $0.contains(" ") && !$0.hasSuffix(".") })
  }

  @Test("The numbers follow each other, 0 goes on, and the counters have room for more")
  func numbers() {
    #expect(DropReason.allCases.map { Int($0.rawValue) } == Array(0..<DropReason.allCases.count))
    #expect(DropReason.none.rawValue == 0)
    #expect(DropReason.allCases.count < DropReason.capacity)
  }
}

@Suite("The key of the work-set hash is 32 hexadecimal digits")
struct WorkSetKeyTests {
  @Test("The first sixteen digits are the high half, in either case")
  func halves() {
    let key = WorkSetKey(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
    #expect(WorkSetKey("00112233445566778899aabbccddeeff") == key)
    #expect(WorkSetKey("00112233445566778899AABBCCDDEEFF") == key)
    #expect(WorkSetKey(String(repeating: "0", count: 32)) == .zero)
    #expect(
      WorkSetKey(String(repeating: "f", count: 32)) == WorkSetKey(high: .max, low: .max))
  }

  @Test(
    "Anything else is refused",
    arguments: [
      "", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
      "0x112233445566778899aabbccddeeff", "+0112233445566778899aabbccddeeff",
      "0011223344556677-899aabbccddeeff", "00112233445566778899aabbccddeefg",
      "0011223344556677 899aabbccddeeff", "00112233445566778899aabbccdde０",
    ])
  func refused(_ text: String) { #expect(WorkSetKey(text) == nil) }
}

@Suite("Orders and reports have a fixed size, because they travel in rings")
struct OrderTests {
  @Test("An order fits into three words, a report into two")
  func sizes() {
    #expect(MemoryLayout<Order>.stride <= 24)
    #expect(MemoryLayout<Report>.stride == 16)
    #expect(Order(.stop).kind == .stop)
  }

  @Test("A report keeps who says it and how much")
  func report() {
    let report = Report(.stopped, worker: 63, value: .max)
    #expect(report.kind == .stopped)
    #expect(report.worker == 63)
    #expect(report.value == .max)
  }
}

@Suite("Every punt has a name")
struct PuntTests {
  @Test("Names and numbers are those that packets and dashboards carry")
  func names() {
    #expect(
      Punt.allCases.map(\.name) == [
        "notIP", "forUs", "noNeighbour", "hopLimit", "tooBig", "noRoute", "prohibited",
      ])
    #expect(Punt.allCases.map { Int($0.rawValue) } == Array(0..<Punt.allCases.count))
    #expect(Set(Punt.allCases.map(\.meaning)).count == Punt.allCases.count)
  }
}

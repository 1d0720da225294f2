import CLI
import Testing

@testable import Doctor

@Suite struct ReportTests {
  private let findings = [
    Finding(.good, .clock, "source", "tsc"),
    Finding(.better, .memory, "swap", "is on", why: "it is slow", remedy: "swapoff -a"),
    Finding(.wrong, .devices, "eth1", "is down", why: "nothing comes in", remedy: "one\ntwo"),
  ]

  @Test func `what is wrong comes first, with its commands`() {
    let text = """
      wrong   eth1: is down
              nothing comes in
                $ one
                $ two

      better  swap: is on
              it is slow
                $ swapoff -a

      1 wrong, 1 could be better, 1 good (--all lists them)

      """
    #expect(DoctorReport(findings).text == text)
    #expect(
      DoctorReport(findings, showsAll: true).text.contains(
        "\ngood    source  tsc\n\n1 wrong, 1 could be better, 1 good\n"))
    #expect(DoctorReport(findings).isWrong && !DoctorReport(Array(findings.prefix(2))).isWrong)
  }

  @Test func `a machine that is good is one line`() {
    #expect(DoctorReport(Array(findings.prefix(1))).text == "0 wrong, 0 could be better, 1 good (--all lists them)\n")
  }

  @Test func `a program reads the same`() {
    let json = DoctorReport(findings).json.text
    #expect(
      json.contains(#""wrong": 1"#) && json.contains(#""level": "better""#) && json.contains(#""remedy": "one\ntwo""#))
    #expect(json.contains(#""why": null"#))
  }
}

import CLI
import Testing

@testable import Lab

/// What a lab says in lines, and whom it believes.
@Suite struct ReportTests {
  private func view() throws -> LabView {
    var view = try LabView(LabOptions(["--members", "2"]))
    view.members = [1, 2].map { number in
      var member = LabView.Member()
      (member.number, member.state, member.isAlive, member.sets) = (number, "running", true, 512)
      return member
    }
    (view.second, view.master, view.term) = (4.06, 2, 3)
    (view.total.sent, view.total.twice) = (8000, 1)
    return view
  }

  @Test func `a line a second, an event, and the sum`() throws {
    var view = try view()
    view.members[0].state = "stopped"
    var tally = ProbeTally()
    tally.sent = 2000
    #expect(
      LabReport.line(view, second: 4, tally)
        == "    4 s  sent   2000  lost     0  twice   0  outage -        | 1 stopped, 2* 512")
    #expect(LabReport.event(LabView.Event(second: 3.04, text: "member 1 is killed")) == "    3.0 s  member 1 is killed")
    let mark = ProbeAccount.Mark(label: "kill 1", at: 5_000_000_000, tally: tally)
    #expect(
      LabReport.summary(view, [mark], began: 2_000_000_000) == """
        4.1 s: 8 000 probes, none was lost, 1 came twice
               at  what was done            sent    lost   twice   outage
            3.0 s  kill 1                  2 000       0       0        -

        """)
  }

  @Test func `JSON has a line for a second and one for all`() throws {
    let second = try LabReport.json(view(), second: 4, ProbeTally(), [LabView.Event(second: 3.5, text: "x")]).line
    #expect(second.hasPrefix(#"{"kind":"second","second":4,"sent":0,"lost":0,"twice":0,"#))
    #expect(second.contains(#""master":2,"term":3,"members":[{"unit":1,"state":"running","role":"","sets":512,"#))
    #expect(second.hasSuffix(#""events":[{"second":3.5,"event":"x"}]}"#))
    let mark = ProbeAccount.Mark(label: "kill 1", at: 5_000_000_000)
    let sum = try LabReport.json(view(), [mark], began: 2_000_000_000).line
    #expect(sum.hasPrefix(#"{"kind":"summary","seconds":4.06,"sent":8000,"#))
    #expect(sum.contains(#""orders":[{"order":"kill 1","second":3.0,"sent":0,"#))
  }

  @Test func `an event of the cluster is told once, whoever tells it again`() {
    var events = LabEvents()
    var status = ClusterStatus()
    status.unit = 2
    status.events = [
      ClusterEventStatus(secondsAgo: 20, event: "before the first probe", isWarning: false),
      ClusterEventStatus(secondsAgo: 2, event: "unit 1 is silent", isWarning: true),
    ]
    events.take(status, at: 10)
    // The same, asked again a little later, and the answer was long on its way.
    status.events[1].secondsAgo = 2.55
    status.events.append(ClusterEventStatus(secondsAgo: 0.1, event: "unit 1 is silent", isWarning: true))
    events.note("in between", at: 9)
    events.take(status, at: 10.6)
    let silent = "unit 2: unit 1 is silent"
    #expect(events.takeUntold().map(\.text) == [silent, "in between", silent] && events.takeUntold().isEmpty)
    // Whatever is heard later than it was stands where it was.
    events.note("early", at: 8.5)
    #expect(events.all.map(\.text) == [silent, "early", "in between", silent])
  }

  @Test func `a cluster is settled when one leads, all have a lease, and all sets are shared evenly`() {
    func status(_ unit: Int, _ role: String, _ running: Int) -> ClusterStatus {
      var status = ClusterStatus()
      (status.unit, status.role, status.running, status.isFenced) = (unit, role, running, false)
      status.work = [Int?](repeating: 1, count: 1024)
      return status
    }
    var look = LabLook(answers: [1: status(1, "master", 342), 2: status(2, "client", 341), 3: status(3, "client", 341)])
    #expect(
      look.isSettled([1, 2, 3]) && look.master?.unit == 1 && !look.isSettled([1, 2]) && !look.isSettled([1, 2, 3, 4]))
    look.answers[3]?.isFenced = true
    #expect(!look.isSettled([1, 2, 3]))
    look.answers[3] = status(3, "client", 340)
    #expect(!look.isSettled([1, 2, 3]))
    look.answers[3] = status(3, "client", 341)
    look.answers[1]?.pending = [7]
    #expect(!look.isSettled([1, 2, 3]))
    // Of two masters the later counts.
    look.answers[2]?.role = "master"
    look.answers[2]?.term = 9
    #expect(look.master?.unit == 2)
  }
}
